package main

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestReceiptScript runs the transcript of `gapless verify --receipt` in the small world of TestVerifyScript, with two receipts of n2: of the first
// batch, and of one behind the last census.
func TestReceiptScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/receipt",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			writeWorld(t, env.WorkDir)
			writeReceipts(t, env.WorkDir)
			return nil
		},
	})
}

// writeReceipts puts receipts into a directory: notes, answers, and the body that was sent.
func writeReceipts(t *testing.T, dir string) {
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := world.New(t, "plant") // with the keys of the other
	body := []byte(`{"device":"mill-07","seq":1}`)
	put("body", body)
	for name, index := range map[string]uint64{"first": 11, "late": 9999} {
		note, err := w.Keys["n2"][0].SignReceipt("n2", sign.Receipt{
			Origin: w.Origin, Position: frame.Position{History: 1, Index: index}, Body: sha256.Sum256(body), Counts: sign.Counts{Accepted: 1},
			Time: time.UnixMilli(1_790_000_000_007),
		})
		if err != nil {
			t.Fatal(err)
		}
		put(name+".receipt", note)
		answer, err := json.Marshal(map[string]any{"accepted": 1, "receipt": string(note)})
		if err != nil {
			t.Fatal(err)
		}
		put(name+".answer.json", answer)
	}
}
