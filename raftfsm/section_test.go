package raftfsm

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// kindFake is the command of a section that stands for those of other rooms.
const kindFake = 200

// fakeSection counts its commands, and edits the manifest at the next flush point: command n adds the segment n, and replaces the segment n-1.
type fakeSection struct {
	Count int
	edits []segment.Edit
}

func fakeSections(*ledger.Ledger) []Section { return []Section{&fakeSection{}} }

func (f *fakeSection) Name() string               { return "fake" }
func (f *fakeSection) Commands() (uint16, uint16) { return kindFake, kindFake + 1 }
func (f *fakeSection) LimitBytes() int64          { return 1 << 20 }
func (f *fakeSection) Since() int                 { return 2 }

type fakeRefusal struct{}

func (fakeRefusal) Error() string { return "fake: refused" }
func (fakeRefusal) Refused() (code, message, hint string, conflict bool) {
	return "fake", "as asked", "ask otherwise", true
}

func fakeInfo(n int) segment.Info {
	return segment.Info{
		Name: sha256.Sum256(fmt.Append(nil, n)), Bytes: 100, Frames: 1, Streams: 1, Blocks: 1, FirstIndex: uint64(n) + 1, LastIndex: uint64(n) + 1, Encoder: segment.EncoderFast,
	}
}

func (f *fakeSection) Apply(_, _ uint64, _ int64, kind uint16, _ uint8, body []byte) ([]byte, error) {
	var n int
	if err := json.Unmarshal(body, &n); err != nil || kind != kindFake {
		return nil, fakeRefusal{}
	}
	f.Count++
	edit := segment.Edit{Add: []segment.Info{fakeInfo(n)}}
	if n%50 > 0 {
		edit.Drop = []segment.Name{fakeInfo(n - 1).Name}
	}
	f.edits = append(f.edits, edit)
	return json.Marshal(f.Count)
}

func (f *fakeSection) Audit(_ uint16, body []byte) (tenant, action, subject, by string, detail []byte, ok bool) {
	return "", "count", string(body), "somebody", body, true
}

func (f *fakeSection) TakeEdits() []segment.Edit {
	edits := f.edits
	f.edits = nil
	return edits
}

func (f *fakeSection) Freeze() func(io.Writer) error { return freezeJSON(f.Name(), *f) }
func (f *fakeSection) Restore(r io.Reader) error     { return readJSON(r, f.Name(), f) }

func (r *replica) fake(n int) CommandResult { return r.command(kindFake, n) }

// raise brings the cluster to the newest version.
func (r *replica) raise() { r.t.Helper(); r.raiseTo(SupportedVersion) }

// raiseTo raises a cluster, one version after the other.
func (r *replica) raiseTo(version int) {
	r.t.Helper()
	for _, server := range r.state.members.data.Servers {
		node, _, _ := strings.Cut(server, ".")
		r.command(KindMember, Member{Node: node, Server: server, Versions: SupportedVersion})
	}
	for v := r.state.members.Version() + 1; v <= version; v++ {
		if got := r.command(KindRaise, map[string]int{"version": v}); got.Err != nil {
			r.t.Fatal(got.Err)
		}
	}
}

// TestSectionOfALaterVersion: below its cluster version a section is in no floor, and refuses its commands without a trace.
func TestSectionOfALaterVersion(t *testing.T) {
	r := newReplica(t)
	frozen := func() (names []string) {
		r.entryOnly(KindFlush)
		sealed := r.state.oldest()
		for _, sec := range sealed.sections {
			names = append(names, sec.name)
		}
		r.state.flushed(sealed, r.state.manifest, 0)
		return names
	}
	if err := r.state.Supports(kindFake, 1); err == nil || !r.state.Knows(kindFake, 1) {
		t.Errorf("at version 1 the command is supported: %v, known: %t", err, r.state.Knows(kindFake, 1))
	}
	var refused *RefusedError
	if got := r.fake(1); !errors.As(got.Err, &refused) || refused.Code != "cluster_version" {
		t.Errorf("at version 1 the command was answered %+v", got)
	}
	if names := frozen(); slices.Contains(names, "fake") {
		t.Errorf("a floor of version 1 has the sections %v", names)
	}
	r.raise()
	if err := r.state.Supports(kindFake, 1); err != nil {
		t.Error(err)
	}
	if got := r.fake(1); got.Err != nil || string(got.JSON) != "1" {
		t.Errorf("at version 2 the command was answered %+v", got)
	}
	if names := frozen(); !slices.Contains(names, "fake") {
		t.Errorf("a floor of version 2 has the sections %v", names)
	}
	if got := r.command(kindFake, "no number"); !errors.As(got.Err, &refused) || refused.Code != "fake" || !refused.Conflict {
		t.Errorf("the section's refusal came back as %+v", got.Err)
	}
}

// entryOnly commits a command without a body and leaves sealed heads alone.
func (r *replica) entryOnly(kind uint16) {
	r.t.Helper()
	r.index++
	r.ApplyBatch(r.one(AppendCommand(nil, kind, commandVersion, 0, nil)))
}

// TestAudit: a command that changes settings leaves one frame in the tenant it concerns, up to the limit.
func TestAudit(t *testing.T) {
	r := newReplica(t)
	r.raiseTo(2)
	r.fake(7)
	r.command(kindFake, "refused")
	id, ok := r.state.ledger.ID(frame.StreamKey{Tenant: TenantSystem, Device: DeviceAudit, Stream: frame.DefaultStream})
	if !ok || r.state.head.Count(id) != 2 {
		t.Fatalf("%d audit frames, want those of the raise and of the command", r.state.head.Count(id))
	}
	_, row, _ := r.state.head.Latest(id)
	var f frame.Frame
	row.Body.Decode(&f)
	got := map[string]string{"raw": string(f.Raw)}
	for _, field := range f.Fields {
		got[field.Name] = string(field.Value.Str)
	}
	if got["action"] != "count" || got["by"] != "somebody" || got["subject"] != "7" || got["raw"] != "7" {
		t.Errorf("the frame says %v", got)
	}
	for i := range maxAudits + 5 {
		r.fake(100 + i)
	}
	if n := r.state.head.Count(id); n != maxAudits || r.state.recorder.dropped != 7 {
		t.Errorf("%d audit frames and %d counted as dropped, want %d and 7", n, r.state.recorder.dropped, maxAudits)
	}
}

// TestEditsBelongToTheirFloor: an edit takes effect at the floor that is sealed after it, not before, and one that comes too late for what it
// replaces is void.
func TestEditsBelongToTheirFloor(t *testing.T) {
	r := newReplica(t)
	r.raise()
	f := &Flusher{opt: FlusherOptions{Logger: r.FSM.log}}
	manifest := func() *segment.Manifest {
		r.entryOnly(KindFlush)
		sealed := r.state.oldest()
		m := f.edited(r.state.manifest, sealed)
		r.state.flushed(sealed, m, 0)
		return m
	}
	r.fake(50)
	r.fake(51)
	m := manifest()
	if _, old := m.Find(fakeInfo(50).Name); old || len(m.Segments()) != 1 {
		t.Errorf("after two edits the manifest has %v", m.Segments())
	}
	r.fake(51) // replaces 50, which is gone
	r.fake(52)
	m = manifest()
	if _, ok := m.Find(fakeInfo(52).Name); !ok || len(m.Segments()) != 1 {
		t.Errorf("after a void edit and a good one the manifest has %v", m.Segments())
	}
	if m = manifest(); len(m.Segments()) != 1 {
		t.Errorf("a floor without edits has %v", m.Segments())
	}
}
