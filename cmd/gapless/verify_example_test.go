package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestVerifyExample runs the transcript of `gapless verify` on the files of docs/proof-example.md. They stay valid for ever.
func TestVerifyExample(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/example",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			return os.CopyFS(env.WorkDir, os.DirFS("../../docs/examples/proof"))
		},
	})
}
