package world

import (
	"bytes"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// What who has keys of nodes, or files, can do beyond asking for a certificate.

// Issue lets a node sign a certificate as it is now: what who has the node's key can do.
func (w *World) Issue(c *certificate.Certificate, node string) {
	w.TB.Helper()
	sum, err := c.Sum()
	w.must(err)
	k := w.Keys[node]
	note, err := k[len(k)-1].SignWord(node, sign.Word{Origin: w.Origin, SHA256: sum})
	w.must(err)
	c.Proof.Issuer = string(note)
}

// Reprove puts a certificate under the newest checkpoint, with the records of this world at these places of the log.
func (w *World) Reprove(c *certificate.Certificate, at ...int64) {
	w.TB.Helper()
	c.Proof.Checkpoint, c.Proof.Log = string(w.Note), nil
	for _, i := range at {
		proof, err := tlog.ProveRecord(w.log.Size(), i, w)
		w.must(err)
		c.Proof.Log = append(c.Proof.Log, certificate.Entry{Index: i, Record: w.Records[i], Proof: append([]merkle.Hash{}, proof...)})
	}
}

// Show is strips of an ordinal, proven, whether a certificate would show them or not.
func (w *World) Show(ordinal uint32, take func(leaves.Key) bool) certificate.SealTree {
	w.TB.Helper()
	in, err := w.Strips(ordinal)
	w.must(err)
	tree := certificate.SealTree{LogIndex: w.seals[ordinal-1], Ordinal: ordinal, Ranges: []certificate.Range{}}
	for i := range in.Count() {
		key, err := in.Key(i)
		w.must(err)
		if !take(key) {
			continue
		}
		leaf, err := in.Leaf(i)
		w.must(err)
		if n := len(tree.Ranges); n == 0 || tree.Ranges[n-1].First+int64(len(tree.Ranges[n-1].Leaves)) != i {
			tree.Ranges = append(tree.Ranges, certificate.Range{First: i})
		}
		r := &tree.Ranges[len(tree.Ranges)-1]
		r.Leaves = append(r.Leaves, leaf)
	}
	for i := range tree.Ranges {
		r := &tree.Ranges[i]
		proof, err := in.Prove(r.First, r.First+int64(len(r.Leaves)))
		w.must(err)
		r.Proof = append([]merkle.Hash{}, proof...)
	}
	return tree
}

// RotateInLog is a KEY in the log, and a checkpoint behind it.
func (w *World) RotateInLog(node string) int64 {
	w.TB.Helper()
	at := w.Append(&record.Key{Head: record.NewHead(record.TypeKey, w.MS), Node: node, Server: node + ".a", Census: w.counted})
	w.Cosign()
	return at
}

// Hostile writes one more segment: a copy of another one with the rows that edit makes of it, tried until its name stands before all others.
func (w *World) Hostile(name string, edit func(row *segment.Record, try int) bool) {
	w.TB.Helper()
	old := w.open(name)
	for try := 0; ; try++ {
		var b bytes.Buffer
		out := segment.NewWriter(&b, old.Options())
		w.must(old.Each(func(key frame.StreamKey, e *segment.Epoch) error {
			w.must(out.Begin(key, e.Ordinal))
			_, err := old.Scan(e, segment.All(), segment.Columns{All: true}, func(r *segment.Record) bool {
				if row := *r; edit(&row, try) {
					w.must(out.Add(&row))
				}
				return true
			})
			return err
		}))
		_, err := out.Finish()
		w.must(err)
		if hash := segment.Name(sha256.Sum256(b.Bytes())); hash.FileName() < w.Segments()[0] {
			w.must(vfs.WriteFile(w.FS, SegmentDir+"/"+hash.FileName(), b.Bytes()))
			return
		}
	}
}
