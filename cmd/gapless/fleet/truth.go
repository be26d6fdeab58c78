package fleet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
)

// lifeKey names one life of one counter.
type lifeKey struct{ device, stream, epoch string }

// lifeTruth is what really happened in one life.
type lifeTruth struct {
	lifeKey
	ordinal     int // 1 for the first life of its counter
	bits        uint8
	first, last uint64
	head        string
	tail        ending
	sums        map[uint64]uint64 // acknowledged frames, with the sum of their content
	lost        []run             // in silence
	declared    []run
	repeats     int
	conflicts   int
	retried     int // frames that were sent again because an answer was lost
}

// truth is a truth file in memory.
type truth struct {
	seed     uint64
	position string
	lives    map[lifeKey]*lifeTruth
	ordered  []*lifeTruth // as lived
	boots    map[[2]string]int
	odd      []record
}

// maxTruthLine bounds one line: a request's frames.
const maxTruthLine = 16 << 20

// readTruth parses a truth file and checks that it does not contradict itself.
func readTruth(r io.Reader) (*truth, error) {
	t := &truth{lives: map[lifeKey]*lifeTruth{}, boots: map[[2]string]int{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<20), maxTruthLine)
	n := 0
	for ended := false; lines.Scan(); {
		n++
		var rec record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, fmt.Errorf("fleet: truth line %d: %w", n, err)
		}
		if ended || (n == 1) != (rec.Type == recFleet) {
			return nil, fmt.Errorf("fleet: truth line %d: record %q out of place", n, rec.Type)
		}
		if err := t.take(&rec); err != nil {
			return nil, fmt.Errorf("fleet: truth line %d: %w", n, err)
		}
		ended = rec.Type == recEnd
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("fleet: truth line %d: %w", n+1, err)
	}
	if t.position == "" {
		return nil, fmt.Errorf("fleet: truth of %d lines has no end: the run did not finish", n)
	}
	for _, l := range t.ordered {
		if err := l.check(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *truth) take(rec *record) error {
	switch rec.Type {
	case recFleet:
		t.seed = rec.Seed
		if rec.Version != truthVersion {
			return fmt.Errorf("version %d, this program reads %d", rec.Version, truthVersion)
		}
		return nil
	case recEnd:
		t.position = rec.Position
		return nil
	case recOdd:
		t.odd = append(t.odd, *rec)
		return nil
	case recLife:
		return t.add(rec)
	}
	l := t.lives[lifeKey{rec.Device, rec.Stream, rec.Epoch}]
	if l == nil {
		return fmt.Errorf("record %q of %s/%s epoch %q, which has no life", rec.Type, rec.Device, rec.Stream, rec.Epoch)
	}
	return l.take(rec)
}

func (t *truth) add(rec *record) error {
	l := &lifeTruth{
		lifeKey: lifeKey{rec.Device, rec.Stream, rec.Epoch}, ordinal: t.boots[[2]string{rec.Device, rec.Stream}] + 1, bits: rec.Bits,
		first: rec.First, last: rec.Last, head: rec.Head, tail: rec.Tail, sums: map[uint64]uint64{},
	}
	if t.lives[l.lifeKey] != nil || l.last < l.first {
		return fmt.Errorf("life %v again, or upside down: %d..%d", l.lifeKey, l.first, l.last)
	}
	t.boots[[2]string{rec.Device, rec.Stream}] = l.ordinal
	t.lives[l.lifeKey] = l
	t.ordered = append(t.ordered, l)
	return nil
}

func (l *lifeTruth) take(rec *record) error {
	switch rec.Type {
	case recLost:
		l.lost = append(l.lost, run{from: rec.From, to: rec.To})
	case recDeclared:
		l.declared = append(l.declared, run{from: rec.From, to: rec.To})
	case recRepeated:
		l.repeats += len(rec.Seq)
	case recConflict:
		l.conflicts += len(rec.Seq)
	case recRetried:
		l.retried += len(rec.Seq) * rec.Times
	case recAcked:
		if len(rec.Seq) != len(rec.Sum) {
			return fmt.Errorf("%d numbers with %d sums", len(rec.Seq), len(rec.Sum))
		}
		for i, seq := range rec.Seq {
			sum, err := strconv.ParseUint(rec.Sum[i], 16, 64)
			if err != nil {
				return err
			}
			if _, twice := l.sums[seq]; twice {
				return fmt.Errorf("number %d acknowledged as new twice", seq)
			}
			l.sums[seq] = sum
		}
	default:
		return fmt.Errorf("unknown record %q", rec.Type)
	}
	return nil
}

// check holds every number of the life to exactly one account.
func (l *lifeTruth) check() error {
	expected := l.last - l.first + 1
	if got := uint64(len(l.sums)) + numbers(l.lost) + numbers(l.declared); got != expected {
		return fmt.Errorf("fleet: truth of %v accounts for %d of %d numbers", l.lifeKey, got, expected)
	}
	for _, r := range slices.Concat(l.lost, l.declared) {
		for seq := r.from; seq <= r.to; seq++ {
			if _, stored := l.sums[seq]; stored || seq < l.first || seq > l.last {
				return fmt.Errorf("fleet: truth of %v calls %d lost, and also acknowledged or outside %d..%d", l.lifeKey, seq, l.first, l.last)
			}
		}
	}
	for seq := range l.sums {
		if seq < l.first || seq > l.last {
			return fmt.Errorf("fleet: truth of %v has %d outside %d..%d", l.lifeKey, seq, l.first, l.last)
		}
	}
	return nil
}

// missing returns the numbers that a cluster must report, with whether their loss was declared.
func (l *lifeTruth) missing() map[uint64]bool {
	out := make(map[uint64]bool, numbers(l.lost)+numbers(l.declared))
	for _, r := range l.lost {
		for seq := r.from; seq <= r.to; seq++ {
			out[seq] = false
		}
	}
	for _, r := range l.declared {
		for seq := r.from; seq <= r.to; seq++ {
			out[seq] = true
		}
	}
	return out
}

// runs returns the acknowledged numbers as ascending runs.
func (l *lifeTruth) runs() []run {
	seqs := make([]uint64, 0, len(l.sums))
	for seq := range l.sums {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	return runsOf(seqs)
}

// runsOf joins ascending numbers.
func runsOf(seqs []uint64) []run {
	var out []run
	for _, seq := range seqs {
		if n := len(out); n > 0 && out[n-1].to+1 == seq {
			out[n-1].to = seq
			continue
		}
		out = append(out, run{from: seq, to: seq})
	}
	return out
}

// devices returns the devices' names, sorted.
func (t *truth) devices() []string {
	seen := map[string]bool{}
	var out []string
	for _, l := range t.ordered {
		if !seen[l.device] {
			seen[l.device] = true
			out = append(out, l.device)
		}
	}
	sort.Strings(out)
	return out
}
