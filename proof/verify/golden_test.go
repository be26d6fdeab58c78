package verify_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/vfs"
)

var update = flag.Bool("update", false, "write testdata again")

// TestGolden verifies files of the first version, which never change; and makes the same from the same world, so that a change of any format on the
// way is seen here.
func TestGolden(t *testing.T) {
	const dir = "testdata/v1"
	made := golden(t)
	if *update {
		for name, b := range made {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	frozen := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, b := range made {
		if !bytes.Equal(frozen(name), b) {
			t.Errorf("%s is not what is written now", name)
		}
	}
	fs, err := vfs.OS(filepath.Join(dir, "segments"))
	if err != nil {
		t.Fatal(err)
	}
	in := verify.Input{Certificate: frozen("certificate.json"), Policy: frozen("policy"), Since: [][]byte{frozen("earlier.checkpoint")}, Files: verify.Dir(fs, ".")}
	want(t, "frozen", run(t, in), verify.CodeIncomplete)
}

// golden is the world of the frozen files: two devices, two ordinals, a gap of each kind, a late frame, neighbours.
func golden(t *testing.T) map[string][]byte {
	w := world.New(t, "golden")
	one := uint64(1)
	w.Send(world.Batch{Device: "kiln", Seqs: world.Seqs(5, 9)})
	w.Send(world.Batch{Device: "mill-07", Epoch: "17", First: &one, Seqs: world.Seqs(1, 70, 12, 13, 33, 40)})
	w.Send(world.Batch{Device: "mill-08", Epoch: "3", First: &one, Seqs: world.Seqs(1, 3)})
	w.Send(world.Batch{Device: "press", NoTime: true, Seqs: world.Seqs(1, 4)})
	w.Settle()
	w.Cut()
	earlier := w.Note
	w.Lost(ledger.DeclareLost{Subject: world.On("default", "mill-07", "17"), From: 12, To: 13, Reason: "ring <full>"})
	w.Send(world.Batch{Device: "mill-07", Epoch: "17", Seqs: append([]uint64{40}, world.Seqs(71, 80)...)})
	w.Heartbeat(lifeAt("mill-07", "17", 83))
	w.End(ledger.Seal{Subject: world.On("default", "mill-08", "3"), Last: 3, HasCount: true, Count: 3})
	w.Settle()
	w.Send(world.Batch{Device: "mill-08", Epoch: "4", First: &one, Seqs: []uint64{1, 3}})
	w.Cut()
	req := prefix("mill-")
	req.Since = []int64{2}
	files := map[string][]byte{"certificate.json": w.Encode(w.Certify(req)), "policy": w.Policy(), "earlier.checkpoint": earlier}
	for _, name := range w.Segments() {
		files["segments/"+name] = read(w, world.SegmentDir+"/"+name)
	}
	return files
}
