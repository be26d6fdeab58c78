//go:build linux

package fault

import (
	"log/slog"
	"slices"
	"testing"
)

// TestPanics: what the runtime prints of a panic is told, whatever piece it comes in; what a node logs of one, and a page fault, is not.
func TestPanics(t *testing.T) {
	for text, want := range map[string][]string{
		"panic: runtime error: index out of range [1]\n\ngoroutine 1 [running]:\n": {"panic: runtime error: index out of range [1]"},
		"fatal error: all goroutines are asleep - deadlock!\n":                     {"fatal error: all goroutines are asleep - deadlock!"},
		"unexpected fault address 0x7f00\nfatal error: fault\n":                    nil,
		`{"level":"ERROR","msg":"panic: no"}` + "\n":                               nil,
		"gapless: panic: is not how a line begins\n":                               nil,
	} {
		var got []string
		l := newNodeLog(slog.DiscardHandler, func(line string) { got = append(got, line) })
		for _, piece := range []string{text[:len(text)/2], text[len(text)/2:]} {
			if _, err := l.Write([]byte(piece)); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
