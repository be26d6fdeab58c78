package fleet

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
)

// devicePrefix starts the name of every device of a fleet.
const devicePrefix = "demo/"

// causeDeclared is the cause of a gap that the device declared; causeSilent of one that nobody explains.
const (
	causeDeclared = "declared_lost"
	causeSilent   = "never_arrived"
)

// gaps compares the missing numbers one by one, and why they are missing.
func (t *trial) gaps(ctx context.Context) error {
	want := make(map[lifeID]map[uint64]bool, len(t.lives))
	for id, l := range t.lives {
		want[id] = l.missing()
	}
	err := t.pages(ctx, t.server, "/v1/gaps", url.Values{"device": {t.device}}, func(p *page) error {
		for i := range p.Gaps {
			g := &p.Gaps[i]
			if err := t.gap(g, want); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, left := range want {
		for _, r := range runsOf(slices.Sorted(maps.Keys(left))) {
			d := t.lives[id].about(kindGap, "missing in truth, and no gap says so")
			d.From, d.To = r.from, r.to
			t.differ(d)
		}
	}
	return nil
}

// gap strikes the numbers of one reported gap from the truth's missing ones.
func (t *trial) gap(g *gapAnswer, want map[lifeID]map[uint64]bool) error {
	id := lifeID{g.Stream, g.Epoch}
	l := t.lives[id]
	if l == nil || g.Device != t.device {
		t.differ(Difference{Kind: kindGap, Device: g.Device, Stream: g.Stream, Epoch: fmt.Sprint(g.Epoch), From: g.From, To: g.To, Detail: "no such life"})
		return nil
	}
	if !g.missing() {
		return nil
	}
	if g.To < g.From || g.To-g.From+1 != g.Count || g.Count > maxFrames {
		return fmt.Errorf("fleet: gap of %v is upside down or miscounted: %d..%d, count %d", l.lifeKey, g.From, g.To, g.Count)
	}
	var wrong, blamed []uint64
	for seq := g.From; seq <= g.To; seq++ {
		declared, missing := want[id][seq]
		if !missing {
			wrong = append(wrong, seq)
			continue
		}
		delete(want[id], seq)
		t.add(&t.Missing, 1)
		if !g.blames(declared) {
			blamed = append(blamed, seq)
		}
	}
	t.numbers(l, kindGap, wrong, "reported missing ("+g.State+"); in truth stored, or reported twice")
	t.numbers(l, kindCause, blamed, fmt.Sprintf("gap is %s, cause %q, reason %q", g.State, g.Cause, g.Reason))
	return nil
}

// blames reports whether the gap gives the right cause. An open gap need not have one, unless the device declared it.
func (g *gapAnswer) blames(declared bool) bool {
	switch {
	case declared:
		return g.Cause == causeDeclared && g.Reason == declareReason
	case g.State == "FINAL":
		return g.Cause == causeSilent
	}
	return g.Cause == "" || g.Cause == causeSilent
}

// coverage compares the runs that the cluster says it holds.
func (t *trial) coverage(ctx context.Context) error {
	got := map[lifeID][]run{}
	err := t.pages(ctx, t.server, devicePath(t.device, "coverage"), nil, func(p *page) error {
		for _, e := range p.Epochs {
			id := lifeID{e.Stream, e.Epoch}
			for _, r := range e.Runs {
				got[id] = append(got[id], run{from: r[0], to: r[1]})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, l := range t.lives {
		want := l.runs()
		t.runs(l, minus(want, got[id]), "stored in truth, not covered")
		t.runs(l, minus(got[id], want), "covered, not stored in truth")
		if slices.Equal(want, got[id]) {
			continue
		}
		if len(minus(want, got[id])) == 0 && len(minus(got[id], want)) == 0 {
			t.differ(l.about(kindCoverage, "%d runs where %d would do", len(got[id]), len(want)))
		}
	}
	return nil
}

func (t *trial) runs(l *lifeTruth, runs []run, detail string) {
	for _, r := range runs {
		d := l.about(kindCoverage, "%s", detail)
		d.From, d.To = r.from, r.to
		t.differ(d)
	}
}

// numbers reports numbers as runs.
func (t *trial) numbers(l *lifeTruth, kind string, seqs []uint64, detail string) {
	for _, r := range runsOf(seqs) {
		d := l.about(kind, "%s", detail)
		d.From, d.To = r.from, r.to
		t.differ(d)
	}
}
