package gapless

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/verify"
)

// TestTraceIsProven: what a node answers of a sealed frame proves it to who has the policy, whatever the frame has in it, from memory and from segments.
func TestTraceIsProven(t *testing.T) {
	n := startSingle(t, nil)
	frames := []string{
		`"fields":{"temp":21.50,"low":-0.0,"tiny":1e-9,"huge":1.5e300,"i":-9223372036854775808,"u":18446744073709551615,"on":true,"text":"ü<\u2028\u0001\"\\"}`,
		`"time":"2026-11-21T10:00:00.123456789Z","fields":{"temp":20}`,
		`"class":"snapshot","raw":"AP8B"`,
	}
	for i, frame := range frames {
		if code, answer := post(t, n, "/v1/frames", "application/json", fmt.Sprintf(`{"device":"mill/7","seq":%d,%s}`, i, frame)); code != http.StatusOK {
			t.Fatalf("frame %d: %d %v", i, code, answer)
		}
	}
	var others strings.Builder // trees in which a path has hashes on both sides
	for seq := len(frames); seq < 300; seq++ {
		fmt.Fprintf(&others, `{"device":"mill/7","seq":%d,"fields":{"temp":%d}}`+"\n", seq, seq)
	}
	for _, device := range []string{"a", "b", "c", "x", "y"} {
		fmt.Fprintf(&others, `{"device":%q,"seq":1,"fields":{"temp":1}}`+"\n", device)
	}
	if code, answer := post(t, n, "/v1/frames", "application/x-ndjson", others.String()); code != http.StatusOK {
		t.Fatalf("%d %v", code, answer)
	}
	ask(t, n, "POST", "/v1/proof/seal", "")
	post(t, n, "/v1/frames", "application/json", `{"device":"mill/7","seq":300,"fields":{"temp":1}}`)
	policy := []byte(ask(t, n, "GET", "/v1/proof/policy", ""))
	check := func(seq, code int) {
		t.Helper()
		text := ask(t, n, "GET", fmt.Sprintf("/v1/trace/mill%%2F7/1/%d", seq), "")
		got := verify.RunTrace(t.Context(), verify.TraceInput{Trace: []byte(text), Policy: policy})
		if got.Code != code {
			t.Errorf("number %d: code %d, want %d: %+v of %s", seq, got.Code, code, got.Checks, text)
		}
	}
	sealed := []int{0, 1, 2, 63, 64, 127, 128, 192, 255, 256, 299}
	for _, seq := range sealed {
		check(seq, verify.CodeComplete)
	}
	check(300, verify.CodeUsage)
	check(301, verify.CodeUsage)
	ask(t, n, "POST", "/v1/proof/seal", "")
	for _, seq := range append(sealed, 300) {
		check(seq, verify.CodeComplete)
	}
}

// TestTracesAtOnce: beyond a few frames that are being proven another one has to wait; what needs no proof does not.
func TestTracesAtOnce(t *testing.T) {
	n := startSingle(t, nil)
	for seq := range 2 {
		ask(t, n, "POST", "/v1/frames", fmt.Sprintf(`{"device":"d","seq":%d,"fields":{"v":1}}`, seq))
		if seq == 0 {
			ask(t, n, "POST", "/v1/proof/seal", "")
		}
	}
	for range tracesAtOnce {
		n.tracing <- struct{}{}
	}
	resp, err := http.Get("http://" + n.HTTPAddr() + "/v1/trace/d/1/0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	ask(t, n, "GET", "/v1/trace/d/1/1", "")
	<-n.tracing
	if answer := ask(t, n, "GET", "/v1/trace/d/1/0", ""); !strings.Contains(answer, `"checkpoint":`) || len(n.tracing) != tracesAtOnce-1 {
		t.Errorf("%d are being proven, the answer is %s", len(n.tracing), answer)
	}
}
