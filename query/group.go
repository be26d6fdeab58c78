package query

import (
	"maps"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
)

// groups adds up devices by a label. Devices without it are the group "".
type groups struct {
	label  string
	most   int
	byName map[string]*group
}

// group is the sums of some devices.
type group struct {
	devices, silent, streams int
	totals                   ledger.GapTotals
	sum                      sum // of the verdicts
	cadence                  cadenceSum
}

// groups reads the parameter group; nil when it is absent.
func (a *API) groups(r *request) (*groups, error) {
	label, err := r.args.single("group")
	if err != nil || !r.args.has("group") {
		return nil, err
	}
	if label == "" {
		return nil, badParameter("group", label, "the name of a label, or type")
	}
	return &groups{label: label, most: a.opt.MaxGroups, byName: map[string]*group{}}, nil
}

// exist refuses a label that no device has. Without groups there is nothing to refuse.
func (g *groups) exist(v *View, tenant string) error {
	if g == nil {
		return nil
	}
	return labelInUse(v, tenant, g.label)
}

// reset begins anew.
func (g *groups) reset() {
	if g != nil {
		clear(g.byName)
	}
}

// of is the group of a device; nil without groups, of which nothing is counted.
func (g *groups) of(v *View, tenant, device string) (*group, error) {
	if g == nil {
		return nil, nil
	}
	name, _ := v.registered().Label(tenant, device, g.label)
	one := g.byName[name]
	if one == nil {
		if len(g.byName) == g.most {
			return nil, limitError("query.max_groups", g.most, "group by a label with fewer values, or select fewer devices with match")
		}
		one = &group{}
		g.byName[name] = one
	}
	return one, nil
}

// write appends the member groups, ascending by the value of the label; nothing without groups. Gaps and cadence are told where the
// answer is about them.
func (g *groups) write(w *writer, withGaps, withCadence bool) {
	if g == nil {
		return
	}
	w.key("groups")
	w.open('[')
	for _, name := range slices.Sorted(maps.Keys(g.byName)) {
		one := g.byName[name]
		w.open('{')
		w.key("group")
		w.open('{')
		w.anyKey(g.label)
		w.str(name)
		w.close('}')
		one.write(w, withGaps)
		if withCadence {
			w.key("cadence")
			one.cadence.write(w)
		}
		w.close('}')
	}
	w.close(']')
}

func (g *group) addDevice() {
	if g != nil {
		g.devices++
	}
}

func (g *group) addStreams(streams int, t *ledger.GapTotals) {
	if g != nil {
		g.streams += streams
		addTotals(&g.totals, t)
	}
}

func (g *group) addGrade(verdict ledger.Grade) {
	if g != nil {
		g.sum.add(completeness{verdict: verdict})
	}
}

func (g *group) addSilent() {
	if g != nil {
		g.silent++
		g.sum.add(nothingSaid())
	}
}

func (g *group) addGap() {
	if g != nil {
		g.totals.Gaps++
	}
}

func (g *group) write(w *writer, withGaps bool) {
	w.key("devices")
	w.int(int64(g.devices))
	w.key("silent")
	w.int(int64(g.silent))
	w.key("streams")
	w.int(int64(g.streams))
	t := &g.totals
	for _, m := range []struct {
		name string
		n    uint64
	}{
		{"expected", t.Expected}, {"stored", t.Stored}, {"missing", t.Missing}, {"open", t.Open}, {"lost", t.Lost},
		{"declared", t.Declared}, {"shed", t.Shed}, {"rejected", t.Rejected}, {"expired", t.Expired}, {"gaps", t.Gaps},
	} {
		if m.name != "gaps" || withGaps {
			w.key(m.name)
			w.uint(m.n)
		}
	}
	c := g.sum.result()
	c.expected, c.stored = t.Expected, t.Stored
	w.key("verdict")
	w.str(c.verdict.String())
	w.key("completeness")
	c.write(w)
}

// uncountGaps forgets the gaps: they are to be counted in another way.
func (g *groups) uncountGaps() {
	if g == nil {
		return
	}
	for _, one := range g.byName {
		one.totals.Gaps = 0
	}
}

// addTotals adds one device's or stream's counts; Gaps too.
func addTotals(t, more *ledger.GapTotals) {
	for _, c := range []struct {
		to   *uint64
		from uint64
	}{
		{&t.Expected, more.Expected}, {&t.Stored, more.Stored}, {&t.Missing, more.Missing}, {&t.Open, more.Open}, {&t.Lost, more.Lost},
		{&t.Declared, more.Declared}, {&t.Shed, more.Shed}, {&t.Rejected, more.Rejected}, {&t.Expired, more.Expired}, {&t.Gaps, more.Gaps},
	} {
		*c.to = saturate(*c.to, c.from)
	}
}

// totalsOf is a stream's counts as its summary has them.
func totalsOf(b *ledger.Balance) ledger.GapTotals {
	return ledger.GapTotals{
		Expected: b.Expected, Stored: b.Stored, Missing: b.Missing(), Open: b.Open, Lost: b.Lost,
		Declared: b.Declared, Shed: b.Shed, Rejected: b.Rejected, Expired: b.Expired,
	}
}
