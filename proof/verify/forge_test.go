package verify_test

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// forge is what a row of the matrix may change: the world (files, keys), the certificate, and what the auditor has. Then the certificate is signed
// again by n1, unless the row says otherwise: the forger has a node's key.
type forge struct {
	w     *world.World
	c     *certificate.Certificate
	in    *verify.Input
	plain bool // the forger has no key
}

// epoch is what a certificate says of the first epoch of its first stream.
func (f *forge) epoch() *certificate.Epoch { return &f.c.Streams[0].Epochs[0] }

// seal is the tree of the n-th ordinal shown.
func (f *forge) seal(n int) *certificate.SealTree { return &f.c.Proof.Seals[n-1] }

// segmentOf is the name of the segment with a frame of a device of the default tenant.
func segmentOf(w *world.World, device string, seq uint64) string {
	for i, r := range w.Readers() {
		epochs, err := r.Epochs(frame.StreamKey{Tenant: "default", Device: device, Stream: "0"})
		for _, e := range epochs {
			if err == nil && e.FirstSeq <= seq && seq <= e.LastSeq {
				return w.Segments()[i]
			}
		}
	}
	w.TB.Fatalf("no segment has %s/%d", device, seq)
	return ""
}

// rewrite changes the frames of one device in the segment with one of them.
func rewrite(w *world.World, device string, seq uint64, edit func([]segment.Record) []segment.Record) {
	w.Rewrite(segmentOf(w, device, seq), func(key frame.StreamKey, _ uint32, rows []segment.Record) []segment.Record {
		if key.Tenant == "default" && key.Device == device {
			return edit(rows)
		}
		return rows
	})
}

func without(seq uint64) func([]segment.Record) []segment.Record {
	return func(rows []segment.Record) []segment.Record {
		return slices.DeleteFunc(rows, func(r segment.Record) bool { return r.Seq == seq })
	}
}

// swap exchanges the contents of two frames, not their numbers.
func swap(rows []segment.Record) []segment.Record {
	rows[3].Fields, rows[4].Fields = rows[4].Fields, rows[3].Fields
	return rows
}

func value(rows []segment.Record) []segment.Record {
	rows[5].Fields[0].Value = frame.Float(99)
	return rows
}

// doubled is one more frame behind the last, a copy of it.
func doubled(rows []segment.Record) []segment.Record {
	last := rows[len(rows)-1]
	last.Seq++
	last.Ordinal++
	return append(rows, last)
}

// cut takes a leaf out of the census's first range.
func (f *forge) cut(i int) {
	r := &f.c.Proof.Census.Ranges[0]
	if i == 0 {
		r.First++
	}
	r.Leaves = slices.Delete(r.Leaves, i, i+1)
}

// strips is what an ordinal has of some devices of the default tenant.
func (f *forge) strips(ordinal uint32, devices ...string) certificate.SealTree {
	return f.w.Show(ordinal, func(k leaves.Key) bool { return k.Tenant == "default" && slices.Contains(devices, k.Device) })
}

func read(w *world.World, path string) []byte {
	f, err := w.FS.Open(path)
	if err != nil {
		w.TB.Fatal(err)
	}
	size, _ := f.Size()
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		w.TB.Fatal(err)
	}
	return b
}

func write(w *world.World, path string, b []byte) {
	f, err := w.FS.Create(path)
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	if err != nil {
		w.TB.Fatal(err)
	}
}
