package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// counted counts how many files are open.
type counted struct {
	verify.Files
	open, most, opens int
}

func (c *counted) Open(name string) (verify.File, error) {
	f, err := c.Files.Open(name)
	if err != nil {
		return nil, err
	}
	c.open, c.opens = c.open+1, c.opens+1
	c.most = max(c.most, c.open)
	return &countedFile{f, c}, nil
}

type countedFile struct {
	verify.File
	in *counted
}

func (f *countedFile) Close() error {
	f.in.open--
	return f.File.Close()
}

// TestFewFiles verifies out of more segments than may be open at a time, of which half are of no use.
func TestFewFiles(t *testing.T) {
	w := world.New(t, "plant")
	for i := range uint64(100) {
		w.Send(world.Batch{Device: "d", Seqs: world.Seqs(10*i, 10*i+9)})
		w.Flush()
	}
	w.Cut()
	for i := range uint64(100) {
		w.Send(world.Batch{Device: "other", Seqs: []uint64{i}})
		w.Flush()
	}
	w.Cut()
	in := input(w, w.Certify(devices("d")))
	files := &counted{Files: in.Files}
	in.Files = files
	want(t, "many files", run(t, in), verify.CodeCompleteBetweenSeen)
	if files.most > 64 || files.open != 0 || files.opens < 200 {
		t.Errorf("%d files were opened, %d at a time, %d are open still", files.opens, files.most, files.open)
	}
}
