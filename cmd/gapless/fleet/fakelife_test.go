package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// fakeLife is one epoch in the fake: a brute-force ledger.
type fakeLife struct {
	epoch              string
	ordinal            int
	frames             map[uint64]frameAnswer
	first, top         uint64 // declared or lowest seen; one past the highest seen or told
	declared, seen     bool
	tail               ending
	tailAt             uint64
	lost               map[uint64]bool
	repeats, conflicts int
}

// unwrap takes the candidate nearest to the highest number so far.
func (l *fakeLife) unwrap(seq uint64, bits uint8) uint64 {
	if bits == 0 || bits == 64 {
		return seq
	}
	near := max(l.top, l.first)
	base := near &^ (1<<bits - 1)
	best := base + seq
	for _, c := range []uint64{base - 1<<bits + seq, base + 1<<bits + seq} {
		if int64(c) >= 0 && distance(c, near) < distance(best, near) {
			best = c
		}
	}
	return best
}

func distance(a, b uint64) uint64 { return max(a, b) - min(a, b) }

// message takes a heartbeat, a seal or a declaration of loss.
func (f *fake) message(r *http.Request, body []byte) (any, error) {
	var m struct {
		heartbeat
		LastSeq  uint64 `json:"last_seq"`
		From, To uint64
		Reason   string
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	device := r.PathValue("device")
	l := f.life(device, m.Stream, m.Epoch)
	forget := f.fault == faultTail && device == faultAt
	switch what := r.PathValue("what"); what {
	case "heartbeat":
		if m.First != nil && !(f.fault == faultHead && device == faultAt) {
			l.declared, l.first = true, l.unwrap(*m.First, m.Bits)
			if m.Bits != 0 {
				l.first = *m.First
			}
		}
		if m.PrevLastSeq != nil {
			f.life(device, m.Stream, m.PrevEpoch).tell(endSuccessor, *m.PrevLastSeq+1)
		}
		if !forget {
			l.tell(endWatermark, l.unwrap(m.NextSeq, m.Bits))
		}
	case "seal":
		if !forget {
			l.tell(endSeal, m.LastSeq+1)
		}
	case "declare-lost":
		for seq := m.From; seq <= m.To; seq++ {
			l.lost[seq] = true
		}
		if m.Reason != declareReason {
			return nil, errors.New("no reason")
		}
	default:
		return nil, fmt.Errorf("no %q", what)
	}
	return answer{Position: fmt.Sprint("p", f.index)}, nil
}

// tell notes that every number below next exists.
func (l *fakeLife) tell(how ending, next uint64) {
	if next >= l.tailAt && next > 0 {
		l.tail, l.tailAt = how, next
	}
	l.top = max(l.top, next)
}

func (l *fakeLife) basis() ending {
	if l.tailAt == l.top && l.tail != "" {
		return l.tail
	}
	return endLastSeen
}

// missing returns the runs of [first, top) that are not stored, declared ones apart from others.
func (l *fakeLife) missing() (out []run, declared []bool) {
	for seq := l.first; seq < l.top; seq++ {
		if _, ok := l.frames[seq]; ok {
			continue
		}
		if n := len(out); n > 0 && out[n-1].to+1 == seq && declared[n-1] == l.lost[seq] {
			out[n-1].to = seq
			continue
		}
		out, declared = append(out, run{from: seq, to: seq}), append(declared, l.lost[seq])
	}
	return out, declared
}

// seqs returns what is stored, ascending.
func (l *fakeLife) seqs() []uint64 {
	var out []uint64
	for seq := range l.frames {
		out = append(out, seq)
	}
	slices.Sort(out)
	return out
}
