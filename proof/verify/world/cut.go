package world

import (
	"context"
	"slices"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
)

// Flush writes the head into a segment.
func (w *World) Flush() {
	w.TB.Helper()
	if w.head.Frames() == 0 {
		return
	}
	opt := segment.Options{Cluster: w.Origin, History: w.History, FirstIndex: w.from, LastIndex: w.index}
	info, err := segment.Write(w.FS, SegmentDir, opt, w.head, w.Ledger.Key)
	w.must(err)
	w.fresh = append(w.fresh, info.Name.FileName())
	w.head, w.from = segment.NewHead(), w.index+1
}

// Segments is the names of all segment files.
func (w *World) Segments() []string {
	names, err := w.FS.List(SegmentDir)
	w.must(err)
	return names
}

// Readers opens all segments.
func (w *World) Readers() []*segment.Reader { return w.read(w.Segments()) }

func (w *World) read(names []string) []*segment.Reader {
	var list []*segment.Reader
	for _, name := range names {
		f, err := w.FS.Open(SegmentDir + "/" + name)
		w.must(err)
		size, err := f.Size()
		w.must(err)
		id, err := segment.ParseName(name[:64])
		w.must(err)
		r, err := segment.NewReader(f, size, segment.ReaderOptions{Path: name, Name: id})
		w.must(err)
		list = append(list, r)
	}
	return list
}

// Merge makes one segment of all.
func (w *World) Merge() {
	w.TB.Helper()
	w.Flush()
	old := w.Segments()
	opt := segment.MergeOptions{Options: segment.Options{Cluster: w.Origin, History: w.History}}
	out, err := segment.Merge(w.FS, SegmentDir, opt, w.Readers())
	w.must(err)
	w.fresh = []string{out[0].Info.Name.FileName()}
	for _, name := range old {
		if name != out[0].Info.Name.FileName() {
			w.must(w.FS.Remove(SegmentDir + "/" + name))
		}
	}
}

// Append adds a record to the log. It is signed with the next checkpoint.
func (w *World) Append(r record.Record) int64 {
	b, err := record.Encode(r)
	w.must(err)
	w.Records = append(w.Records, b)
	w.log.Append(tlog.RecordHash(b))
	return w.log.Size() - 1
}

// Cut ends the ordinal at hand: strips, census, their records and a checkpoint.
func (w *World) Cut() {
	w.TB.Helper()
	w.index++
	w.Flush()
	strips := w.strips()
	seal := &record.Seal{Head: record.NewHead(record.TypeSeal, w.MS+w.DelayMS), Ordinal: w.Ordinal, History: w.History, First: w.first, Last: w.index,
		At: record.Time(w.MS), Root: strips.Root.String(), Strips: strips.Count, Frames: strips.frames, Census: w.counted}
	if w.LieSeal != nil {
		w.LieSeal(seal)
	}
	w.seals = append(w.seals, w.Append(seal))
	if !w.Uncounted {
		w.count()
	}
	w.Ordinal, w.first, w.from = w.Ordinal+1, w.index+1, w.index+1
	w.Cosign()
}

// count takes the census.
func (w *World) count() {
	root, totals := w.census()
	w.counted = w.Append(&record.Census{Head: record.NewHead(record.TypeCensus, w.MS+w.DelayMS), History: w.History, Index: w.index, Seal: w.Ordinal,
		At: record.Time(w.MS), Root: root.Root.String(), Streams: root.Count, Totals: record.Totals{Expected: totals.Expected, Stored: totals.Stored, Open: totals.Open,
			Lost: totals.Lost, Declared: totals.Declared, Shed: totals.Shed, Rejected: totals.Rejected, Expired: totals.Expired}, Policy: zeros, Census: w.counted})
}

type stripsInfo struct {
	leaves.Info
	frames uint64
}

func (w *World) strips() (info stripsInfo) {
	out, err := leaves.Create(w.FS, leafDir+"/"+leaves.FileName(leaves.Strips, uint64(w.Ordinal)), leaves.Strips, uint64(w.Ordinal))
	w.must(err)
	var list []content.Strip
	err = content.Compute(context.Background(), w.read(w.fresh), w.Ordinal, w.Ordinal, content.Options{}, func(s *content.Strip) error {
		copied := *s
		copied.Runs = slices.Clone(s.Runs)
		list = append(list, copied)
		return nil
	})
	w.must(err)
	w.fresh = nil
	if w.LieStrips != nil {
		list = w.LieStrips(w.Ordinal, list)
	}
	for _, s := range list {
		info.frames += s.Frames
		w.must(out.Add(leaves.Key{StreamKey: s.Key, Epoch: s.Epoch}, s.Append(nil)))
	}
	info.Info, err = out.Finish()
	w.must(err)
	return info
}

func (w *World) census() (info leaves.Info, totals census.Totals) {
	w.must(w.Ledger.Check())
	out, err := leaves.Create(w.FS, leafDir+"/"+leaves.FileName(leaves.Census, w.index), leaves.Census, w.index)
	w.must(err)
	err = census.Walk(w.Ledger, func(l *census.Leaf) error {
		totals.Add(l)
		return out.Add(leaves.Key{StreamKey: l.Key}, l.Append(nil))
	})
	w.must(err)
	info, err = out.Finish()
	w.must(err)
	return info, totals
}

// Cosign signs the log as it is.
func (w *World) Cosign() {
	w.TB.Helper()
	var signers []note.Signer
	for i, node := range w.Signers {
		k := w.Keys[node][len(w.Keys[node])-1]
		if i == 0 {
			s, err := k.LogSigner(w.Origin)
			w.must(err)
			signers = append(signers, s)
		}
		s, err := k.Cosigner(sign.CosignerName(w.Origin, node), w.now)
		w.must(err)
		signers = append(signers, s)
	}
	if w.Witness {
		s, err := w.witness.Cosigner("witness.example", w.now)
		w.must(err)
		signers = append(signers, s)
	}
	var err error
	w.Note, err = sign.SignCheckpoint(sign.Checkpoint{Origin: w.Origin, Size: w.log.Size(), Root: w.log.Root()}, signers...)
	w.must(err)
}

// Policy is the policy of everybody who knows all keys of the nodes.
func (w *World) Policy() []byte {
	var nodes []sign.Node
	for _, id := range []string{"n1", "n2", "n3"} {
		n := sign.Node{ID: id, Removed: slices.Contains(w.Removed, id)}
		for _, k := range w.Keys[id] {
			v, err := k.VerifierKey(sign.CosignerName(w.Origin, id))
			w.must(err)
			n.Keys = append(n.Keys, v.String())
		}
		nodes = append(nodes, n)
	}
	var outside []sign.Outside
	need := 0
	if w.NeedsIt {
		v, err := w.witness.VerifierKey("witness.example")
		w.must(err)
		outside, need = []sign.Outside{{Key: v.String()}}, 1
	}
	p, err := sign.Build(w.Origin, nodes, w.Quorum, outside, need)
	w.must(err)
	return []byte(p.Text())
}

// Noise is a record that no certificate needs.
func (w *World) Noise() record.Record {
	return &record.Policy{Head: record.NewHead(record.TypePolicy, w.MS), Index: w.index, Revision: 1, By: "test", SHA256: zeros}
}
