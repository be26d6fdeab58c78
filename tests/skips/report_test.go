package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	tests := []struct {
		name, in, out, names string
		passed, failed       int
	}{
		{
			name: "a pass stays quiet",
			in: `{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"github.com/gaplessdb/gapless/wal","Test":"TestA"}
{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Output":"PASS\n"}
{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Output":"ok  \tgithub.com/gaplessdb/gapless/wal\t0.1s\n"}
{"Action":"pass","Package":"github.com/gaplessdb/gapless/wal"}`,
			out: "ok  \tgithub.com/gaplessdb/gapless/wal\t0.1s\n1 passed, 0 failed, 0 skipped\n", passed: 1,
		},
		{
			name: "a failure is shown whole",
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: want 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}`,
			out: "=== RUN   TestA\n    a_test.go:7: want 1\n0 passed, 1 failed, 0 skipped\n", failed: 1,
		},
		{
			name: "skips are sorted and give their reason",
			in: `{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Test":"TestB","Output":"    b_test.go:3: no dmsetup\n"}
{"Action":"output","Package":"github.com/gaplessdb/gapless/wal","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"github.com/gaplessdb/gapless/wal","Test":"TestB"}
{"Action":"skip","Package":"github.com/gaplessdb/gapless/auth","Test":"TestA/x"}`,
			out:   "SKIP auth/TestA/x: \nSKIP wal/TestB: b_test.go:3: no dmsetup\n0 passed, 0 failed, 2 skipped\n",
			names: "auth/TestA/x\nwal/TestB\n",
		},
		{
			name: "a package without tests is no skip",
			in: `{"Action":"output","Package":"p","Output":"?   \tp\t[no test files]\n"}
{"Action":"skip","Package":"p"}`,
			out: "0 passed, 0 failed, 0 skipped\n",
		},
		{
			name: "a build error is shown",
			in:   `{"ImportPath":"p","Action":"build-output","Output":"p.go:3:1: syntax error\n"}`,
			out:  "p.go:3:1: syntax error\n0 passed, 0 failed, 0 skipped\n",
		},
		{
			name: "what a timeout cut off is shown",
			in:   `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out\n"}`,
			out:  "panic: test timed out\n0 passed, 0 failed, 0 skipped\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r report
			var out strings.Builder
			if err := r.read(strings.NewReader(tt.in), &out); err != nil {
				t.Fatal(err)
			}
			r.summary(&out)
			if out.String() != tt.out {
				t.Errorf("printed %q, want %q", out.String(), tt.out)
			}
			if got := string(r.names()); got != tt.names {
				t.Errorf("listed %q, want %q", got, tt.names)
			}
			if r.passed != tt.passed || r.failed != tt.failed {
				t.Errorf("counted %d passed, %d failed, want %d and %d", r.passed, r.failed, tt.passed, tt.failed)
			}
		})
	}
}
