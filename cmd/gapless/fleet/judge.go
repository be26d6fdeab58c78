package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
)

// lifeID is how the cluster names a life of one device.
type lifeID struct {
	stream  string
	ordinal int
}

// trial is one device being judged: the truth about it, and what the cluster reports.
type trial struct {
	*comparison
	device string
	server string // asked for what all nodes must know alike; the ledgers' digests say that they do
	lives  map[lifeID]*lifeTruth
}

// device judges one device: its frames on every node, its reports, gaps and coverage on one node, another for each device.
func (c *comparison) device(ctx context.Context, device string) error {
	t := &trial{comparison: c, device: device, server: c.servers[len(device)%len(c.servers)], lives: map[lifeID]*lifeTruth{}}
	for _, l := range c.truth.ordered {
		if l.device == device {
			t.lives[lifeID{l.stream, l.ordinal}] = l
		}
	}
	for i, server := range c.servers {
		if err := t.frames(ctx, server, i == 0); err != nil {
			return t.unknown(err)
		}
	}
	for _, step := range []func(context.Context) error{t.reports, t.gaps, t.coverage} {
		if err := step(ctx); err != nil {
			return t.unknown(err)
		}
	}
	return nil
}

// unknown turns the answer 404 into a difference: the comparison goes on.
func (t *trial) unknown(err error) error {
	if errors.Is(err, errNotFound) {
		t.differ(Difference{Kind: kindDevice, Device: t.device, Detail: err.Error()})
		return nil
	}
	return err
}

// about starts a difference about one life.
func (l *lifeTruth) about(kind, format string, args ...any) Difference {
	return Difference{Kind: kind, Device: l.device, Stream: l.stream, Epoch: l.epoch, Detail: fmt.Sprintf(format, args...)}
}

// place is a frame's place in the order of a listing.
type place struct {
	stream string
	epoch  int
	seq    uint64
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.seq, b.seq))
}

// frames reads every frame of the device from one node and takes the difference of the two sets, both ways.
func (t *trial) frames(ctx context.Context, server string, count bool) error {
	found := make(map[*lifeTruth]map[uint64]bool, len(t.lives))
	for _, l := range t.lives {
		found[l] = make(map[uint64]bool, len(l.sums))
	}
	last := place{}
	err := t.pages(ctx, server, "/v1/frames", url.Values{"device": {t.device}}, func(p *page) error {
		for i := range p.Frames {
			f := &p.Frames[i]
			here := place{f.Stream, f.Epoch, f.Seq}
			if d := t.frame(f, found); d != nil {
				d.Node = server
				t.differ(*d)
			} else if last.epoch != 0 && last.compare(here) >= 0 {
				t.differ(Difference{Kind: kindTwice, Node: server, Device: f.Device, Stream: f.Stream, Epoch: f.EpochValue,
					From: f.Seq, To: f.Seq, Detail: fmt.Sprintf("out of order, behind %v", last)})
			}
			last = here
		}
		return nil
	})
	if err != nil {
		return err
	}
	for l, seqs := range found {
		t.absent(l, seqs, server)
		if count {
			t.add(&t.Stored, uint64(len(seqs)))
		}
	}
	return nil
}

// frame judges one frame and notes that it was found. It returns what is wrong with it, nil when nothing is.
func (t *trial) frame(f *frameAnswer, found map[*lifeTruth]map[uint64]bool) *Difference {
	d := &Difference{Device: f.Device, Stream: f.Stream, Epoch: f.EpochValue, From: f.Seq, To: f.Seq}
	l := t.lives[lifeID{f.Stream, f.Epoch}]
	if l == nil || f.Device != t.device || l.epoch != f.EpochValue {
		d.Kind, d.Detail = kindInvented, fmt.Sprintf("no such life (server's epoch %d)", f.Epoch)
		t.add(&t.Invented, 1)
		return d
	}
	want, sent := l.sums[f.Seq]
	if !sent {
		d.Kind, d.Detail = kindInvented, "in truth never sent"
		t.add(&t.Invented, 1)
		return d
	}
	if found[l][f.Seq] {
		d.Kind, d.Detail = kindTwice, "listed before"
		return d
	}
	found[l][f.Seq] = true
	got, err := f.sum()
	switch {
	case err != nil:
		d.Kind, d.Detail = kindChanged, err.Error()
	case got != want:
		d.Kind, d.Detail = kindChanged, fmt.Sprintf("content %x, sent %x", got, want)
	default:
		return nil
	}
	return d
}

// absent reports acknowledged numbers that were not found, as runs.
func (t *trial) absent(l *lifeTruth, found map[uint64]bool, server string) {
	if len(found) == len(l.sums) {
		return
	}
	var seqs []uint64
	for seq := range l.sums {
		if !found[seq] {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	for _, r := range runsOf(seqs) {
		d := l.about(kindLost, "acknowledged in truth, not there")
		d.Node, d.From, d.To = server, r.from, r.to
		t.differ(d)
	}
}

// reports judges the bounds, counts and verdict of each life.
func (t *trial) reports(ctx context.Context) error {
	var answer struct {
		Reports []reportAnswer `json:"reports"`
	}
	if err := t.get(ctx, t.server, devicePath(t.device, "gaps"), nil, &answer); err != nil {
		return err
	}
	seen := map[lifeID]bool{}
	for i := range answer.Reports {
		r := &answer.Reports[i]
		id := lifeID{r.Stream, r.Epoch.Ordinal}
		l := t.lives[id]
		if l == nil || seen[id] || l.epoch != r.Epoch.value() {
			t.differ(Difference{Kind: kindEpoch, Device: t.device, Stream: r.Stream, Epoch: r.Epoch.value(),
				Detail: fmt.Sprintf("reported as epoch %d, and not lived so", r.Epoch.Ordinal)})
			continue
		}
		seen[id] = true
		t.report(l, r)
	}
	for id, l := range t.lives {
		if !seen[id] {
			t.differ(l.about(kindEpoch, "not reported"))
		}
	}
	return nil
}

func (t *trial) report(l *lifeTruth, r *reportAnswer) {
	expect := func(kind, what string, got, want any) {
		if got != want {
			t.differ(l.about(kind, "%s is %v, in truth %v", what, got, want))
		}
	}
	expect(kindBounds, "first number", r.Head.First, l.first)
	expect(kindBounds, "basis of the head", r.Head.Basis, l.head)
	expect(kindBounds, "last number", r.Tail.Last, l.last)
	expect(kindBounds, "basis of the tail", r.Tail.Basis, string(l.tail))
	expect(kindCount, "expected", r.Expected, l.last-l.first+1)
	expect(kindCount, "stored", r.Stored, uint64(len(l.sums)))
	expect(kindCount, "ambiguous wraps", r.WrapAmbiguous, uint64(0))
	expect(kindCount, "verdict", r.Verdict, "INCOMPLETE") // every life loses numbers in silence
	repeats, clashes := r.Duplicates.Identical+r.Duplicates.Unverified, r.Duplicates.Conflict
	t.add(&t.FoundRepeats, uint64(repeats))
	t.add(&t.FoundClashes, uint64(clashes))
	if clashes < l.conflicts || clashes > l.conflicts+l.retried {
		t.differ(l.about(kindCount, "%d conflicts counted, %d sent and %d frames retried", clashes, l.conflicts, l.retried))
	}
	if repeats < l.repeats || repeats > l.repeats+l.retried {
		t.differ(l.about(kindCount, "%d repeats counted, %d sent and %d frames retried", repeats, l.repeats, l.retried))
	}
}
