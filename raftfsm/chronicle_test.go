package raftfsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// kindChronicle is the command of a section that stands for that of the proof.
const kindChronicle = 210

// chronicleCommand cuts, adds records, or breaks a rule.
type chronicleCommand struct {
	Cut     bool `json:"cut"`
	Records int  `json:"records"`
	Bytes   int  `json:"bytes"` // of each record, 0: a few
	Refuse  bool `json:"refuse"`
	Fault   bool `json:"fault"`
	Skip    bool `json:"skip"` // a number
}

// fakeChronicle numbers its records, and says in each what it was told last.
type fakeChronicle struct {
	Seal    uint32   `json:"seal"`
	Size    int      `json:"size"`
	History uint64   `json:"history"`
	Cluster string   `json:"cluster"`
	Voters  []string `json:"voters"`
	fresh   [][]byte
	cutting bool
	fault   error
	before  string // what it knew when it was restored, "": it was not
}

func chronicleSections(l *ledger.Ledger) []Section {
	return append(fakeSections(l), &fakeChronicle{Seal: 1})
}

func (f *fakeChronicle) Name() string                  { return "chronicle" }
func (f *fakeChronicle) Commands() (uint16, uint16)    { return kindChronicle, kindChronicle }
func (f *fakeChronicle) LimitBytes() int64             { return 1 << 20 }
func (f *fakeChronicle) Since() int                    { return 3 }
func (f *fakeChronicle) LogSize() int64                { return int64(f.Size) }
func (f *fakeChronicle) Ordinal() uint32               { return f.Seal }
func (f *fakeChronicle) Freeze() func(io.Writer) error { return freezeJSON(f.Name(), *f) }

func (f *fakeChronicle) Restore(r io.Reader) error {
	f.before = "restored in " + f.Cluster
	return readJSON(r, f.Name(), f)
}

func (f *fakeChronicle) At(history uint64, cluster string, voters []string) {
	f.History, f.Cluster, f.Voters = history, cluster, voters
}

func (f *fakeChronicle) add(what string, index uint64) {
	f.Size++
	f.fresh = append(f.fresh, fmt.Appendf(nil, "%d %s %d of %v in %d", f.Size, what, index, f.Voters, f.History))
}

func (f *fakeChronicle) Apply(index, _ uint64, _ int64, _ uint16, _ uint8, body []byte) ([]byte, error) {
	var c chronicleCommand
	if err := json.Unmarshal(body, &c); err != nil || c.Refuse {
		return nil, fakeRefusal{}
	}
	if c.Skip {
		f.Size++
	}
	for range c.Records {
		f.add("own"+strings.Repeat(".", c.Bytes), index)
	}
	if f.cutting = c.Cut; c.Cut {
		f.Seal++
	}
	if c.Fault {
		f.fault = errors.New("no record")
	}
	return nil, nil
}

func (f *fakeChronicle) Audited(index uint64, _ int64, _, action, _, _ string, _ []byte) {
	f.add(action, index)
}
func (f *fakeChronicle) Merged(index uint64, _ int64, _ segment.Edit) { f.add("merge", index) }

func (f *fakeChronicle) TakeRecords() ([][]byte, error) {
	fresh, fault := f.fresh, f.fault
	f.fresh, f.fault = nil, nil
	return fresh, fault
}

func (f *fakeChronicle) Cut() bool {
	cut := f.cutting
	f.cutting = false
	return cut
}

func newChronicle(t *testing.T) *replica {
	r := &replica{t: t, term: 3}
	r.FSM = NewFSM(NewState(chronicleSections), slog.New(slog.DiscardHandler), NewMetrics(prometheus.NewRegistry()), func(*segment.Manifest) {}, func(err error) { r.halt = err })
	r.configure("n2.b", "n1.a")
	r.command(KindFound, found{ClusterID: "c", History: 1})
	r.command(KindTick, Tick{Voters: 1, Readings: []Reading{{Node: "n1", ClockMS: 1_700_000_000_000}}})
	return r
}

func (r *replica) chronicle(c chronicleCommand) CommandResult { return r.command(kindChronicle, c) }

// chronicleLog is a log with cuts, records and audits among batches, from the first version on. It also gives the ordinal of each index, and the cuts.
func chronicleLog(t *testing.T) (r *replica, cuts []uint64) {
	r = newChronicle(t)
	r.fake(1)
	r.raiseTo(2)
	r.fake(2) // audited, and in no log
	r.raiseTo(3)
	for i := range 60 {
		r.parts(r.term, Part{Batch: r.batch(fmt.Sprint("d", i%3), i)}, Part{Batch: r.batchOf("d0", 7, i)})
		switch i % 6 {
		case 1:
			r.fake(100 + i) // an audit, its record
		case 2:
			r.chronicle(chronicleCommand{Records: i % 4})
		case 3:
			r.chronicle(chronicleCommand{Refuse: true, Records: 2})
		case 4:
			if r.chronicle(chronicleCommand{Cut: true}); r.state.floor != r.index {
				t.Errorf("behind the cut at %d the floor is %d", r.index, r.state.floor)
			}
			cuts = append(cuts, r.index)
			if i%12 == 4 {
				r.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
			}
		case 5:
			r.configure("n1.a", "n3.c", "n2.b")
		}
	}
	r.chronicle(chronicleCommand{Cut: true})
	return r, append(cuts, r.index)
}

// stored reads every row of a disk's newest floor, and of the head.
func (d *disk) stored(t *testing.T, state *State) (rows []storedRow) {
	t.Helper()
	for _, info := range state.manifest.Segments() {
		b, err := vfs.ReadFile(d.fs, "segments/"+info.Name.FileName(), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		s, err := segment.NewReader(bytes.NewReader(b), int64(len(b)), segment.ReaderOptions{Name: info.Name})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Each(func(key frame.StreamKey, e *segment.Epoch) error {
			_, err := s.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
				rows = append(rows, storedRow{key.Device, rec.Row.Seq, rec.Row.Index, rec.Row.Ordinal, rec.Row.Seal, string(rec.Raw)})
				return true
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

type storedRow struct {
	device  string
	seq     uint64
	index   uint64
	ordinal uint32
	seal    uint32
	raw     string
}

// TestChronicle: records are the frames 1, 2, ... of their device, behind the audit of the same entry, at a position of their own; each row has the
// ordinal that was open when it was applied; behind each cut lies a floor. A node that starts again from any floor stores the same.
func TestChronicle(t *testing.T) {
	r, cuts := chronicleLog(t)
	d := newDisk(t)
	d.extra = chronicleSections
	floors := func(state *State) []segment.Info {
		return slices.DeleteFunc(slices.Clone(state.manifest.Segments()), func(i segment.Info) bool { return i.Bytes == 100 }) // those of the fake section
	}
	read := func(state *State) []storedRow {
		state.manifest = new(segment.Manifest).With(floors(state)...)
		return d.stored(t, state)
	}
	state := d.run(t, r.logs, rand.New(rand.NewPCG(1, 1)), len(r.logs), func() {})
	want := d.floors.Floors()
	rows := read(state)
	checkChronicle(t, rows, cuts)
	if fake := state.extra[1].(*fakeChronicle); fake.Size == 0 || !slices.Equal(fake.Voters, []string{"n1.a", "n2.b", "n3.c"}) || int(fake.Seal) != len(cuts)+1 {
		t.Errorf("the section is %+v", fake)
	}
	for stop := 1; stop < len(r.logs); stop += 7 {
		d = newDisk(t)
		d.extra = chronicleSections
		d.run(t, r.logs, rand.New(rand.NewPCG(2, uint64(stop))), stop, func() {})
		d.open(t)
		again := d.run(t, r.logs, rand.New(rand.NewPCG(3, uint64(stop))), len(r.logs), func() {})
		if got := d.floors.Floors(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("stopped at %d: floors %v, want %v", stop, got, want)
		}
		if before := again.extra[1].(*fakeChronicle).before; before != "" && before != "restored in c" {
			t.Errorf("stopped at %d: %s", stop, before)
		}
		if got := read(again); !slices.Equal(got, rows) {
			t.Errorf("stopped at %d: %d rows, want the same %d", stop, len(got), len(rows))
		}
	}
}

func checkChronicle(t *testing.T, rows []storedRow, cuts []uint64) {
	t.Helper()
	positions := map[string]storedRow{}
	var records []storedRow
	seals := map[uint32]bool{}
	for _, row := range rows {
		at := fmt.Sprint(row.index, " ", row.ordinal)
		if other, taken := positions[at]; taken {
			t.Errorf("position %s has %+v and %+v", at, row, other)
		}
		positions[at] = row
		ordinal := uint32(1)
		for _, cut := range cuts {
			if row.index > cut {
				ordinal++
			}
		}
		if seals[row.seal] = true; row.seal != ordinal {
			t.Errorf("%+v has ordinal %d, %d was open", row, row.seal, ordinal)
		}
		if row.device == DeviceLog {
			records = append(records, row)
		}
	}
	slices.SortFunc(records, func(a, b storedRow) int { return int(a.seq) - int(b.seq) })
	audits := 0
	for i, row := range records {
		if row.seq != uint64(i)+1 || !strings.HasPrefix(row.raw, fmt.Sprint(i+1, " ")) || !strings.Contains(row.raw, fmt.Sprint(" ", row.index, " of [n1.a n2.b")) {
			t.Errorf("record %d is %+v", i, row)
		}
		if i > 0 && (row.index < records[i-1].index || row.index == records[i-1].index && row.ordinal <= records[i-1].ordinal) {
			t.Errorf("record %d at %d.%d comes behind %d.%d", i, row.index, row.ordinal, records[i-1].index, records[i-1].ordinal)
		}
		if strings.Contains(row.raw, " count ") {
			audits++
			if before := positions[fmt.Sprint(row.index, " ", row.ordinal-1)]; before.device != DeviceAudit {
				t.Errorf("before record %d is %+v, want the audit", i, before)
			}
		}
	}
	if len(records) < 20 || audits != 10 || len(seals) < 5 {
		t.Errorf("%d records, %d of audits, %d ordinals: this proves little", len(records), audits, len(seals))
	}
}

// TestChronicleBeforeItsVersion: below its cluster version the section is told nothing, and rows have ordinal 1. The raise to it is its first record.
func TestChronicleBeforeItsVersion(t *testing.T) {
	r := newChronicle(t)
	r.raiseTo(2)
	r.fake(1)
	fake := r.state.extra[1].(*fakeChronicle)
	if fake.Size != 0 || fake.History != 0 || r.kept(TenantSystem, DeviceLog) != 0 || r.state.ordinal != 1 {
		t.Errorf("at version 2: %+v, %d records", fake, r.kept(TenantSystem, DeviceLog))
	}
	r.raiseTo(3)
	if fake.Size != 1 || fake.History != 1 || r.kept(TenantSystem, DeviceLog) != 1 {
		t.Errorf("at version 3: %+v, %d records", fake, r.kept(TenantSystem, DeviceLog))
	}
}

// TestChronicleFaults: a record that cannot be kept stops the node; the log must not go on without it.
func TestChronicleFaults(t *testing.T) {
	for name, c := range map[string]chronicleCommand{
		"a record that cannot be made": {Fault: true},
		"a record beyond a frame":      {Records: 1, Bytes: frame.MaxFrameBytes},
		"a cut with a record":          {Cut: true, Records: 1},
		"a record of another number":   {Records: 1, Skip: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newChronicle(t)
			r.raiseTo(3)
			body, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			r.log(AppendCommand(nil, kindChronicle, commandVersion, 0, body))
			if !errors.Is(r.halt, ErrHalt) {
				t.Errorf("the node goes on: %v", r.halt)
			}
		})
	}
}
