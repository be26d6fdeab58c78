package compact

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment"
)

// info is a segment of 10 frames of the first window of 10 s. Its name is that of n.
func info(n int) segment.Info {
	return segment.Info{
		Name: sha256.Sum256(fmt.Append(nil, n)), Bytes: 1000, Frames: 10, Streams: 1, Blocks: 1, FirstIndex: uint64(10 * n), LastIndex: uint64(10*n + 9),
		FirstNS: 1 * second, LastNS: 2 * second, Encoder: segment.EncoderFast,
	}
}

// merged is what a merge of inputs makes; its name is that of n.
func merged(n int, inputs ...segment.Info) segment.Info {
	e := extentOf(inputs)
	return segment.Info{
		Name: sha256.Sum256(fmt.Append(nil, n)), Bytes: e.bytes, Frames: e.frames, Streams: 1, Blocks: 1, FirstIndex: e.firstIndex, LastIndex: e.lastIndex,
		FirstNS: e.firstNS, LastNS: e.lastNS, Encoder: segment.EncoderFast,
	}
}

// log applies commands in order.
type log struct {
	t     *testing.T
	s     *Section
	index uint64
}

func newLog(t *testing.T) *log { return &log{t: t, s: NewSection(), index: 100} }

// apply applies a command and returns the code of its refusal, "" for none.
func (l *log) apply(kind uint16, command any) string {
	l.t.Helper()
	body, err := json.Marshal(command)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.applyBody(kind, body)
}

func (l *log) applyBody(kind uint16, body []byte) string {
	l.t.Helper()
	before := frozen(l.t, l.s)
	l.index++
	_, err := l.s.Apply(l.index, 7, 0, kind, CommandVersion, body)
	if err == nil {
		return ""
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		l.t.Fatalf("%v is no refusal", err)
	}
	if !bytes.Equal(before, frozen(l.t, l.s)) {
		l.t.Errorf("a refused command changed the section: %v", err)
	}
	return refusal.Code
}

func frozen(t testing.TB, s *Section) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Freeze()(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// plan begins a plan and returns its number.
func (l *log) plan(inputs ...segment.Info) uint64 {
	l.t.Helper()
	if code := l.apply(KindPlan, planCommand{Floor: 90, WindowNS: 10 * second, Builder: "n1.a", Inputs: filesOf(inputs)}); code != "" {
		l.t.Fatal(code)
	}
	return l.index
}

func (l *log) want(code string, kind uint16, command any) {
	l.t.Helper()
	if got := l.apply(kind, command); got != code {
		l.t.Errorf("%T %+v: %q, want %q", command, command, got, code)
	}
}

func built(id uint64, server string, outputs ...segment.Info) builtCommand {
	return builtCommand{id, server, filesOf(outputs)}
}

func verified(id uint64, server string, outputs ...segment.Info) verifiedCommand {
	return verifiedCommand{id, server, texts(namesOf(outputs))}
}

func done(id uint64, verified ...string) doneCommand {
	return doneCommand{id, []string{"n1.a", "n2.b", "n3.c"}, verified}
}

func TestLifeOfAPlan(t *testing.T) {
	l := newLog(t)
	id := l.plan(info(1), info(2))
	out := merged(50, info(1), info(2))
	l.want(CodeMergeNotBuilt, KindVerified, verified(id, "n2.b", out))
	l.want(CodeMergeNotBuilder, KindBuilt, built(id, "n2.b", out))
	l.want("", KindBuilt, built(id, "n1.a", out))
	l.want("", KindBuilt, built(id, "n1.a", out)) // again, because the answer was lost
	l.want(CodeMergeDiffers, KindBuilt, built(id, "n1.a", merged(51, info(1), info(2))))
	l.want(CodeMergeDiffers, KindVerified, verified(id, "n2.b", merged(51, info(1), info(2))))
	l.want(CodeMergeNoQuorum, KindDone, done(id, "n1.a"))
	l.want(CodeMergeNoQuorum, KindDone, done(id, "n1.a", "n2.b"))
	l.want("", KindVerified, verified(id, "n2.b", out))
	l.want("", KindVerified, verified(id, "n2.b", out))
	if got := l.s.Plans()[0].Verified; !slices.Equal(got, []string{"n1.a", "n2.b"}) {
		t.Errorf("verified by %q", got)
	}
	if !l.s.Busy(info(1).Name) || !l.s.Needs(out.Name) {
		t.Error("inputs are not busy, or the result is not needed")
	}
	l.want("", KindDone, done(id, "n1.a", "n2.b"))
	l.want(CodeMergeUnknown, KindDone, done(id, "n1.a", "n2.b"))
	want := segment.Edit{Drop: namesOf([]segment.Info{info(1), info(2)}), Add: []segment.Info{out}}
	for flush := range 3 {
		if edits := l.s.TakeEdits(); flush == 0 && fmt.Sprint(edits) != fmt.Sprint([]segment.Edit{want}) || flush > 0 && len(edits) > 0 {
			t.Errorf("edits of flush %d: %v", flush, edits)
		}
		// The newest manifest may be of two flush points before: until then they must not be planned again, and the result is in no floor.
		if busy, needed := l.s.Busy(info(2).Name), l.s.Needs(out.Name); busy != (flush < 2) || needed != (flush < 2) {
			t.Errorf("after flush %d an input is busy: %t, the result is needed: %t", flush, busy, needed)
		}
	}
}

// TestNoDoneWithoutQuorum: the files of a merge are on too few disks to replace anything.
func TestNoDoneWithoutQuorum(t *testing.T) {
	for _, tt := range []struct {
		name     string
		verified []string // besides the builder
		claimed  doneCommand
		want     string
	}{
		{"nobody", nil, done(0, "n1.a"), CodeMergeNoQuorum},
		{"who did not say so", nil, done(0, "n1.a", "n2.b"), CodeMergeNoQuorum},
		{"no voter", []string{"n9.x"}, done(0, "n1.a", "n9.x"), CodeMergeNoQuorum},
		{"half of four", []string{"n2.b"}, doneCommand{0, []string{"n1.a", "n2.b", "n3.c", "n4.d"}, []string{"n1.a", "n2.b"}}, CodeMergeNoQuorum},
		{"one twice", []string{"n2.b"}, done(0, "n1.a", "n1.a"), CodeBadMerge},
		{"no voters", nil, doneCommand{0, nil, nil}, CodeBadMerge},
		{"two of three", []string{"n2.b"}, done(0, "n1.a", "n2.b"), ""},
		{"without the builder", []string{"n2.b", "n3.c"}, done(0, "n2.b", "n3.c"), ""},
		{"one of one", nil, doneCommand{0, []string{"n1.a"}, []string{"n1.a"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLog(t)
			id := l.plan(info(1), info(2))
			out := merged(50, info(1), info(2))
			l.want("", KindBuilt, built(id, "n1.a", out))
			for _, server := range tt.verified {
				l.want("", KindVerified, verified(id, server, out))
			}
			tt.claimed.ID = id
			l.want(tt.want, KindDone, tt.claimed)
			if got := len(l.s.Edits()); got != map[bool]int{true: 1, false: 0}[tt.want == ""] {
				t.Errorf("%d edits wait for the next floor", got)
			}
		})
	}
}

func TestPlansDoNotOverlap(t *testing.T) {
	l := newLog(t)
	id := l.plan(info(1), info(2))
	overlap := planCommand{WindowNS: 10 * second, Builder: "n2.b", Inputs: filesOf([]segment.Info{info(2), info(3)})}
	l.want(CodeMergeOverlap, KindPlan, overlap)
	l.want("", KindAbort, abortCommand{id, "n2.b", ReasonTimeout, "silent"})
	l.want(CodeMergeUnknown, KindAbort, abortCommand{id, "n2.b", ReasonTimeout, "silent"})
	l.want("", KindPlan, overlap)
	l.want(CodeMergeUnknown, KindBuilt, built(id, "n1.a", merged(50, info(1), info(2)))) // of the plan that was given up
}

func TestPlansAreBounded(t *testing.T) {
	l := newLog(t)
	for i := range maxPlans {
		l.plan(info(i))
	}
	l.want(CodeMergeLimit, KindPlan, planCommand{WindowNS: 1, Builder: "n1.a", Inputs: filesOf([]segment.Info{info(99)})})
	for i := 0; len(l.s.Edits()) < maxEdits; i++ {
		for _, p := range l.s.Plans() {
			out := merged(1000+int(p.ID), p.Inputs...)
			l.want("", KindBuilt, built(p.ID, "n1.a", out))
			l.want("", KindVerified, verified(p.ID, "n2.b", out))
			l.want("", KindDone, done(p.ID, "n1.a", "n2.b"))
		}
		if len(l.s.Edits()) < maxEdits {
			for j := range maxPlans {
				l.plan(info(2000 + maxPlans*i + j))
			}
		}
	}
	l.want(CodeMergeLimit, KindPlan, planCommand{WindowNS: 1, Builder: "n1.a", Inputs: filesOf([]segment.Info{info(99)})})
	l.s.TakeEdits()
	l.plan(info(99))
}

func TestBadCommands(t *testing.T) {
	good := info(1)
	files := func(change func(f *file)) []file {
		f := fileOf(&good)
		change(&f)
		return []file{f}
	}
	plan := func(inputs []file) planCommand { return planCommand{1, 10 * second, "n1.a", inputs} }
	many := make([]segment.Info, maxInputs+1)
	for i := range many {
		many[i] = info(i)
	}
	for name, c := range map[string]planCommand{
		"no inputs":           plan(nil),
		"too many":            plan(filesOf(many)),
		"one twice":           plan(append(filesOf([]segment.Info{good}), fileOf(&good))),
		"out of order":        plan(filesOf([]segment.Info{info(2), info(1)})),
		"no bytes":            plan(files(func(f *file) { f.Bytes = 0 })),
		"no frames":           plan(files(func(f *file) { f.Frames = 0 })),
		"frames beyond sums":  plan(files(func(f *file) { f.Frames = maxFrames + 1 })),
		"indexes in disorder": plan(files(func(f *file) { f.FirstIndex = f.LastIndex + 1 })),
		"times in disorder":   plan(files(func(f *file) { f.FirstNS = f.LastNS + 1 })),
		"no window":           {1, 0, "n1.a", filesOf([]segment.Info{good})},
		"no builder":          {1, 10 * second, "", filesOf([]segment.Info{good})},
	} {
		t.Run(name, func(t *testing.T) { newLog(t).want(CodeBadMerge, KindPlan, c) })
	}
	for name, body := range map[string]string{
		"no JSON": "x", "an array": "[]", "two": "{} {}", "an unknown field": `{"window":1}`, "a short name": `{"inputs":[{"name":"ab"}]}`, "nothing": "",
		"a name in capitals": `{"inputs":[{"name":"` + "AB" + good.Name.String()[2:] + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			for kind := KindPlan; kind <= KindAbort; kind++ {
				if code := newLog(t).applyBody(kind, []byte(body)); code != CodeBadMerge {
					t.Errorf("command %d: %q", kind, code)
				}
			}
		})
	}
}

// TestResultFits: what does not hold exactly the frames of the inputs, each window's in a segment of its own, is refused whoever built it.
func TestResultFits(t *testing.T) {
	late := info(2)
	late.LastNS = 12 * second
	inputs := []segment.Info{info(1), late}
	whole := merged(50, inputs...)
	early, rest := whole, whole
	early.Frames, early.LastNS, early.Name = 19, 5*second, sha256.Sum256([]byte("early"))
	rest.Frames, rest.FirstNS, rest.Name = 1, 12*second, sha256.Sum256([]byte("rest"))
	for _, tt := range []struct {
		name    string
		change  func(early, rest *segment.Info)
		refused bool
	}{
		{"right", func(_, _ *segment.Info) {}, false},
		{"a frame less", func(early, _ *segment.Info) { early.Frames-- }, true},
		{"a frame more", func(early, _ *segment.Info) { early.Frames++ }, true},
		{"times that nobody gave", func(_, rest *segment.Info) { rest.LastNS++ }, true},
		{"lost times", func(early, _ *segment.Info) { early.FirstNS++ }, true},
		{"an index before", func(early, _ *segment.Info) { early.FirstIndex-- }, true},
		{"an index behind", func(_, rest *segment.Info) { rest.LastIndex++ }, true},
		{"two windows in one", func(early, _ *segment.Info) { early.LastNS = 11 * second }, true},
		{"one window in two", func(_, rest *segment.Info) { rest.FirstNS = 5 * second }, true},
		{"an input", func(early, _ *segment.Info) { early.Name = info(1).Name }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLog(t)
			id := l.plan(inputs...)
			a, b := early, rest
			tt.change(&a, &b)
			outputs := []segment.Info{a, b}
			slices.SortFunc(outputs, byIndex)
			want := ""
			if tt.refused {
				want = CodeBadMerge
			}
			l.want(want, KindBuilt, built(id, "n1.a", outputs...))
		})
	}
}
