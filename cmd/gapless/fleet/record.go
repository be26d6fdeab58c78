package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// truthVersion is written to the first line; another one is refused.
const truthVersion = 1

// Record kinds of the truth file; doc.go explains them.
const (
	recFleet    = "fleet"
	recLife     = "life"
	recLost     = "lost"
	recDeclared = "declared"
	recAcked    = "acked"
	recRepeated = "repeated"
	recConflict = "conflict"
	recRetried  = "retried"
	recOdd      = "odd"
	recEnd      = "end"
)

// record is one line of the truth file. A number that is left out is zero.
type record struct {
	Type     string   `json:"t"`
	Version  int      `json:"version,omitempty"`
	Seed     uint64   `json:"seed,omitempty"`
	Device   string   `json:"device,omitempty"`
	Stream   string   `json:"stream,omitempty"`
	Epoch    string   `json:"epoch,omitempty"`
	Bits     uint8    `json:"bits,omitempty"`
	First    uint64   `json:"first,omitempty"`
	Last     uint64   `json:"last,omitempty"`
	Head     string   `json:"head,omitempty"`
	Tail     ending   `json:"tail,omitempty"`
	From     uint64   `json:"from,omitempty"`
	To       uint64   `json:"to,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Seq      []uint64 `json:"seq,omitempty"`
	Sum      []string `json:"sum,omitempty"`
	Times    int      `json:"times,omitempty"`
	Note     string   `json:"note,omitempty"`
	Position string   `json:"position,omitempty"`
}

// recorder writes the truth file. It is used by all workers.
type recorder struct {
	mu  sync.Mutex // protects out and err
	out *bufio.Writer
	err error // the first failure; nothing is written after it
}

func newRecorder(w io.Writer) *recorder { return &recorder{out: bufio.NewWriterSize(w, 1<<16)} }

func (r *recorder) put(records ...record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range records {
		if r.err != nil {
			break
		}
		b, err := json.Marshal(&records[i])
		if err == nil {
			_, err = r.out.Write(append(b, '\n'))
		}
		r.err = err
	}
	return r.wrapped()
}

func (r *recorder) flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.out.Flush()
	}
	return r.wrapped()
}

func (r *recorder) wrapped() error {
	if r.err != nil {
		return fmt.Errorf("fleet: write truth: %w", r.err)
	}
	return nil
}

// at starts a record about one life of a source.
func (s *source) at(kind string, life int) record {
	return record{Type: kind, Device: s.device, Stream: s.stream, Epoch: s.lives[life].epoch}
}

// planned returns what is known of a source before it sends anything: its lives, and the numbers that it loses in silence.
func (s *source) planned() []record {
	var out []record
	for i, l := range s.lives {
		r := s.at(recLife, i)
		r.Bits, r.First, r.Last, r.Head, r.Tail = s.kind.bits, l.first, l.last, l.head, l.tail
		out = append(out, r)
		for _, gap := range minus(s.lost(i), s.declared(i)) {
			r := s.at(recLost, i)
			r.From, r.To = gap.from, gap.to
			out = append(out, r)
		}
	}
	return out
}

// acked returns what an acknowledged request made true. unknown is how many tries before it may have been committed as well.
func (s *source) acked(o *op, unknown int) []record {
	if o.kind == opDeclare {
		r := s.at(recDeclared, o.life)
		r.From, r.To, r.Reason = o.from, o.to, declareReason
		return []record{r}
	}
	fresh, repeats := s.at(recAcked, o.life), s.at(recRepeated, o.life)
	conflicts, again := s.at(recConflict, o.life), s.at(recRetried, o.life)
	again.Times = unknown
	for _, f := range o.frames {
		if f.unrecorded {
			continue
		}
		if unknown > 0 && !f.withheld {
			again.Seq = append(again.Seq, f.seq)
		}
		switch f.role {
		case roleRepeat:
			repeats.Seq = append(repeats.Seq, f.seq)
		case roleConflict:
			conflicts.Seq = append(conflicts.Seq, f.seq)
		default:
			body := s.frame(o.life, f)
			fresh.Seq = append(fresh.Seq, f.seq)
			fresh.Sum = append(fresh.Sum, sumText(sumOf(&body)))
		}
	}
	var out []record
	for _, r := range []record{fresh, repeats, conflicts, again} {
		if len(r.Seq) > 0 {
			out = append(out, r)
		}
	}
	return out
}
