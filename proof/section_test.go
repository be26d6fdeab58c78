package proof

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/segment"
)

func TestLifeOfASeal(t *testing.T) {
	l := keyed(t)
	l.want(CodeNotCurrent, KindCut, cutCommand{2})
	l.want(CodeNotCurrent, KindRoots, roots("n1.a", 1, 5, 7)) // ordinal 1 is open
	l.cut()
	at := l.index
	l.want(CodeNotCurrent, KindCut, cutCommand{1}) // of two at once, one
	l.roots("n1.a", 1, 5, 7)
	l.want(CodeNotVoter, KindRoots, roots("n4.d", 1, 5, 7))
	l.tells()
	l.roots("n3.c", 1, 5, 7)
	l.tells("seal 1 5", "census 1 7")
	l.want(CodeNotCurrent, KindRoots, roots("n2.b", 1, 5, 7)) // nobody needs it any more
	if l.s.Ordinal() != 2 || l.s.SealedThrough() != 1 || l.s.CountedThrough() != 1 || len(l.s.Cuts()) != 0 {
		t.Errorf("open %d, sealed %d, counted %d, cuts %v", l.s.Ordinal(), l.s.SealedThrough(), l.s.CountedThrough(), l.s.Cuts())
	}
	var seal record.Seal
	if err := json.Unmarshal(l.records[3], &seal); err != nil || seal.First != 1 || seal.Last != at || seal.History != 1 || seal.Frames != 50 || seal.Root != hashOf("content 5") {
		t.Errorf("the SEAL is %s", l.records[3])
	}
	var census record.Census
	if err := json.Unmarshal(l.records[4], &census); err != nil || census.Index != at || census.Seal != 1 || census.Totals.Stored != 7 || census.Root != hashOf("census 7") {
		t.Errorf("the CENSUS is %s", l.records[4])
	}
	l.cut()
	if c := l.s.Cuts()[0]; c.First != at+1 || c.Last != l.index || c.TimeMS != l.ms || l.s.CutMS() != l.ms {
		t.Errorf("the second cut is %+v", c)
	}
}

// TestMajority: what is sealed is what more than half of the servers with a vote say, at that moment.
func TestMajority(t *testing.T) {
	four := append(slices.Clone(three), "n4.d")
	for _, tt := range []struct {
		name string
		do   func(l *log)
		want []string
	}{
		{"one of three", func(l *log) { l.roots("n1.a", 1, 5, 7) }, nil},
		{"one twice", func(l *log) { l.roots("n1.a", 1, 5, 7); l.roots("n1.a", 1, 5, 7) }, nil},
		{"one again with another root", func(l *log) { l.roots("n1.a", 1, 4, 7); l.roots("n2.b", 1, 5, 7); l.roots("n1.a", 1, 5, 7) }, []string{"seal 1 5", "census 1 7"}},
		{"who took it back", func(l *log) { l.roots("n1.a", 1, 5, 7); l.roots("n1.a", 1, 4, 7); l.roots("n2.b", 1, 5, 7) }, nil},
		{"two that differ", func(l *log) { l.roots("n1.a", 1, 5, 7); l.roots("n2.b", 1, 4, 7) }, nil},
		{"three, two agree", func(l *log) { l.roots("n1.a", 1, 5, 7); l.roots("n2.b", 1, 4, 7); l.roots("n3.c", 1, 4, 7) }, []string{"seal 1 4", "census 1 7"}},
		{"half of four", func(l *log) { l.voters = four; l.roots("n1.a", 1, 5, 7); l.roots("n2.b", 1, 5, 7) }, nil},
		{"a voter came in between", func(l *log) { l.roots("n1.a", 1, 5, 7); l.voters = four; l.roots("n2.b", 1, 5, 7) }, nil},
		{"one that has no vote any more", func(l *log) {
			l.voters = four
			l.roots("n4.d", 1, 5, 7)
			l.voters = three
			l.roots("n2.b", 1, 5, 7)
		}, nil},
		{"voters went: the next report settles", func(l *log) {
			l.voters = append(slices.Clone(four), "n5.e")
			l.roots("n1.a", 1, 5, 7)
			l.roots("n2.b", 1, 5, 7)
			l.voters = three
			l.s.At(1, clusterID, l.voters)
			if !l.s.Ripe(l.s.Cuts()[0]) {
				l.t.Error("not ripe")
			}
			l.roots("n1.a", 1, 5, 7)
		}, []string{"seal 1 5", "census 1 7"}},
		{"content without census", func(l *log) { l.roots("n1.a", 1, 5, 0); l.roots("n2.b", 1, 5, 7) }, []string{"seal 1 5"}},
		{"the census later", func(l *log) { l.roots("n1.a", 1, 5, 0); l.roots("n2.b", 1, 5, 7); l.roots("n3.c", 1, 5, 7) }, []string{"seal 1 5", "census 1 7"}},
		{"same root of the census, another policy", func(l *log) {
			l.roots("n1.a", 1, 5, 7)
			r := roots("n2.b", 1, 5, 7)
			r.Census.Policy = strings.Repeat("0", 64)
			l.want("", KindRoots, r)
		}, []string{"seal 1 5"}},
		{"one server alone", func(l *log) { l.voters = []string{"n1.a"}; l.roots("n1.a", 1, 5, 7) }, []string{"seal 1 5", "census 1 7"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := keyed(t)
			l.cut()
			tt.do(l)
			l.tells(tt.want...)
		})
	}
}

// TestOrderOfSeals: what comes out of order waits; a census without a majority is left out once a later one is there, or nobody is left who could
// say one.
func TestOrderOfSeals(t *testing.T) {
	l := keyed(t)
	l.cut()
	l.cut()
	l.cut()
	l.roots("n1.a", 2, 52, 72)
	l.roots("n2.b", 2, 52, 72)
	l.roots("n1.a", 3, 53, 73)
	l.roots("n3.c", 3, 53, 73)
	l.tells()
	l.roots("n1.a", 1, 51, 0)
	l.roots("n3.c", 1, 51, 71)
	l.tells("seal 1 51", "seal 2 52", "census 2 72", "seal 3 53", "census 3 73")
	if len(l.s.Cuts()) != 0 {
		t.Errorf("cuts are left: %v", l.s.Cuts())
	}
	l.cut()
	l.roots("n1.a", 4, 54, 74)
	l.roots("n2.b", 4, 54, 75)
	if !l.s.Cuts()[0].Sealed || l.s.pending(4) != true {
		t.Error("the census of 4 does not wait for the third server")
	}
	l.roots("n3.c", 4, 54, 76)
	if l.s.pending(4) || l.s.CountedThrough() != 3 {
		t.Error("a census of which everybody says something else still waits")
	}
	l.cut()
	l.roots("n1.a", 5, 55, 0)
	l.roots("n2.b", 5, 55, 75)
	l.cut()
	l.roots("n2.b", 6, 56, 76)
	l.roots("n3.c", 6, 56, 76)
	l.tells("seal 1 51", "seal 2 52", "census 2 72", "seal 3 53", "census 3 73", "seal 4 54", "seal 5 55", "seal 6 56", "census 6 76")
	if len(l.s.Cuts()) != 0 {
		t.Errorf("5 waits for its census although 6 has one: %v", l.s.Cuts())
	}
}

func TestSectionLimits(t *testing.T) {
	l := newLog(t)
	for i := range maxReports + 1 {
		l.voters = append(l.voters, fmt.Sprintf("n%03d.%0*d", i, maxName-5, i))
	}
	for range maxCuts {
		l.cut()
	}
	l.want(CodeProofLimit, KindCut, cutCommand{l.s.Ordinal()})
	for ordinal := uint32(1); ordinal <= maxCuts; ordinal++ {
		for i, v := range l.voters {
			r := roots(v, ordinal, int64(i)+1, int64(i)+1)
			const most = 1 << 63
			r.Census.Totals = Totals{Expected: most, Stored: most, Open: most, Lost: most, Declared: most, Shed: most, Rejected: most, Expired: most}
			if i < maxReports && ordinal <= 3 {
				l.want("", KindRoots, r)
			} else if i < maxReports {
				body, _ := json.Marshal(l.signed(r))
				if _, err := l.s.Apply(l.index, 1, 1, KindRoots, CommandVersion, body); err != nil {
					t.Fatal(err)
				}
			} else if ordinal == 1 {
				l.want(CodeProofLimit, KindRoots, r)
			}
		}
	}
	if size := int64(len(frozen(t, l.s))); size > l.s.LimitBytes()-maxKeys*2048-1<<20 {
		t.Errorf("%d cuts with %d reports take %d bytes, the limit is %d", maxCuts, maxReports, size, l.s.LimitBytes())
	}
}

func TestBadCommands(t *testing.T) {
	change := func(f func(r *Roots)) Roots {
		r := roots("n1.a", 1, 5, 7)
		r.Signature = "of nobody"
		f(&r)
		return r
	}
	for name, r := range map[string]Roots{
		"no server":               change(func(r *Roots) { r.Server = "" }),
		"a long name":             change(func(r *Roots) { r.Server = strings.Repeat("n", maxName+1) }),
		"a short root":            change(func(r *Roots) { r.Content.Root = "abcd" }),
		"less than no strips":     change(func(r *Roots) { r.Content.Strips = -1 }),
		"more strips than frames": change(func(r *Roots) { r.Content.Strips = 51 }),
		"frames without a strip":  change(func(r *Roots) { r.Content.Strips = 0 }),
		"a census without root":   change(func(r *Roots) { r.Census.Root = "" }),
		"less than no streams":    change(func(r *Roots) { r.Census.Streams = -1 }),
		"a policy that is none":   change(func(r *Roots) { r.Census.Policy = strings.Repeat("x", 64) }),
		"a policy in capitals":    change(func(r *Roots) { r.Census.Policy = strings.Repeat("A", 64) }),
		"a short policy":          change(func(r *Roots) { r.Census.Policy = "00" }),
		"two lines":               change(func(r *Roots) { r.Signature = "x\ny" }),
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, append(slices.Clone(three), r.Server)...)
			l.cut()
			l.want(CodeBadProof, KindRoots, r)
		})
	}
	for name, body := range map[string]string{
		"no JSON": "x", "an array": "[]", "two": "{} {}", "an unknown member": `{"ordinals":1}`, "nothing": "", "a number too big": `{"ordinal":4294967296}`,
	} {
		t.Run(name, func(t *testing.T) {
			for kind := KindCut; kind <= KindRetire; kind++ {
				if code := newLog(t, three...).applyBody(kind, []byte(body)); code != CodeBadProof {
					t.Errorf("command %d: %q", kind, code)
				}
			}
		})
	}
	l := newLog(t, three...)
	if code := l.applyBody(lastKind, []byte("{}")); code != CodeBadProof || l.s.Supports(lastKind, 1) || l.s.Supports(KindCut, 2) || !l.s.Supports(KindRetire, 1) {
		t.Errorf("a command that nobody knows: %q", code)
	}
}

// TestRecordsOfOthers: audits, changes of the policy and merges are in the log when they happen, and the next seal makes them part of a tree to
// cosign.
func TestRecordsOfOthers(t *testing.T) {
	l := keyed(t)
	long := strings.Repeat("<", 1<<20)
	l.s.At(l.history, clusterID, l.voters)
	l.s.Audited(7, l.ms, "acme", "device_set", "press-1", "ops", []byte(`{"x":1}`))
	l.s.Audited(8, l.ms, long, long, long, long, nil) // whatever an operator's tool sends must not stop a cluster
	l.s.Audited(8, l.ms, "x"+strings.Repeat("é", maxWord), "\xff", "\xff", "\xff", nil)
	l.s.Audited(9, l.ms, "_system", PolicyAction, "policy", "ops", []byte(`{"revision":4,"note":"","policy":{"a":1},"changes":[]}`))
	l.s.Merged(10, l.ms, segment.Edit{Drop: make([]segment.Name, 64), Add: make([]segment.Info, 16)})
	l.take()
	l.tells("audit device_set", "audit "+long[:maxWord], "audit \uFFFD", "policy 4", "merge 64 16")
	var audit record.Audit
	if err := json.Unmarshal(l.records[3], &audit); err != nil || audit.Index != 7 || audit.Tenant != "acme" || strings.Contains(string(l.records[3]), "press-1") {
		t.Errorf("the AUDIT is %s", l.records[3])
	}
	if want, err := record.AuditHash("press-1", "ops", []byte(`{"x":1}`)); err != nil || audit.SHA256 != want {
		t.Errorf("the AUDIT is %s, want the hash %s, %v", l.records[3], want, err)
	}
	var policy record.Policy
	if err := json.Unmarshal(l.records[6], &policy); err != nil || policy.By != "ops" || policy.SHA256 != PolicyHash([]byte(`{"a":1}`)) {
		t.Errorf("the POLICY is %s", l.records[6])
	}
	if l.s.Current().Size != 3 {
		t.Error("audits alone are to be cosigned")
	}
	l.cut()
	l.roots("n1.a", 1, 5, 7)
	if l.s.Current().Size != 3 {
		t.Error("a report that settles nothing moves the tree that is to be cosigned")
	}
	l.roots("n2.b", 1, 5, 7)
	if tree := l.s.Current(); tree.Size != 10 || tree.Root != l.s.LogRoot() || tree.Seal != 1 {
		t.Errorf("to cosign: %+v", tree)
	}
	l.s.Audited(11, l.ms, "", PolicyAction, "", "", []byte(`no JSON`))
	if _, err := l.s.TakeRecords(); err == nil {
		t.Error("a policy that cannot be read went unnoticed")
	}
}
