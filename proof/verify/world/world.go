// Package world makes small clusters that never ran, for tests: a real ledger, real segments, real keys and a real log, in memory, and from them
// everything that a certificate is made of. Worlds of one name have the same keys, so that a test can rewrite history as who stole them would.
package world

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Where files are in a World's file system.
const (
	SegmentDir = "segments"
	leafDir    = "leaves"
)

// start is when a world begins, in milliseconds.
const start = int64(1_790_000_000_000)

// World is a cluster. Its fields are for tests to change before the next Cut.
type World struct {
	TB      testing.TB
	Origin  string
	FS      *vfs.Mem
	Ledger  *ledger.Ledger
	MS      int64 // now: the devices' clock and the cluster's
	History uint64
	Quorum  int      // nodes that the policy asks for
	Signers []string // nodes that cosign
	Removed []string // nodes of which the policy says that they have no vote any more

	Witness   bool // an outside witness cosigns
	NeedsIt   bool // and the policy asks for it
	Note      []byte
	moments   *certificate.Moments // of the certificate that is made
	Records   [][]byte
	Keys      map[string][]sign.Key // of each node, the newest last
	Uncertain []string              // what the issuer is unsure of

	// What a quorum of liars would put into the log. They sign it like anything else.
	LieStrips func(ordinal uint32, strips []content.Strip) []content.Strip
	LieSeal   func(*record.Seal)

	DelayMS   int64 // from a cut to its records: the nodes agreed on the roots so much later
	Uncounted bool  // they agree on no census

	witness sign.Key
	index   uint64
	first   uint64 // index of the ordinal at hand
	Ordinal uint32 // at hand
	head    *segment.Head
	fresh   []string // segments since the last cut
	from    uint64   // first index of the head
	log     merkle.Tree
	seals   []int64
	counted int64 // log index of the newest CENSUS, -1: none
	builder frame.Builder
	reader  frame.Reader
}

// New makes a world of three nodes, of which two sign.
func New(tb testing.TB, name string) *World {
	w := &World{
		TB: tb, Origin: sign.Origin(name), FS: vfs.NewMem(), MS: start, History: 1, Quorum: 2, Signers: []string{"n1", "n2", "n3"},
		Keys: map[string][]sign.Key{}, index: 10, first: 1, Ordinal: 1, from: 11, counted: -1,
		head: segment.NewHead(), Ledger: ledger.New(ledger.Policy{}),
	}
	w.Ledger.Renew(true)
	w.Ledger.Tick(w.MS, false)
	for _, dir := range []string{SegmentDir, leafDir} {
		w.must(w.FS.MkdirAll(dir))
	}
	for _, node := range w.Signers {
		w.Keys[node] = []sign.Key{w.key(name, node, 0)}
	}
	w.witness = w.key("outside", "witness", 0)
	return w
}

func (w *World) must(err error) {
	if err != nil {
		w.TB.Helper()
		w.TB.Fatal(err)
	}
}

// key is a key that follows from names.
func (w *World) key(name, node string, n int) sign.Key {
	seed := bytes.Repeat([]byte(fmt.Sprintf("%s/%s/%d ", name, node, n)), 8)
	k, err := sign.Generate(bytes.NewReader(seed))
	w.must(err)
	return k
}

// Rotate gives a node a new key.
func (w *World) Rotate(node string) {
	w.Keys[node] = append(w.Keys[node], w.key(w.Origin, node, len(w.Keys[node])))
}

// now is the clock of signatures.
func (w *World) now() time.Time { return time.UnixMilli(w.MS) }

// Batch is frames of one epoch of a stream.
type Batch struct {
	Tenant, Device, Stream string // "" is the default
	Epoch                  string // the device's value
	First                  *uint64
	Unseq                  bool
	NoTime                 bool
	Seqs                   []uint64
	Value                  func(seq uint64) []frame.Field // nil: two fields that change
}

// Seqs is the numbers from one to another, but for some.
func Seqs(first, last uint64, but ...uint64) []uint64 {
	var list []uint64
	for n := first; n <= last; n++ {
		if skip := func() bool {
			for _, b := range but {
				if b == n {
					return true
				}
			}
			return false
		}(); !skip {
			list = append(list, n)
		}
	}
	return list
}

func (b *Batch) key() frame.StreamKey {
	k := frame.StreamKey{Tenant: b.Tenant, Device: b.Device, Stream: b.Stream}
	if k.Tenant == "" {
		k.Tenant = "default"
	}
	if k.Stream == "" {
		k.Stream = "0"
	}
	return k
}

// Send lets frames arrive, ten milliseconds apart, and applies them as one command. It returns what became of them.
func (w *World) Send(b Batch) (outcomes []ledger.Outcome) {
	w.TB.Helper()
	w.index++
	value := b.Value
	if value == nil {
		value = func(seq uint64) []frame.Field {
			return []frame.Field{{Name: "temp", Value: frame.Float(20 + float64(seq%50)/10)}, {Name: "turns", Value: frame.Uint(seq * 3)}}
		}
	}
	w.builder.Reset(frame.Header{ReceiveMS: w.MS})
	local, err := w.builder.Stream(b.key())
	w.must(err)
	g := frame.Group{Stream: local, Epoch: b.Epoch, Bits: 64, Unseq: b.Unseq}
	if b.First != nil {
		g.HasFirst, g.First = true, *b.First
	}
	for i, seq := range b.Seqs {
		f := frame.Frame{Seq: seq, TimeNS: (w.MS + 10*int64(i)) * 1_000_000, NoTime: b.NoTime, Class: frame.ClassEvent, Fields: value(seq)}
		if seq%7 == 0 {
			f.Raw = []byte(fmt.Sprintf("raw %d", seq))
		}
		if b.Unseq {
			f.Seq = 0
		}
		w.must(w.builder.Add(g, &f))
	}
	w.MS += 10 * int64(len(b.Seqs))
	data, err := w.builder.Finish(nil)
	w.must(err)
	id, err := w.Ledger.Intern(b.key())
	w.must(err)
	w.must(w.reader.Reset(data))
	return w.apply(id)
}

// apply shows the frames of the batch at hand to the ledger, and keeps those that are new.
func (w *World) apply(id frame.StreamID) (outcomes []ledger.Outcome) {
	var g frame.Group
	var it frame.Item
	for n := uint32(0); w.reader.NextGroup(&g); {
		g.Stream = id
		for ; w.reader.Next(&it); n++ {
			o := w.Ledger.Arrive(&g, w.MS, w.MS, &it)
			outcomes = append(outcomes, o)
			if o.Status != ledger.Stored {
				continue
			}
			row := segment.Row{Seq: o.Seq, TimeNS: it.TimeNS, ReceiveMS: w.MS, Class: it.Class, Index: w.index, Ordinal: n,
				Fingerprint: it.Fingerprint, Seal: w.Ordinal, Body: it.Body}
			if it.NoTime {
				row.Flags, row.TimeNS = segment.FlagNoTime, w.MS*1_000_000
			}
			if !w.head.Append(id, o.Epoch, row) {
				w.TB.Fatalf("the head has number %d already", o.Seq)
			}
		}
	}
	return outcomes
}

// Settle lets all graces end.
func (w *World) Settle() {
	w.MS += w.Ledger.Policy().WithDefaults().GraceMS
	for w.Ledger.Tick(w.MS, false) > 0 {
	}
}

// Heartbeat applies a device's word on its numbers.
func (w *World) Heartbeat(h ledger.Heartbeat) {
	w.TB.Helper()
	w.index++
	_, err := w.Ledger.Heartbeat(w.MS, &h)
	w.must(err)
}

// Lost applies a device's word that numbers will never come.
func (w *World) Lost(c ledger.DeclareLost) {
	w.TB.Helper()
	w.index++
	_, err := w.Ledger.DeclareLost(w.MS, &c)
	w.must(err)
}

// End applies a device's word that an epoch is over.
func (w *World) End(c ledger.Seal) {
	w.TB.Helper()
	w.index++
	_, err := w.Ledger.Seal(w.MS, &c)
	w.must(err)
}

// On is the subject of a device's word about a stream of the default name.
func On(tenant, device, epoch string) ledger.Subject {
	return ledger.Subject{Key: frame.StreamKey{Tenant: tenant, Device: device, Stream: "0"}, Epoch: epoch}
}

// zeros is a hash that nothing has.
var zeros = hex.EncodeToString(make([]byte, 32))
