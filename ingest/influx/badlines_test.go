package influx

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
)

// Each bad line stands between two good ones: they are stored, it is named with its reason, and its number is accounted for where that is
// certain.
func TestBadLines(t *testing.T) {
	for _, test := range []struct {
		name, line string
		code       string
		says       string // part of the message
		record     string // "device/stream #seq @epoch" as the reject in the batch, "" for none
	}{
		{"no fields", "m", "bad_line", `column 2: expected tag key or field but found '\n'`, ""},
		{"no measurement", ",a=b x=1", "bad_line", "column 1: invalid character ','", ""},
		{"a field without a value", "m,device=a seq=1i,x=", "bad_line", "unrecognized type", ""},
		{"a text without quotes", "m,device=a seq=1i,x=abc", "bad_line", "unrecognized type", ""},
		{"NaN", "m,device=a seq=1i,x=NaN", "bad_line", "unrecognized type", ""},
		{"a tag without a value", "m,device= x=1", "bad_line", "expected tag value", ""},
		{"text behind the time", "m,device=a seq=1i 17 18", "bad_line", "unexpected text after timestamp", ""},
		{"bytes that are no text", "m,device=a x=\"\xff\"", "bad_line", "invalid utf-8", ""},
		{"a control character in a name", "m\x01 x=1", "bad_line", "", ""},
		{"not a number", "m,device=a seq=1i,x=1.2.3", "bad_field", `field "x": "1.2.3" is no float`, "#1"},
		{"infinity", "m,device=a seq=1i,x=-inf,epoch=3i", "bad_field", `"-inf"`, "#1 @3"},
		{"not an integer", "m,device=a seq=1i,x=1.5i", "bad_field", `"1.5" is no int`, "#1"},
		{"a negative unsigned", "m,device=a seq=1i,x=-1u", "bad_field", `"-1" is no uint`, "#1"},
		{"not a truth", "m,device=a seq=1i,x=tRue", "bad_field", `"tRue" is no bool`, "#1"},
		{"beyond float64", "m,device=a seq=1i,x=1e400", "number_out_of_range", `"1e400"`, "#1"},
		{"beyond int64", "m,device=a seq=1i,x=9223372036854775808i", "number_out_of_range", "", "#1"},
		{"beyond uint64", "m,device=a seq=1i,x=18446744073709551616u", "number_out_of_range", "", "#1"},
		{"a field twice", "m,device=a x=1,seq=1i,x=2", "duplicate_key", `field "x" appears twice`, "#1"},
		{"a tag twice", "m,device=a,t=1,t=2 seq=1i", "duplicate_key", `field "t" appears twice`, "#1"},
		{"two devices", "m,device=a,device=b seq=1i", "duplicate_key", `tag "device" appears twice`, ""},
		{"two numbers", "m,device=a seq=1i,seq=2i", "duplicate_key", `number "seq" appears twice`, ""},
		{"a number as tag and field", "m,device=a,seq=1 seq=1i", "duplicate_key", `number "seq" appears twice`, ""},
		{"two epochs", "m,device=a,epoch=1 seq=1i,epoch=2i", "duplicate_key", `epoch "epoch" appears twice`, ""},
		{"a number with a fraction", "m,device=a seq=1.5", "bad_seq", "such as 17i", ""},
		{"a negative number", "m,device=a seq=-1i", "bad_seq", "", ""},
		{"a number that is none", "m,device=a seq=t,x=1", "bad_seq", "", ""},
		{"a number too large", "m,device=a seq=9223372036854775808u", "seq_out_of_range", "is above the largest allowed", ""},
		{"an epoch with a fraction", "m,device=a seq=1i,epoch=1.5", "bad_epoch", "", ""},
		{"an epoch too long", `m,device=a seq=1i,epoch="` + strings.Repeat("e", 65) + `"`, "bad_epoch", "up to 64 bytes", ""},
		{"a reserved measurement", "_audit,device=a seq=1i", "name_reserved", `stream "_audit"`, ""},
		{"a reserved device", "m,device=_dlq seq=1i", "name_reserved", `device "_dlq"`, ""},
		{"a measurement too long", strings.Repeat("m", 257) + ",device=a seq=1i", "name_too_long", "stream has 257 bytes", ""},
		{"a field name too long", "m,device=a seq=1i," + strings.Repeat("x", 257) + "=1", "name_too_long", "field has 257 bytes", "#1"},
		{"a tag whose second name is taken", "m,device=a,x=1,x_tag=2 x=3,seq=1i", "duplicate_key", `field "x_tag" appears twice`, "#1"},
		{"a time that is none", "m,device=a seq=1i 1-7", "bad_time", `"1-7"`, "#1"},
		{"a time too far away", "m,device=a seq=1i 9223372036854775808", "time_out_of_range", "check ?precision=", "#1"},
		{"1,025 fields", "m,device=a seq=1i" + manyFields(1025), "too_many_fields", "at most 1024", "#1"},
		{"a frame of more than 1 MiB", `m,device=a seq=1i,x="` + strings.Repeat("x", 1<<20) + `"`, "frame_too_large", "", "#1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, Options{}, ingest.Options{})
			resp := r.post("/write", "# a comment\n\nok,device=a x=1 1\n"+test.line+"\nok,device=a x=1 2\n")
			var body struct{ Error string }
			if err := json.Unmarshal(resp.Body(), &body); err != nil || resp.StatusCode() != 400 {
				t.Fatalf("answer %d %.400s: %v", resp.StatusCode(), resp.Body(), err)
			}
			reason, whole := strings.CutPrefix(body.Error, "partial write: line 4: ")
			if !whole || !strings.HasSuffix(reason, "("+test.code+"); dropped=1") || !strings.Contains(reason, test.says) {
				t.Errorf("answer %.400q, want %s and %q", body.Error, test.code, test.says)
			}
			if len(r.store.frames) != 2 || len(resp.Header.Peek(positionHeader)) == 0 {
				t.Errorf("%d of the two good lines are stored, position %q", len(r.store.frames), resp.Header.Peek(positionHeader))
			}
			checkRecord(t, r, test.line, test.record)
			if now := r.balance(); now.Received != 3 || now.Accepted != 2 || now.Rejected != 1 {
				t.Errorf("counted as %+v", now)
			}
		})
	}
}

// A time that its unit carries out of range is not wrapped around.
func TestTimesBeyondTheirUnit(t *testing.T) {
	for path, line := range map[string]string{"/write?precision=s": "9223372037", "/write?precision=h": "-2562048", "/api/v2/write?precision=ms": "9223372036855", "/write": "-9223372036854775809"} {
		r := newRig(t, Options{}, ingest.Options{})
		if resp := r.post(path, "m x=1 "+line); resp.StatusCode() != 400 || !strings.Contains(string(resp.Body()), "(time_out_of_range)") {
			t.Errorf("%s %s: %d %s", path, line, resp.StatusCode(), resp.Body())
		}
	}
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",f%d=1", i)
	}
	return b.String()
}

// checkRecord holds the batch's rejects against the one that is expected, and its evidence against the line.
func checkRecord(t *testing.T, r *rig, line, want string) {
	t.Helper()
	got := ""
	for _, reject := range r.store.rejects {
		got += fmt.Sprintf("#%d", reject.Seq)
		if reject.Group.Epoch != "" {
			got += " @" + reject.Group.Epoch
		}
		if evidence := line[:min(len(line), frame.MaxRejectBytes)]; string(reject.Raw) != evidence {
			t.Errorf("evidence %.200q, the line is %.200q", reject.Raw, evidence)
		}
	}
	if got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

// Lines are told by where they begin in the body, whatever stands between them.
func TestPlacesOfLines(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	long := strings.Repeat("x", 5000)
	body := strings.Join([]string{
		"bad",                  // 1
		"",                     // 2
		"ok x=1\r",             // 3
		"bad\r",                // 4
		"   # comment " + long, // 5
		`ok x="two`,            // 6
		"lines" + long + `"`,   // 7
		"bad" + long,           // 8
		"bad",                  // 9
		"  ok x=1",             // 10
		`bad x="never closed`,  // 11
		"ok x=1",               // 12, inside the string
	}, "\n")
	resp := r.post("/write", body)
	got := string(resp.Body())
	for _, place := range []string{"line 1: ", "line 4: ", "line 8: ", "line 9: ", "line 11: column 7: expected closing quote", "dropped=5"} {
		if !strings.Contains(got, place) {
			t.Errorf("%q is not in %s", place, got)
		}
	}
	if len(r.store.frames) != 3 {
		t.Errorf("%d frames of three good lines", len(r.store.frames))
	}
}

// Beyond maxReasons the answer has places only, and still all of them.
func TestManyBadLines(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	resp := r.post("/api/v2/write?bucket=b", "# a comment\n\nok x=1\n"+strings.Repeat("bad\n", 12)+"ok x=1\nbad\n\nbad\n")
	got := string(resp.Body())
	if !strings.HasPrefix(got, `{"code":"invalid","message":"partial write: line 4: `) ||
		!strings.HasSuffix(got, `(bad_line); also lines 14-15, 17-19; dropped=14","line":4}`+"\n") || strings.Count(got, "(bad_line)") != maxReasons {
		t.Error(got)
	}
	resp = r.post("/write", strings.Repeat("bad\n", 10_001))
	if got := string(resp.Body()); resp.StatusCode() != 400 || !strings.HasPrefix(got, `{"error":"too_many_rejected: more than 10000 items are bad`) {
		t.Error(got)
	}
	r.balance()
}

// What the store itself refuses is named like any bad line, by the place of the line and not of the frame in the batch.
func TestRefusedByTheStore(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	r.store.refuse = []ingest.Refusal{{Ordinal: 1, Code: "implausible_jump", Message: "the number jumps too far"}}
	resp := r.post("/write", "m,device=a seq=1i\nbad\nm,device=b seq=1i\n\nm,device=a seq=99i\n") // the batch has a's frames before b's
	if got, want := string(resp.Body()), "line 5: the number jumps too far (implausible_jump); dropped=2"; !strings.Contains(got, want) {
		t.Errorf("%s does not say %q", got, want)
	}
	r.balance()
}

func TestLimits(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{MaxBodyBytes: 8 << 20, MaxUnpackedBytes: 16 << 20})
	for _, test := range []struct {
		name, path, body string
		status           int
		says             string
	}{
		{"a line without end", "/write", "ok x=1\nm x=\"" + strings.Repeat("x", maxLineBytes), 413, "line_too_large: line 2 is longer than 2097152 bytes; nothing was stored"},
		{"a string without end", "/write", "ok x=1\nm x=\"" + strings.Repeat("ok x=1\n", maxLineBytes/6), 413, "line_too_large: line 2 is"},
		{"a bad line without end", "/write", "ok x=1\nbad" + strings.Repeat("x", maxLineBytes), 413, "line_too_large: line 2 is"},
		{"a comment without end", "/write", "#" + strings.Repeat("x", maxLineBytes), 413, "line_too_large: line 1 is"},
		{"a body too large", "/api/v2/write?bucket=b", strings.Repeat("ok x=1\n", 2<<20), 413, `{"code":"request too large","message":"body_too_large: `},
		{"nothing", "/write", "", 400, "empty_body"},
		{"only comments", "/write", "# nothing\n\n", 400, "empty_body"},
		{"too much for a batch", "/write", strings.Repeat(`ok x="`+strings.Repeat("x", 1<<20-100)+"\"\n", 5), 413, "batch_too_large"},
		{"too many tags for the device", "/write?device_tag=" + strings.Repeat("a,", 20), "ok x=1", 400, "bad_device_tag"},
		{"no tag for the device", "/write?device_tag=a,,b", "ok x=1", 400, "bad_device_tag"},
	} {
		resp := r.post(test.path, test.body)
		if got := string(resp.Body()); resp.StatusCode() != test.status || !strings.Contains(got, test.says) {
			t.Errorf("%s: answer %d %.300s", test.name, resp.StatusCode(), got)
		}
	}
	if now := r.balance(); len(r.store.frames) != 0 || now.Undecodable != now.Received {
		t.Errorf("%d frames were stored: %+v", len(r.store.frames), now)
	}
}
