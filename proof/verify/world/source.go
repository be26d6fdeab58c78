package world

import (
	"context"
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Certify makes a certificate of the newest census.
func (w *World) Certify(req certificate.Request) *certificate.Certificate {
	w.TB.Helper()
	c, err := certificate.Build(context.Background(), w, req)
	w.must(err)
	return c
}

// Encode is a certificate's bytes.
func (w *World) Encode(c *certificate.Certificate) []byte {
	w.TB.Helper()
	b, err := c.Encode()
	w.must(err)
	return b
}

// The methods of a certificate.Source.

func (w *World) ReadHashes(indexes []int64) ([]merkle.Hash, error) { return w.log.ReadHashes(indexes) }
func (w *World) Record(i int64) ([]byte, error)                    { return w.Records[i], nil }
func (w *World) CensusAt() (int64, error)                          { return w.counted, nil }

// Checkpoint is the first that a certificate asks for.
func (w *World) Checkpoint() (_ []byte, err error) {
	w.moments, err = certificate.NewMoments(context.Background(), w.Readers())
	return w.Note, err
}

func (w *World) SealAt(ordinal uint32) (int64, error) {
	if ordinal == 0 || int(ordinal) > len(w.seals) {
		return 0, fmt.Errorf("world: no SEAL of ordinal %d", ordinal)
	}
	return w.seals[ordinal-1], nil
}

func (w *World) Census(index uint64) (certificate.Leaves, error) {
	return leaves.Open(w.FS, leafDir+"/"+leaves.FileName(leaves.Census, index))
}

func (w *World) Strips(ordinal uint32) (certificate.Leaves, error) {
	return leaves.Open(w.FS, leafDir+"/"+leaves.FileName(leaves.Strips, uint64(ordinal)))
}

func (w *World) Moments(key frame.StreamKey, e *census.Epoch, fn func(certificate.Moment) error) error {
	return w.moments.Of(key, e, fn)
}

func (w *World) Word(*certificate.Certificate) (certificate.Word, error) {
	word := certificate.Word{Issued: w.now(), Durability: certificate.Durability{Fsync: "before_ack", Voters: 3, Quorum: 2}}
	for _, what := range w.Uncertain {
		at := record.NewHead("", w.MS).Time
		word.Uncertain = append(word.Uncertain, certificate.Uncertain{Node: "n2", From: at, To: at, What: what})
	}
	for _, r := range w.Readers() {
		i := r.Info()
		word.Segments = append(word.Segments, certificate.Segment{Name: strings.TrimSuffix(i.Name.FileName(), ".gseg"), Bytes: i.Bytes, Frames: i.Frames})
	}
	return word, nil
}

func (w *World) Sign(word sign.Word) ([]byte, error) {
	k := w.Keys["n1"]
	return k[len(k)-1].SignWord("n1", word)
}
