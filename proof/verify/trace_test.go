package verify_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// traced is a world with a device of every kind of value, in two ordinals, among others.
func traced(t testing.TB) (w *world.World, key frame.StreamKey) {
	t.Helper()
	w = world.New(t, "plant")
	values := func(seq uint64) []frame.Field {
		return []frame.Field{
			{Name: "bool", Value: frame.Bool(seq%2 == 0)}, {Name: "bytes", Value: frame.Bytes([]byte{0, 255, byte(seq)})},
			{Name: "float", Value: frame.Float(math.Copysign(0, -1))}, {Name: "inf", Value: frame.Float(math.Inf(1))}, {Name: "int", Value: frame.Int(-1 << 63)},
			{Name: "low", Value: frame.Float(math.Inf(-1))}, {Name: "nan", Value: frame.Float(math.NaN())}, {Name: "text", Value: frame.String("<a>\u2028\"")},
			{Name: "uint", Value: frame.Uint(1<<64 - 1)},
		}
	}
	one := uint64(1)
	for _, device := range []string{"a", "mill", "z"} {
		w.Send(world.Batch{Device: device, Epoch: "e", First: &one, Seqs: world.Seqs(1, 200), Value: values})
	}
	w.Cut()
	w.Send(world.Batch{Device: "mill", Epoch: "e", Seqs: world.Seqs(201, 300), Value: values, NoTime: true})
	w.Send(world.Batch{Device: "b", Seqs: world.Seqs(1, 3)})
	w.Cut()
	return w, frame.StreamKey{Tenant: "default", Device: "mill", Stream: "0"}
}

func runTrace(w *world.World, text []byte) verify.Report {
	return verify.RunTrace(context.Background(), verify.TraceInput{Trace: text, Policy: w.Policy()})
}

// TestTraces: a trace as a node writes it proves its frame, whatever is in it.
func TestTraces(t *testing.T) {
	w, key := traced(t)
	for _, seq := range []uint64{1, 63, 64, 133, 200, 201, 300} {
		got := runTrace(w, w.Trace(key, 1, seq, nil))
		want(t, fmt.Sprint("number ", seq), got, verify.CodeComplete)
		if f := got.Frame; got.Verdict != verify.FrameProven || len(got.Checks) != 6 || f == nil || f.Seq != seq || f.Content == nil || len(f.Content.Fields) != 9 ||
			f.Ordinal != map[bool]uint32{true: 1, false: 2}[seq <= 200] {
			t.Errorf("number %d: %+v", seq, got)
		}
	}
	got := runTrace(w, w.Trace(frame.StreamKey{Tenant: "default", Device: "b", Stream: "0"}, 1, 2, nil))
	want(t, "the only group of a strip", got, verify.CodeComplete)
}

// at is a member of a trace, by its path.
func at(m map[string]any, path string) (in map[string]any, name string) {
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		m = m[p].(map[string]any)
	}
	return m, parts[len(parts)-1]
}

// traceForgery is an edit of a trace that has to be refused.
type traceForgery struct {
	name  string
	edit  func(map[string]any)
	code  int
	words string // of the last check
}

// set changes a member of a trace, by its path.
func set(path string, value any) func(map[string]any) {
	return func(m map[string]any) {
		in, name := at(m, path)
		in[name] = value
	}
}

// refuseTraces makes the trace of number 70 anew for each forgery, and checks it.
func refuseTraces(t *testing.T, w *world.World, key frame.StreamKey, list []traceForgery) {
	t.Helper()
	for _, tt := range list {
		got := runTrace(w, w.Trace(key, 1, 70, tt.edit))
		want(t, tt.name, got, tt.code)
		if last := got.Checks[len(got.Checks)-1]; !strings.Contains(last.Text, tt.words) || last.OK || got.Verdict != "" || got.Frame != nil {
			t.Errorf("%s: %+v, want %q", tt.name, got, tt.words)
		}
	}
}

// TestTraceForged: every claim of a trace that its proof could carry is held against it.
func TestTraceForged(t *testing.T) {
	w, key := traced(t)
	other := world.New(t, "other")
	other.Send(world.Batch{Device: "mill", Seqs: world.Seqs(1, 10)})
	other.Cut()
	from := func(seq uint64, paths ...string) func(map[string]any) { // members of another trace
		return func(m map[string]any) {
			w.Trace(key, 1, seq, func(other map[string]any) {
				for _, path := range paths {
					source, name := at(other, path)
					in, _ := at(m, path)
					in[name] = source[name]
				}
			})
		}
	}
	refuseTraces(t, w, key, []traceForgery{
		{"not stored", set("result", "in_gap"), verify.CodeUsage, `it is "in_gap"`},
		{"without a frame", set("frame", nil), verify.CodeUsage, "has no frame"},
		{"without a proof", set("seal.proof", nil), verify.CodeUsage, "ask again"},
		{"refused", func(m map[string]any) {
			set("seal.proof", nil)(m)
			set("seal.error", map[string]any{"code": "not_ready", "message": "it is being counted"})(m)
		}, verify.CodeUsage, "it is being counted"},
		{"a checkpoint of others", set("seal.proof.checkpoint", string(other.Note)), verify.CodeSignature, "the checkpoint"},
		{"no checkpoint", set("seal.proof.checkpoint", ""), verify.CodeSignature, "the checkpoint"},
		{"another number", set("seq", 71), verify.CodeTampered, "it shows number 70"},
		{"another number everywhere", func(m map[string]any) { set("seq", 71)(m); set("frame.seq", 71)(m) }, verify.CodeTampered, "the device time is shown"},
		{"a number of another group", func(m map[string]any) { set("seq", 7)(m); set("frame.seq", 7)(m) }, verify.CodeTampered, "the group has other numbers"},
		{"a number that is nowhere", func(m map[string]any) { set("seq", 4711)(m); set("frame.seq", 4711)(m) }, verify.CodeTampered, "no run of the strip"},
		{"another device", func(m map[string]any) { set("device", "mull")(m); set("frame.device", "mull")(m) }, verify.CodeTampered, `the strip is of epoch 1 of`},
		{"another stream", set("stream", "1"), verify.CodeTampered, "the strip is of epoch 1 of"},
		{"another epoch", set("epoch.ordinal", 2), verify.CodeTampered, "the strip is of epoch 1 of"},
		{"another ordinal", set("seal.ordinal", 2), verify.CodeTampered, "is not the SEAL of ordinal 2"},
		{"another record", from(210, "seal.proof.seal", "seal.ordinal"), verify.CodeTampered, "is not in ordinal 2"},
		{"another record and index", from(210, "seal.proof.seal", "seal.ordinal", "commit"), verify.CodeTampered, "in ordinal 1"},
		{"another strip", from(210, "seal.proof.seal", "seal.ordinal", "commit", "seal.proof.strip"), verify.CodeTampered, "a group of epoch 1"},
		{"another group", from(10, "seal.proof.group"), verify.CodeTampered, "the group has other numbers"},
		{"committed elsewhere", set("commit.index", 99), verify.CodeTampered, "index 99"},
		{"committed in another history", set("commit.history", 77), verify.CodeTampered, "history 77, in which the frame was committed, is not that of ordinal 1"},
		{"committed as another frame", set("commit.ordinal", 7), verify.CodeTampered, "its position is shown as"},
		{"shown: another position", set("frame.position", frame.Position{History: 1, Index: 1}.String()), verify.CodeTampered, "its position is shown as"},
		{"shown: no position", set("frame.position", nil), verify.CodeTampered, "its position is shown as"},
		{"a smaller log", set("seal.proof.seal.size", 1), verify.CodeTampered, "for a log of 1 records"},
		{"beyond the log", set("seal.proof.seal.index", 99), verify.CodeTampered, "record 99 is in no log"},
		{"before the log", set("seal.proof.seal.index", -1), verify.CodeTampered, "record -1 is in no log"},
		{"a larger tree with the same root", set("seal.proof.strip.size", 4), verify.CodeTampered, "it is leaf 1 of 4"},
		{"another place of the strip", set("seal.proof.strip.index", 0), verify.CodeTampered, "does not lead to the content root"},
		{"a place that is none", set("seal.proof.strip.index", -5), verify.CodeTampered, ""},
		{"trees as large as can be", func(m map[string]any) {
			set("seal.proof.strip.size", int64(1<<62))(m)
			set("seal.proof.strip.index", int64(1<<62-1))(m)
		}, verify.CodeTampered, ""},
		{"another place of the group", set("seal.proof.group.index", 0), verify.CodeTampered, "by the strip's runs it is"},
	})
}

// TestTraceShowsAnother: what a trace shows of the frame is what was hashed.
func TestTraceShowsAnother(t *testing.T) {
	w, key := traced(t)
	refuseTraces(t, w, key, []traceForgery{
		{"shown: another device", set("frame.device", "mull"), verify.CodeTampered, "it shows number 70 of mull/0"},
		{"shown: another epoch", set("frame.epoch", 2), verify.CodeTampered, "epoch 2"},
		{"shown: another class", set("frame.class", "snapshot"), verify.CodeTampered, "class is shown"},
		{"shown: another time", set("frame.time", "2026-11-21T10:00:00Z"), verify.CodeTampered, "the device time is shown"},
		{"shown: without its time", set("frame.flags", []string{"no_time"}), verify.CodeTampered, "no_time"},
		{"shown: other bytes", set("frame.raw", []byte("raw 71")), verify.CodeTampered, "the raw payload"},
		{"shown: without its bytes", set("frame.raw", nil), verify.CodeTampered, "the raw payload"},
		{"shown: fields gone", set("frame.fields", map[string]any{}), verify.CodeTampered, "0 fields are shown"},
		{"shown: a field renamed", func(m map[string]any) {
			fields := m["frame"].(map[string]any)["fields"].(map[string]any)
			delete(fields, "int")
			fields["tin"] = -5
		}, verify.CodeTampered, `field "int"`},
		{"shown: a bool", set("frame.fields.bool", false), verify.CodeTampered, `field "bool" is shown as false`},
		{"shown: a bool as text", set("frame.fields.bool", "true"), verify.CodeTampered, `field "bool"`},
		{"shown: bytes", set("frame.fields.bytes", []byte{0, 255, 71}), verify.CodeTampered, `field "bytes"`},
		{"shown: the other zero", set("frame.fields.float", 0), verify.CodeTampered, `field "float" is shown as 0`},
		{"shown: a number for an infinity", set("frame.fields.inf", 1e308), verify.CodeTampered, `field "inf"`},
		{"shown: the other infinity", set("frame.fields.inf", "-Inf"), verify.CodeTampered, `field "inf"`},
		{"shown: a number as text", set("frame.fields.float", "-0"), verify.CodeTampered, `field "float"`},
		{"shown: a number for NaN", set("frame.fields.nan", 1), verify.CodeTampered, `field "nan"`},
		{"shown: an int", set("frame.fields.int", int64(-1<<63+1)), verify.CodeTampered, `field "int"`},
		{"shown: an int as a float", set("frame.fields.int", -9.223372036854775808e18), verify.CodeTampered, `field "int"`},
		{"shown: a uint", set("frame.fields.uint", uint64(1<<64-2)), verify.CodeTampered, `field "uint"`},
		{"shown: a text", set("frame.fields.text", "<a>"), verify.CodeTampered, `field "text"`},
		{"shown: nothing", set("frame.fields.text", nil), verify.CodeTampered, `field "text"`},
	})
}

// TestTraceNotChecked: a trace says what nobody can check, as a certificate does.
func TestTraceNotChecked(t *testing.T) {
	w, key := traced(t)
	got := runTrace(w, w.Trace(key, 1, 70, nil))
	for name, text := range map[string]string{"keys": "than the trace", "witness": "no outside witness", "place": "the device's own value of the epoch"} {
		if !notChecked(got, name, text) {
			t.Errorf("no line %s, %q: %+v", name, text, got.CannotCheck)
		}
	}
	if notChecked(got, "cosignatures", "") || got.About != "number 70 of mill/0 epoch 1 of tenant default" {
		t.Errorf("%+v", got)
	}
	w.Signers, w.Witness, w.NeedsIt = []string{"n1"}, true, true
	w.Cosign()
	none := strings.Replace(string(w.Policy()), "quorum both", "quorum none", 1)
	got = verify.RunTrace(t.Context(), verify.TraceInput{Trace: w.Trace(key, 1, 70, nil), Policy: []byte(none)})
	want(t, "a policy that asks for nobody", got, verify.CodeComplete)
	if !notChecked(got, "cosignatures", "one key is enough") || notChecked(got, "witness", "") {
		t.Errorf("%+v", got.CannotCheck)
	}
}

// TestTraceBytes: of the bytes that the proof consists of none can change; nor has a trace two ways to be read.
func TestTraceBytes(t *testing.T) {
	w, key := traced(t)
	for _, tree := range []string{"group", "strip", "seal"} {
		var data []byte
		w.Trace(key, 1, 70, func(m map[string]any) {
			in, _ := at(m, "seal.proof."+tree+".data")
			data = in["data"].([]byte)
		})
		for i := 0; i < len(data); i += 1 + len(data)/97 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1
			text := w.Trace(key, 1, 70, func(m map[string]any) {
				in, _ := at(m, "seal.proof."+tree+".data")
				in["data"] = flipped
			})
			want(t, fmt.Sprintf("byte %d of the %s", i, tree), runTrace(w, text), verify.CodeTampered)
		}
	}
	text := w.Trace(key, 1, 70, nil)
	for name, forged := range map[string]string{
		"a field twice":     strings.Replace(string(text), `"bool":true`, `"bool":false,"bool":true`, 1),
		"a frame twice":     strings.Replace(string(text), `"frame":`, `"frame":{},"frame":`, 1),
		"cut off":           string(text[:len(text)-1]),
		"followed":          string(text) + string(text),
		"empty":             "",
		"a certificate":     `[]`,
		"not standard text": strings.Replace(string(text), base64.StdEncoding.EncodeToString([]byte("raw 70")), "cmF3IDcw\n", 1),
	} {
		if forged == string(text) {
			t.Fatalf("%s: nothing is forged", name)
		}
		want(t, name, runTrace(w, []byte(forged)), verify.CodeTampered)
	}
	want(t, "no policy", verify.RunTrace(t.Context(), verify.TraceInput{Trace: text, Policy: []byte("?")}), verify.CodeUsage)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, "ended", verify.RunTrace(ended, verify.TraceInput{Trace: text, Policy: w.Policy()}), verify.CodeInternal)
}

// FuzzTrace: no trace makes a panic, and none is believed but those of the world.
func FuzzTrace(f *testing.F) {
	w, key := traced(f)
	policy := w.Policy()
	for _, seq := range []uint64{1, 70, 250} {
		f.Add(w.Trace(key, 1, seq, nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := verify.RunTrace(t.Context(), verify.TraceInput{Trace: text, Policy: policy})
		for _, c := range got.Checks {
			if c.Name == "internal" {
				t.Fatal(c.Text)
			}
		}
		if got.Code != verify.CodeComplete {
			return
		}
		var m struct {
			Seq    uint64
			Device string
		}
		if err := json.Unmarshal(text, &m); err != nil || got.Frame.Seq != m.Seq || m.Device != "mill" {
			t.Fatalf("%v: believed %+v of %s", err, got.Frame, text)
		}
	})
}
