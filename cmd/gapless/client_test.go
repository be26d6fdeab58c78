package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestEveryClientCommandLooksAtItsURL: whatever asks a node with --url says what is wrong with that before it does anything, a file included.
func TestEveryClientCommandLooksAtItsURL(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	asked := 0
	var visit func(cmd *cobra.Command, path []string)
	visit = func(cmd *cobra.Command, path []string) {
		for _, sub := range cmd.Commands() {
			visit(sub, append(path[:len(path):len(path)], sub.Name()))
		}
		if !cmd.Runnable() || cmd.InheritedFlags().Lookup("url") == nil && cmd.PersistentFlags().Lookup("url") == nil {
			return
		}
		if len(path) > 1 && path[1] == "token" { // asks nobody
			return
		}
		asked++
		for url, says := range map[string]string{
			"localhost:1":           "has no scheme: write http://localhost:1",
			"http://127.0.0.1:1/v1": "has the path /v1: write http://127.0.0.1:1",
		} {
			var errOut bytes.Buffer
			args := append(path[:len(path):len(path)], "--url", url)
			for n := 0; cmd.ValidateArgs(make([]string, n)) != nil && n < 3; n++ {
				args = append(args, filepath.Join(t.TempDir(), "any"))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // some ask again when nobody answers
			if code := run(ctx, args, strings.NewReader("{}"), io.Discard, &errOut); code != 1 || !strings.Contains(errOut.String(), says) {
				t.Errorf("gapless %s: exit code %d, %s", strings.Join(args, " "), code, errOut.String())
			}
			cancel()
		}
	}
	visit(newRoot(), nil)
	if asked < 20 {
		t.Errorf("only %d commands were found", asked)
	}
}
