package registry

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gaplessdb/gapless/ledger"
)

// model is the oracle: entries in plain maps, and answers that look at all of them.
type model struct {
	revision uint64
	devices  map[string]map[string]Device // by tenant, device
}

func (m *model) hasClasses() bool {
	for _, devices := range m.devices {
		for _, d := range devices {
			if d.Class != "" {
				return true
			}
		}
	}
	return false
}

// world is a registry, the same one restored now and then, and the model, told the same commands.
type world struct {
	t      *rapid.T
	r      *Registry
	l      *ledger.Ledger
	twin   *Registry
	twins  *ledger.Ledger
	m      model
	ms     int64
	frozen []frozen
}

// frozen is what was kept of one moment: a checkpoint that is not written yet, and a snapshot, with what they must say.
type frozen struct {
	write   func(io.Writer) error
	atOnce  []byte
	snap    Snapshot
	classes map[deviceKey]string
}

func (w *world) freeze(t *testing.T) {
	f := frozen{atOnce: checkpointOf(t, w.r), snap: w.r.Snapshot(), classes: map[deviceKey]string{}}
	f.write = w.r.Freeze()
	for tenant, devices := range w.m.devices {
		for device, d := range devices {
			f.classes[deviceKey{tenant, device}] = d.Class
		}
	}
	w.frozen = append(w.frozen, f)
}

func (w *world) compareFrozen() {
	for i, f := range w.frozen {
		var later bytes.Buffer
		if err := f.write(&later); err != nil || !bytes.Equal(later.Bytes(), f.atOnce) {
			w.t.Fatalf("freeze %d of %d: what is written later differs: %v", i, len(w.frozen), err)
		}
		for _, tenant := range someTenants {
			for _, device := range someDevices {
				if got, want := f.snap.Class(tenant, device), f.classes[deviceKey{tenant, device}]; got != want {
					w.t.Fatalf("snapshot %d of %d: %s %s has class %q, want %q", i, len(w.frozen), tenant, device, got, want)
				}
			}
		}
	}
}

var (
	someTenants = []string{"default", "plant b"}
	someDevices = []string{"a", "b", "b/1", "c", "ü"}
	someNames   = []string{"hall", "site"}
	someValues  = []string{"1", "2", "x=y"}
)

func pick[T any](w *world, what string, from ...T) T { return rapid.SampledFrom(from).Draw(w.t, what) }

// change draws what a command says of one device, and what it makes of what is known.
func (w *world) change(tenant, device string, kind uint16) (Change, *Device) {
	old, known := w.m.devices[tenant][device]
	c := Change{Device: device}
	if rapid.IntRange(0, 3).Draw(w.t, "expects") == 0 {
		c.Expect = &old.Revision
	}
	if kind == KindDelete {
		return c, nil
	}
	next := Device{Tenant: tenant, Device: device}
	if known && kind == KindPatch {
		next = old
		next.Labels = maps.Clone(old.Labels)
	}
	if next.Labels == nil {
		next.Labels = map[string]string{}
	}
	w.drawLabels(&c, &next)
	drawMember(w, "type", &c.Type, &next.Type, "mill", "press")
	drawMember(w, "cadence", &c.CadenceMS, &next.CadenceMS, 1, 1000)
	drawMember(w, "class", &c.Class, &next.Class, ClassEvent, ClassSnapshot)
	drawPointer(w, "first", &c.First, &next.First, 0, 1, 40)
	switch rapid.IntRange(0, 3).Draw(w.t, "rule") {
	case 0:
		c.Rule.Given, next.Rule = true, ledger.Rule{}
	case 1:
		var part rulePart
		drawPointer(w, "below", &part.RestartBelow, &next.Rule.RestartBelow, 0, 10)
		drawPointer(w, "drop", &part.RestartDrop, &next.Rule.RestartDrop, 500)
		drawPointer(w, "window", &part.MisorderWindow, &next.Rule.MisorderWindow, 1, 7)
		drawPointer(w, "zero", &part.ProtocolZero, &next.Rule.ProtocolZero, true, false)
		c.Rule = given(part)
	}
	if len(next.Labels) == 0 {
		next.Labels = nil
	}
	return c, &next
}

func (w *world) drawLabels(c *Change, next *Device) {
	switch rapid.IntRange(0, 3).Draw(w.t, "labels") {
	case 0:
		c.Labels.Given = true
		clear(next.Labels)
	case 1, 2:
		part := labelsPart{}
		for _, name := range someNames {
			switch rapid.IntRange(0, 2).Draw(w.t, name) {
			case 0:
				part[name] = nil
				delete(next.Labels, name)
			case 1:
				value := pick(w, "value", someValues...)
				part[name], next.Labels[name] = &value, value
			}
		}
		c.Labels = given(part)
	}
}

func drawMember[T any](w *world, name string, m *Member[T], now *T, values ...T) {
	switch rapid.IntRange(0, 2).Draw(w.t, name) {
	case 0:
		m.Given = true
		*now = *new(T)
	case 1:
		*now = pick(w, name+" is", values...)
		*m = given(*now)
	}
}

func drawPointer[T any](w *world, name string, m *Member[T], now **T, values ...T) {
	var v T
	switch drawMember(w, name, m, &v, values...); {
	case m.Given && m.Value == nil:
		*now = nil
	case m.Given:
		*now = &v
	}
}

func (w *world) command() {
	kind := pick(w, "kind", KindSet, KindPatch, KindPatch, KindDelete)
	c := Command{Tenant: pick(w, "tenant", someTenants...), By: "ops"}
	devices := w.m.devices[c.Tenant]
	next, changed := maps.Clone(devices), 0
	if next == nil {
		next = map[string]Device{}
	}
	for _, device := range rapid.SliceOfNDistinct(rapid.SampledFrom(someDevices), 1, 3, rapid.ID).Draw(w.t, "devices") {
		change, to := w.change(c.Tenant, device, kind)
		c.Devices = append(c.Devices, change)
		old, known := devices[device]
		switch {
		case to == nil && known:
			changed++
			delete(next, device)
		case to != nil && !(known && cmp.Equal(old, *to, ignoreRevision)):
			changed++
			to.Revision, to.ChangedMS = w.m.revision+1, w.ms
			next[device] = *to
		}
	}
	stale := rapid.IntRange(0, 5).Draw(w.t, "stale") == 0
	if stale {
		last := &c.Devices[len(c.Devices)-1]
		last.Expect = ptr(devices[last.Device].Revision + 1)
	}
	body, err := c.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range []*Registry{w.r, w.twin} {
		if _, err := r.Apply(1, 1, w.ms, kind, CommandVersion, body); stale != (codeOf(err) == CodeRevisionChanged) || !stale && err != nil {
			w.t.Fatalf("%s: stale %v: %v", body, stale, err)
		}
	}
	if !stale {
		w.m.devices[c.Tenant] = next
		if changed > 0 {
			w.m.revision++
		}
	}
}

var ignoreRevision = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().String() == ".Revision" || p.Last().String() == ".ChangedMS"
}, cmp.Ignore())

// restore replaces the twin and its ledger by restored ones. The ledger's checkpoint comes before the registry's or after it.
func (w *world) restore(t *testing.T) {
	var b bytes.Buffer
	if err := w.twins.Checkpoint(&b); err != nil {
		w.t.Fatal(err)
	}
	own := checkpointOf(t, w.twin)
	if rapid.Bool().Draw(w.t, "new ones") {
		w.twins = ledger.New(ledger.Policy{})
		w.twin = New(w.twins)
	}
	both := []func() error{
		func() error { return w.twins.Restore(bytes.NewReader(b.Bytes())) },
		func() error { return w.twin.Restore(bytes.NewReader(own)) },
	}
	if rapid.Bool().Draw(w.t, "registry first") {
		slices.Reverse(both)
	}
	for _, restore := range both {
		if err := restore(); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) compare(t *testing.T) {
	for _, r := range []*Registry{w.r, w.twin} {
		for _, tenant := range append([]string{"nobody"}, someTenants...) {
			w.compareTenant(r, tenant)
		}
		if snap := r.Snapshot(); snap.HasClasses() != w.m.hasClasses() {
			w.t.Fatalf("has classes: %v", snap.HasClasses())
		}
		if r.Revision() != w.m.revision {
			w.t.Fatalf("revision %d, want %d", r.Revision(), w.m.revision)
		}
	}
	if b := checkpointOf(t, w.r); int64(len(b)) > w.r.Bytes()+100 {
		w.t.Fatalf("%d bytes were written, %d counted", len(b), w.r.bytes)
	}
	if w.r.bytes != w.twin.bytes || w.r.Total() != w.twin.Total() {
		w.t.Fatalf("%d bytes of %d entries, the restored twin counts %d of %d", w.r.bytes, w.r.Total(), w.twin.bytes, w.twin.Total())
	}
	if !bytes.Equal(checkpointOf(t, w.r), checkpointOf(t, w.twin)) {
		w.t.Fatal("the registry and its restored twin differ")
	}
}

func (w *world) compareTenant(r *Registry, tenant string) {
	devices := w.m.devices[tenant]
	var want []Device
	names := map[string]bool{}
	for _, device := range slices.Sorted(maps.Keys(devices)) {
		d := devices[device]
		want = append(want, d)
		for name := range d.Labels {
			names[name] = true
		}
		if d.Type != "" {
			names[TypeLabel] = true
		}
	}
	if diff := cmp.Diff(want, slices.Collect(r.Devices(tenant))); diff != "" || r.Len(tenant) != len(want) {
		w.t.Fatalf("%s: %d devices\n%s", tenant, r.Len(tenant), diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(names)), r.Labels(tenant)); diff != "" {
		w.t.Fatalf("%s: labels\n%s", tenant, diff)
	}
	for _, device := range someDevices {
		w.compareDevice(r, tenant, device)
	}
	w.compareMatch(r, tenant, nil)
	for _, name := range append([]string{TypeLabel}, someNames...) {
		for _, value := range append([]string{"mill"}, someValues...) {
			w.compareMatch(r, tenant, []Matcher{{name, value}})
			w.compareMatch(r, tenant, []Matcher{{name, value}, {"site", "2"}, {TypeLabel, "press"}})
		}
	}
}

func (w *world) compareDevice(r *Registry, tenant, device string) {
	want, known := w.m.devices[tenant][device]
	got, ok := r.Get(tenant, device)
	if diff := cmp.Diff(want, got); diff != "" || ok != known {
		w.t.Fatalf("%s %s: %v, want %v\n%s", tenant, device, ok, known, diff)
	}
	if snap := r.Snapshot(); snap.Class(tenant, device) != want.Class || want.Class != "" && !snap.HasClasses() {
		w.t.Fatalf("%s %s has class %q, want %q", tenant, device, snap.Class(tenant, device), want.Class)
	}
	for _, name := range append([]string{TypeLabel}, someNames...) {
		value, has := valueOf(want, name)
		if got, ok := r.Label(tenant, device, name); got != value || ok != has {
			w.t.Fatalf("%s %s %s: %q %v, want %q %v", tenant, device, name, got, ok, value, has)
		}
	}
	rule := want.Rule
	rule.First = want.First
	l := w.l
	if r == w.twin {
		l = w.twins
	}
	if got := l.Rule(tenant, device); !got.Equal(rule) {
		w.t.Fatalf("%s %s: the ledger has rule %s, want %s", tenant, device, show(got), show(rule))
	}
}

func show(r ledger.Rule) string { return cmp.Diff(ledger.Rule{}, r) }

func valueOf(d Device, name string) (string, bool) {
	if name == TypeLabel {
		return d.Type, d.Type != ""
	}
	value, ok := d.Labels[name]
	return value, ok
}

func (w *world) compareMatch(r *Registry, tenant string, matchers []Matcher) {
	var want []string
	for device, d := range w.m.devices[tenant] {
		all := true
		for _, m := range matchers {
			value, ok := valueOf(d, m.Name)
			all = all && ok && value == m.Value
		}
		if all {
			want = append(want, device)
		}
	}
	slices.Sort(want)
	if got := r.Match(tenant, matchers); !slices.Equal(got, want) {
		w.t.Fatalf("%s %v: %q, want %q", tenant, matchers, got, want)
	}
}

// TestAgainstModel tells random commands, restores in both orders and freezes, and compares all answers, the ledger's rules and the checkpoints after each.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, l: ledger.New(ledger.Policy{}), twins: ledger.New(ledger.Policy{}), ms: t0, m: model{devices: map[string]map[string]Device{}}}
		w.r, w.twin = New(w.l), New(w.twins)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			w.ms += rapid.Int64Range(0, 5).Draw(rt, "wait")
			if rapid.IntRange(0, 4).Draw(rt, "restore") == 0 {
				w.restore(t)
			}
			w.freeze(t)
			w.command()
			w.compare(t)
		}
		w.compareFrozen()
	})
}

// TestManyChunks does the same to a table of many chunks: entries come and go at random places, in runs, and all at once.
func TestManyChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var tab table
		model := map[string]bool{}
		var kept []table
		var was [][]string
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			kept, was = append(kept, tab.fork()), append(was, slices.Sorted(maps.Keys(model)))
			from, count := rapid.IntRange(0, 5000).Draw(rt, "from"), rapid.IntRange(1, 1500).Draw(rt, "count")
			put, step := rapid.IntRange(0, 2).Draw(rt, "put") > 0, rapid.SampledFrom([]int{1, 1, 7}).Draw(rt, "step")
			for i := range count {
				name := fmt.Sprintf("%05d", (from+i*step)%6000)
				if put {
					tab.put(&record{tenant: "t", device: name})
					model[name] = true
				} else if model[name] {
					tab.remove("t", name)
					delete(model, name)
				}
			}
			checkTable(rt, &tab, slices.Sorted(maps.Keys(model)))
		}
		for i := range kept {
			checkTable(rt, &kept[i], was[i])
		}
	})
}

func checkTable(rt *rapid.T, tab *table, want []string) {
	got := []string{}
	for rec := range tab.all() {
		got = append(got, rec.device)
	}
	if !slices.Equal(got, want) || tab.count != len(want) {
		rt.Fatalf("%d entries, count %d, want %d", len(got), tab.count, len(want))
	}
	if limit := 2 + 5*len(want)/chunkRecords; len(tab.chunks) > limit {
		rt.Fatalf("%d entries have %d chunks, expected are %d at most", len(want), len(tab.chunks), limit)
	}
	for i, k := range tab.chunks {
		if len(k.records) == 0 || len(k.records) > chunkRecords {
			rt.Fatalf("chunk %d of %d has %d entries", i, len(tab.chunks), len(k.records))
		}
	}
}
