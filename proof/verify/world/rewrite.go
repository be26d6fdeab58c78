package world

import (
	"bytes"
	"crypto/sha256"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Rewrite writes a segment again, as a proper file under its proper name, with what edit makes of the frames of each epoch. The old file goes.
func (w *World) Rewrite(name string, edit func(key frame.StreamKey, epoch uint32, rows []segment.Record) []segment.Record) {
	w.TB.Helper()
	var b bytes.Buffer
	old := w.open(name)
	out := segment.NewWriter(&b, old.Options())
	w.must(old.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		var rows []segment.Record
		_, err := old.Scan(e, segment.All(), segment.Columns{All: true}, func(r *segment.Record) bool {
			row := *r
			row.Fields = append([]frame.Field(nil), r.Fields...)
			rows = append(rows, row)
			return true
		})
		if err != nil {
			return err
		}
		rows = edit(key, e.Ordinal, rows)
		if err := out.Begin(key, e.Ordinal); err != nil {
			return err
		}
		for i := range rows {
			if err := out.Add(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err := out.Finish()
	w.must(err)
	w.must(w.FS.Remove(SegmentDir + "/" + name))
	hash := segment.Name(sha256.Sum256(b.Bytes()))
	w.must(vfs.WriteFile(w.FS, SegmentDir+"/"+hash.FileName(), b.Bytes()))
}

func (w *World) open(name string) *segment.Reader {
	for i, other := range w.Segments() {
		if other == name {
			return w.Readers()[i]
		}
	}
	w.TB.Fatalf("no segment %s", name)
	return nil
}
