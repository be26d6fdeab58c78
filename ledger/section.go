package ledger

import (
	"encoding/json"
	"fmt"
)

// limitBytes is how large a checkpoint may become: a million clean streams take about half of it.
const limitBytes = 1 << 30

// Name is the section's name in snapshots and metrics.
func (l *Ledger) Name() string { return "ledger" }

// Commands is the range of command kinds that Apply takes, both included; those without a meaning yet are refused.
func (l *Ledger) Commands() (first, last uint16) { return 16, 31 }

// LimitBytes is the limit of a checkpoint's size.
func (l *Ledger) LimitBytes() int64 { return limitBytes }

// Apply runs one replicated command and returns its result as JSON. A *CommandError is an answer to the client that is equal on all nodes; an error that
// is ErrVersion means that this program is too old for the log and the node has to stop.
func (l *Ledger) Apply(index, term uint64, commitMS int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	result, err := l.run(commitMS, kind, version, body)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("ledger: result of command %d at index %d: %w", kind, index, err)
	}
	return out, nil
}

func (l *Ledger) run(commitMS int64, kind uint16, version uint8, body []byte) (any, error) {
	switch kind {
	case KindHeartbeat:
		return apply(ParseHeartbeat, l.Heartbeat, commitMS, version, body)
	case KindSeal:
		return apply(ParseSeal, l.Seal, commitMS, version, body)
	case KindDeclareLost:
		return apply(ParseDeclareLost, l.DeclareLost, commitMS, version, body)
	case KindVerdict:
		return apply(ParseVerdict, l.Verdict, commitMS, version, body)
	}
	return nil, fmt.Errorf("ledger: command kind %d: %w", kind, ErrVersion)
}

func apply[C, R any](parse func(uint8, []byte) (C, error), do func(int64, *C) (R, error), commitMS int64, version uint8, body []byte) (any, error) {
	c, err := parse(version, body)
	if err != nil {
		return nil, err
	}
	return do(commitMS, &c)
}
