package raftfsm

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

// LogEnd is the last entry of a log. Of two logs the one whose last entry has the higher term is ahead; in one term, the longer one.
type LogEnd struct {
	Term  uint64 `json:"term"`
	Index uint64 `json:"index"`
}

// Compare orders log ends: negative when e is behind o.
func (e LogEnd) Compare(o LogEnd) int {
	return cmp.Or(cmp.Compare(e.Term, o.Term), cmp.Compare(e.Index, o.Index))
}

// Max returns the log end that is ahead.
func (e LogEnd) Max(o LogEnd) LogEnd {
	if e.Compare(o) < 0 {
		return o
	}
	return e
}

func (e LogEnd) String() string { return fmt.Sprintf("index %d of term %d", e.Index, e.Term) }

// Note is what the cluster remembers of one server: how far it ever said that its log is durable. A server that starts with less has
// lost what it acknowledged, and must not vote.
type Note struct {
	Server string `json:"server"`
	Voter  bool   `json:"voter"`
	Raft   string `json:"raft"` // cluster address
	LogEnd        // durable
}

// Note finds what is noted of a server. Ticks of release 0.1 had readings only.
func (t *Tick) Note(server string) (Note, bool) {
	for _, n := range t.Notes {
		if n.Server == server {
			return n, true
		}
	}
	if len(t.Notes) > 0 {
		return Note{}, false
	}
	for _, r := range t.Readings {
		if r.Server == server {
			return Note{Server: server, Voter: true, LogEnd: LogEnd{r.Term, r.Index}}, true
		}
	}
	return Note{}, false
}

// IsTick reports whether the data of a log entry is a TICK. It looks at the envelope alone.
func IsTick(data []byte) bool {
	return len(data) >= commandHeader && string(data[:4]) == commandMagic && binary.LittleEndian.Uint16(data[4:]) == KindTick
}

// TickOf decodes the data of a log entry that IsTick.
func TickOf(data []byte) (Tick, error) {
	cmd, err := ParseCommand(data)
	if err != nil {
		return Tick{}, err
	}
	if cmd.Kind != KindTick || cmd.Version != commandVersion {
		return Tick{}, fmt.Errorf("raftfsm: command %d version %d is no tick that this binary knows", cmd.Kind, cmd.Version)
	}
	return parseTick(cmd.Body)
}
