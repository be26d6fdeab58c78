package verify_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// matrix is what can be changed, and what comes of it.
var matrix = []struct {
	name string
	req  certificate.Request
	do   func(*forge)
	code int
}{
	{"nothing", devices("gone"), func(*forge) {}, verify.CodeIncomplete},

	{"segments: one is not there", devices("gone"), func(f *forge) {
		_ = f.w.FS.Remove(world.SegmentDir + "/" + segmentOf(f.w, "gone", 5))
	}, verify.CodeSegmentMissing},
	{"segments: one that matters to nobody here is not there", devices("gone"), func(f *forge) {
		_ = f.w.FS.Remove(world.SegmentDir + "/" + segmentOf(f.w, "waits", 5))
	}, verify.CodeIncomplete},
	{"segments: none is there", devices("gone"), func(f *forge) {
		for _, name := range f.w.Segments() {
			_ = f.w.FS.Remove(world.SegmentDir + "/" + name)
		}
	}, verify.CodeSegmentMissing},
	{"segments: one has another's name", devices("gone"), func(f *forge) {
		n := f.w.Segments()
		_ = f.w.FS.Rename(world.SegmentDir+"/"+n[0], world.SegmentDir+"/"+n[1])
	}, verify.CodeTampered},
	{"segments: a frame deleted, file rewritten", devices("gone"), func(f *forge) { rewrite(f.w, "gone", 5, without(5)) }, verify.CodeSegmentMissing},
	{"segments: a frame deleted, file rewritten and listed", devices("gone"), func(f *forge) {
		rewrite(f.w, "gone", 5, without(5))
		word, _ := f.w.Word(nil)
		f.c.Segments = word.Segments
	}, verify.CodeTampered},
	{"segments: frames swapped, file rewritten", devices("gone"), func(f *forge) { rewrite(f.w, "gone", 5, swap) }, verify.CodeTampered},
	{"segments: a value changed, file rewritten", devices("gone"), func(f *forge) { rewrite(f.w, "gone", 5, value) }, verify.CodeTampered},
	{"segments: a frame added, file rewritten", devices("gone"), func(f *forge) { rewrite(f.w, "gone", 5, doubled) }, verify.CodeTampered},
	{"segments: a gap filled, file rewritten", devices("gone"), func(f *forge) {
		rewrite(f.w, "gone", 5, func(rows []segment.Record) []segment.Record {
			at := slices.IndexFunc(rows, func(r segment.Record) bool { return r.Seq == 22 })
			row := rows[at]
			row.Seq, row.Ordinal = 21, 9999
			return slices.Insert(rows, at, row)
		})
	}, verify.CodeTampered},
	{"segments: a frame given another number, file rewritten", devices("gone"), func(f *forge) {
		rewrite(f.w, "gone", 5, func(rows []segment.Record) []segment.Record {
			at := slices.IndexFunc(rows, func(r segment.Record) bool { return r.Seq == 22 })
			rows[at].Seq = 21
			return rows
		})
	}, verify.CodeTampered},
	{"segments: frames given another ordinal, file rewritten", devices("gone"), func(f *forge) {
		rewrite(f.w, "gone", 5, func(rows []segment.Record) []segment.Record {
			rows[0].Seal = 2 // which is not shown: nobody looks at it there
			return rows
		})
	}, verify.CodeSegmentMissing},
	{"segments: frames given another ordinal that is shown, file rewritten", devices("late"), func(f *forge) {
		rewrite(f.w, "late", 5, func(rows []segment.Record) []segment.Record {
			rows[0].Seal = 3
			return rows
		})
	}, verify.CodeTampered},
	{"segments: a frame added in an ordinal that is not shown, file rewritten", devices("gone"), func(f *forge) {
		rewrite(f.w, "gone", 5, func(rows []segment.Record) []segment.Record {
			rows = doubled(rows)
			rows[len(rows)-1].Seal = 2
			return rows
		})
	}, verify.CodeIncomplete},
	{"segments: a frame added in an ordinal between those that are shown, file rewritten", devices("late"), func(f *forge) {
		rewrite(f.w, "late", 5, func(rows []segment.Record) []segment.Record {
			rows = doubled(rows)
			rows[len(rows)-1].Seal = 2
			return rows
		})
	}, verify.CodeComplete},
	{"segments: a device out of scope changed, file rewritten", devices("gone"), func(f *forge) { rewrite(f.w, "done", 5, value) }, verify.CodeIncomplete},
	{"segments: two copies that differ", devices("gone"), func(f *forge) {
		name := world.SegmentDir + "/" + segmentOf(f.w, "gone", 5)
		old := read(f.w, name)
		rewrite(f.w, "gone", 5, value)
		write(f.w, name, old)
	}, verify.CodeTampered},
	{"segments: sizes that the certificate does not list", devices("gone"), func(f *forge) { f.c.Segments[0].Frames++ }, verify.CodeTampered},

	{"claim: verdict", devices("gone"), func(f *forge) { f.c.Verdict = "COMPLETE" }, verify.CodeTampered},
	{"claim: fewer missing", devices("gone"), func(f *forge) { f.c.Statement.Missing-- }, verify.CodeTampered},
	{"claim: a gap less", devices("gone"), func(f *forge) { f.epoch().Gaps = f.epoch().Gaps[1:] }, verify.CodeTampered},
	{"claim: no gap at all, in every word", devices("gone"), func(f *forge) {
		e := f.epoch()
		e.Gaps, e.Stored, e.Verdict, e.Reasons = []certificate.Gap{}, e.Expected, "COMPLETE", []string{}
		f.c.Verdict, f.c.Statement.Missing, f.c.Statement.Stored, f.c.Statement.Causes = "COMPLETE", 0, e.Expected, map[string]uint64{}
	}, verify.CodeTampered},
	{"claim: a cause", devices("gone"), func(f *forge) { f.epoch().Gaps[0].Cause = "declared_lost" }, verify.CodeTampered},
	{"claim: a cause, in the leaf, too", devices("gone"), func(f *forge) {
		leaf := &f.c.Proof.Census.Ranges[0].Leaves[1]
		l, err := census.Parse(*leaf)
		if err != nil {
			f.w.TB.Fatal(err)
		}
		l.Epochs[0].Gaps[0].Cause = frame.CauseDeclaredLost
		*leaf = l.Append(nil)
		f.epoch().Gaps[0].Cause, f.epoch().Gaps[0].Confidence = "declared_lost", "exact"
	}, verify.CodeTampered},
	{"claim: a basis", devices("seen"), func(f *forge) { f.epoch().Tail.Basis = "seal" }, verify.CodeTampered},
	{"claim: no caveats", devices("gone"), func(f *forge) { f.c.NotProven = []certificate.Caveat{} }, verify.CodeTampered},
	{"claim: a later moment", devices("gone"), func(f *forge) { f.c.AsOf.Index++ }, verify.CodeTampered},
	{"claim: another time", devices("gone"), func(f *forge) { f.c.AsOf.Time = "2030-01-01T00:00:00.000Z" }, verify.CodeTampered},
	{"claim: another kind of document", devices("gone"), func(f *forge) { f.c.Kind = "gapless/certificates" }, verify.CodeTampered},
	{"claim: another version", devices("gone"), func(f *forge) { f.c.V = 2 }, verify.CodeInternal},
	{"claim: another cluster", devices("gone"), func(f *forge) { f.c.Origin = "gapless/other" }, verify.CodeTampered},
	{"claim: more devices than were looked at", devices("done"), func(f *forge) { f.c.Scope = prefix("").Scope }, verify.CodeTampered},
	{"claim: another prefix than was looked at", prefix("do"), func(f *forge) { f.c.Scope = prefix("d").Scope; f.cut(1) }, verify.CodeTampered},
	{"claim: more numbers than were looked at", devices("gone"), func(f *forge) { f.c.Scope.Seq = []uint64{1, 19} }, verify.CodeTampered},
	{"claim: durability, by who has the issuer's key", devices("gone"), func(f *forge) { f.c.Durability.Voters = 5 }, verify.CodeIncomplete},
	{"claim: durability, without a key", devices("gone"), func(f *forge) { f.plain, f.c.Durability.Voters = true, 5 }, verify.CodeTampered},
	{"claim: issued later, without a key", devices("gone"), func(f *forge) { f.plain, f.c.Issued = true, "2030-01-01T00:00:00Z" }, verify.CodeTampered},

	{"proof: a leaf of the census less", devices("gone"), func(f *forge) { f.cut(0) }, verify.CodeTampered},
	{"proof: a neighbour in the census less", devices("gone"), func(f *forge) { f.cut(2) }, verify.CodeTampered},
	{"proof: the census's range shifted", devices("gone"), func(f *forge) { f.c.Proof.Census.Ranges[0].First++ }, verify.CodeTampered},
	{"proof: no range of the census", devices("gone"), func(f *forge) { f.c.Proof.Census.Ranges = []certificate.Range{} }, verify.CodeTampered},
	{"proof: a hash of the census's proof", devices("gone"), func(f *forge) { f.c.Proof.Census.Ranges[0].Proof[0][7]++ }, verify.CodeTampered},
	{"proof: a strip less", devices("gone"), func(f *forge) { f.seal(1).Ranges[0].Leaves = nil }, verify.CodeTampered},
	{"proof: no strip of an ordinal", devices("gone"), func(f *forge) { f.seal(1).Ranges = []certificate.Range{} }, verify.CodeTampered},
	{"proof: an ordinal without a strip, too", devices("gone"), func(f *forge) {
		f.in.Files, f.c.Proof.Seals = nil, append(f.c.Proof.Seals, f.strips(2))
		f.w.Reprove(f.c, 0, 2, 5)
	}, verify.CodeTampered},
	{"proof: an ordinal without its strip", devices("late"), func(f *forge) { f.seal(2).Ranges = []certificate.Range{} }, verify.CodeTampered},
	{"proof: the strip of another device", devices("gone"), func(f *forge) { f.seal(1).Ranges = f.strips(1, "done").Ranges }, verify.CodeTampered},
	{"proof: the strip of another device, too", devices("gone"), func(f *forge) {
		f.in.Files, f.seal(1).Ranges = nil, f.strips(1, "done", "gone").Ranges
	}, verify.CodeTampered},
	{"proof: the strip of another epoch, too", certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"lost"}, Epochs: []uint32{2}}},
		func(f *forge) {
			f.in.Files, f.c.Proof.Seals = nil, []certificate.SealTree{f.strips(1, "lost"), f.strips(2, "lost")}
			f.w.Reprove(f.c, 0, 2, 5)
		}, verify.CodeTampered},
	{"proof: a strip that has no number in scope, too", certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"late"}, Seq: []uint64{1, 70}}},
		func(f *forge) {
			f.in.Files, f.c.Proof.Seals = nil, append(f.c.Proof.Seals, f.strips(3, "late"))
			f.w.Reprove(f.c, 0, 4, 5)
		}, verify.CodeTampered},
	{"proof: a strip twice", devices("gone"), func(f *forge) {
		r := &f.seal(1).Ranges[0]
		r.Leaves = slices.Insert(r.Leaves, 0, r.Leaves[0])
	}, verify.CodeTampered},
	{"proof: a range twice", devices("gone"), func(f *forge) {
		f.seal(1).Ranges = append(f.seal(1).Ranges, f.seal(1).Ranges[0])
	}, verify.CodeTampered},
	{"proof: strips of another ordinal", devices("late"), func(f *forge) { f.seal(1).Ranges = f.seal(2).Ranges }, verify.CodeTampered},
	{"proof: an ordinal in place of another", devices("late"), func(f *forge) { f.seal(1).Ordinal = 2 }, verify.CodeTampered},
	{"proof: an ordinal twice", devices("late"), func(f *forge) { *f.seal(1) = *f.seal(2) }, verify.CodeTampered},
	{"proof: ordinals in another order", devices("late"), func(f *forge) { slices.Reverse(f.c.Proof.Seals) }, verify.CodeTampered},
	{"proof: an ordinal left out", devices("late"), func(f *forge) { f.c.Proof.Seals = f.c.Proof.Seals[:1] }, verify.CodeTampered},
	{"proof: an ordinal left out, with its SEAL", devices("late"), func(f *forge) {
		f.c.Proof.Seals = f.c.Proof.Seals[:1]
		f.w.Reprove(f.c, 0, 5)
	}, verify.CodeTampered},
	{"proof: the first ordinal left out, with its SEAL", devices("late"), func(f *forge) {
		f.c.Proof.Seals = f.c.Proof.Seals[1:]
		f.w.Reprove(f.c, 4, 5)
	}, verify.CodeTampered},
	{"proof: the SEAL of an ordinal that is not shown", devices("late"), func(f *forge) { f.w.Reprove(f.c, 0, 2, 4, 5) }, verify.CodeTampered},
	{"proof: a CENSUS more", devices("late"), func(f *forge) { f.w.Reprove(f.c, 0, 1, 4, 5) }, verify.CodeTampered},
	{"proof: the last record is not shown", devices("gone"), func(f *forge) {
		f.w.RotateInLog("n2")
		f.w.Reprove(f.c, 0, 5)
	}, verify.CodeTampered},
	{"proof: a record behind the last one that says what is newest", devices("gone"), func(f *forge) {
		at := f.w.Append(f.w.Noise())
		f.w.Cosign()
		f.w.Reprove(f.c, 0, 5, at)
	}, verify.CodeTampered},
	{"counts only: with strips", counts("gone"), func(f *forge) {
		f.in.Files = nil
		f.c.Proof.Seals = []certificate.SealTree{f.strips(1, "gone")}
		f.w.Reprove(f.c, 0, 5)
	}, verify.CodeTampered},
	{"counts only: said of one with strips", devices("gone"), func(f *forge) { f.in.Files, f.c.Scope.CountsOnly = nil, true }, verify.CodeTampered},
	{"counts only: said no more, strips left out", counts("gone"), func(f *forge) { f.in.Files, f.c.Scope.CountsOnly = nil, false }, verify.CodeTampered},
	{"counts only: with segments", counts("gone"), func(f *forge) {}, verify.CodeUsage},
	{"counts only: without", counts("gone"), func(f *forge) { f.in.Files = nil }, verify.CodeIncomplete},
	{"proof: a record less", devices("gone"), func(f *forge) { f.c.Proof.Log = f.c.Proof.Log[1:] }, verify.CodeTampered},
	{"proof: a record changed", devices("gone"), func(f *forge) {
		e := &f.c.Proof.Log[0]
		e.Record = bytes.Replace(e.Record, []byte(`"frames":`), []byte(`"frames":1`), 1)
	}, verify.CodeTampered},
	{"proof: a record at another place", devices("gone"), func(f *forge) { f.c.Proof.Log[0].Index-- }, verify.CodeTampered},
	{"proof: a hash of a record's proof", devices("gone"), func(f *forge) { f.c.Proof.Log[0].Proof[0][0]++ }, verify.CodeTampered},
	{"proof: consistency with what never was", devices("gone"), func(f *forge) {
		f.c.Proof.Consistency = []certificate.Consistency{{Size: 2, Root: merkle.Hash{1}, Proof: []merkle.Hash{{2}}}}
	}, verify.CodeTampered},

	{"keys: the issuer's word of another certificate", devices("gone"), func(f *forge) {
		f.plain, f.c.Proof.Issuer = true, f.w.Certify(devices("done")).Proof.Issuer
	}, verify.CodeTampered},
	{"keys: no issuer", devices("gone"), func(f *forge) { f.plain, f.c.Proof.Issuer = true, "" }, verify.CodeSignature},
	{"keys: the checkpoint as the issuer's word", devices("gone"), func(f *forge) { f.plain, f.c.Proof.Issuer = true, f.c.Proof.Checkpoint }, verify.CodeSignature},
	{"keys: the policy of another cluster", devices("gone"), func(f *forge) { f.in.Policy = world.New(f.w.TB, "other").Policy() }, verify.CodeSignature},
	{"keys: a policy that asks for one more", devices("gone"), func(f *forge) {
		f.w.Signers = []string{"n1", "n2"}
		f.w.Cosign()
		f.c.Proof.Checkpoint, f.w.Quorum = string(f.w.Note), 3
		f.in.Policy = f.w.Policy()
	}, verify.CodeSignature},
	{"keys: a policy that asks for a witness", devices("gone"), func(f *forge) {
		f.w.NeedsIt = true
		f.in.Policy = f.w.Policy()
	}, verify.CodeSignature},
	{"keys: no policy", devices("gone"), func(f *forge) { f.in.Policy = []byte("none\n") }, verify.CodeUsage},
	{"keys: signatures of another checkpoint", devices("gone"), func(f *forge) {
		old := string(f.w.Note)
		f.w.Append(f.w.Noise())
		f.w.Cosign()
		_, lines, _ := strings.Cut(string(f.w.Note), "\n\n")
		text, _, _ := strings.Cut(old, "\n\n")
		f.c.Proof.Checkpoint = text + "\n\n" + lines
	}, verify.CodeSignature},
}

func TestTamper(t *testing.T) {
	for _, tt := range matrix {
		t.Run(tt.name, func(t *testing.T) {
			w := plant(t)
			c, err := certificate.Parse(w.Encode(w.Certify(tt.req))) // a copy of everything
			if err != nil {
				t.Fatal(err)
			}
			in := verify.Input{Policy: w.Policy(), Files: verify.Dir(w.FS, world.SegmentDir)}
			f := &forge{w: w, c: c, in: &in}
			tt.do(f)
			if !f.plain {
				w.Issue(c, "n1")
			}
			in.Certificate = w.Encode(c)
			got := run(t, in)
			want(t, tt.name, got, tt.code)
			if testing.Verbose() {
				last := got.Checks[len(got.Checks)-1]
				t.Logf("%d %s: %s", got.Code, last.Name, last.Text)
			}
		})
	}
}
