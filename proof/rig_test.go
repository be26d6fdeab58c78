package proof

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// rig is some nodes with one replicated state, without Raft: everything around a Sealer. A command takes effect on all nodes at once, but for those
// that lag.
type rig struct {
	t testing.TB

	mu       sync.Mutex // protects all below
	log      *log
	changed  chan struct{}
	ledger   *ledger.Ledger
	ledgers  map[uint64][]byte // frozen at the cuts
	manifest *segment.Manifest
	files    map[segment.Name][]byte
	rows     []row // since the cut before
	nextSeq  map[string]uint64
	version  int
	interval time.Duration
	leader   int // place of the node that leads, -1: nothing can be committed
	nodes    []*node
	said     map[uint16]int // commands that were proposed, by kind

	witnesses []sign.VerifierKey // that nodes know when they start
	floors    int                // how many of the newest floors stay, 0: all
	flushing  int                // cuts that are refused from now on because a flush is under way
	stuck     bool               // so are overdue ones: two flushes are under way, and never end
	overdue   int                // cuts that came as overdue ones
	hashing   time.Duration      // of a block of a segment
	bytesRead atomic.Int64       // of segments
	began     time.Time          // the clock of the log goes with the node's since then; zero: it stands
}

type row struct {
	device string
	seq    uint64
	value  int64
}

// output is what a logger wrote.
type output struct {
	mu sync.Mutex // protects b
	b  strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Reset()
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func newRig(t testing.TB, n int) *rig {
	r := &rig{
		t: t, log: newLog(t, three[:n]...), changed: make(chan struct{}), ledger: ledger.New(ledger.Defaults()), ledgers: map[uint64][]byte{}, manifest: new(segment.Manifest).With(),
		files: map[segment.Name][]byte{}, nextSeq: map[string]uint64{}, version: 3, said: map[uint16]int{},
	}
	for i := range n {
		r.nodes = append(r.nodes, &node{r: r, server: three[i], fs: vfs.NewMem(), gone: map[uint64]bool{}, swapped: map[segment.Name]segment.Name{},
			broken: map[segment.Name]error{}, policy: []byte(`{"revision":1}`)})
	}
	return r
}

func (r *rig) start(t *testing.T) {
	for _, n := range r.nodes {
		n.start()
	}
	t.Cleanup(func() {
		for _, n := range r.nodes {
			n.kill()
			if t.Failed() {
				t.Logf("%s:\n%s", n.server, n.output.String())
			}
		}
	})
}

// store stores frames of a device, with a hole behind them.
func (r *rig) store(device string, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := frame.StreamKey{Tenant: "default", Device: device, Stream: "0"}
	id, err := r.ledger.Intern(key)
	if err != nil {
		r.t.Fatal(err)
	}
	r.log.index++
	for range count {
		seq := r.nextSeq[device]
		r.nextSeq[device]++
		r.ledger.Arrive(&frame.Group{Stream: id, Bits: 64}, r.log.ms, r.log.ms, &frame.Item{Seq: seq, TimeNS: int64(seq) * 1e9, Fingerprint: uint32(seq)})
		r.rows = append(r.rows, row{device, seq, int64(seq)})
	}
	r.nextSeq[device]++
	r.signal()
}

// now is the clock of the log. The caller holds mu.
func (r *rig) now() int64 {
	if !r.began.IsZero() {
		r.log.ms = max(r.log.ms, logBeganMS+time.Since(r.began).Milliseconds())
	}
	return r.log.ms
}

// signal tells everybody that the state is another one. The caller holds mu.
func (r *rig) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// flush makes the floor of a cut. The caller holds mu.
func (r *rig) flush() {
	var b bytes.Buffer
	if err := r.ledger.Freeze()(&b); err != nil {
		r.t.Fatal(err)
	}
	r.ledgers[r.log.index] = b.Bytes()
	if old := slices.Sorted(maps.Keys(r.ledgers)); r.floors > 0 && len(old) > r.floors {
		delete(r.ledgers, old[0])
	}
	if len(r.rows) > 0 {
		cuts := r.log.s.Cuts()
		c := cuts[len(cuts)-1]
		r.manifest = r.manifest.With(r.segment(r.rows, c.Ordinal, c.First, c.Last))
	}
	r.rows = nil
	for _, n := range r.nodes {
		if n.behind == nil {
			n.floor = r.log.index
		}
	}
}

// segment makes a segment of rows of an ordinal. The caller holds mu.
func (r *rig) segment(rows []row, ordinal uint32, first, last uint64) segment.Info {
	var b bytes.Buffer
	w := segment.NewWriter(&b, segment.Options{Cluster: "rig", History: 1, FirstIndex: first, LastIndex: last})
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(x, y row) int { return strings.Compare(x.device, y.device) })
	var err error
	for i, f := range rows {
		if i == 0 || rows[i-1].device != f.device {
			err = errors.Join(err, w.Begin(frame.StreamKey{Tenant: "default", Device: f.device, Stream: "0"}, 1))
		}
		rec := segment.Record{Row: segment.Row{Seq: f.seq, TimeNS: int64(f.seq) * 1e9, Index: first, Class: frame.ClassEvent, Seal: ordinal},
			Fields: []frame.Field{{Name: "v", Value: frame.Int(f.value)}}}
		err = errors.Join(err, w.Add(&rec))
	}
	info, finish := w.Finish()
	if err := errors.Join(err, finish); err != nil {
		r.t.Fatal(err)
	}
	r.files[info.Name] = b.Bytes()
	return info
}

// rowsOf reads a segment.
func (r *rig) rowsOf(info segment.Info) (rows []row, ordinal uint32) {
	s := r.reader(info.Name)
	err := s.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		_, err := s.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
			rows, ordinal = append(rows, row{key.Device, rec.Row.Seq, int64(rec.Fields[0].Value.Num)}), rec.Row.Seal
			return true
		})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return rows, ordinal
}

func (r *rig) reader(name segment.Name) *segment.Reader {
	b := r.files[name]
	s, err := segment.NewReader(&countingReader{bytes.NewReader(b), &r.bytesRead}, int64(len(b)), segment.ReaderOptions{Name: name})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// countingReader counts what is read.
type countingReader struct {
	*bytes.Reader
	read *atomic.Int64
}

func (c *countingReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.Reader.ReadAt(b, at)
	c.read.Add(int64(n))
	return n, err
}

// tick lets the clock of the log go on.
func (r *rig) tick(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.ms += d.Milliseconds()
	r.signal()
}

// change changes what is planted.
func (r *rig) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	r.signal()
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) { <-time.After(d) }

// until waits for something, for five minutes at most.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !holds(); r.pass(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, n := range r.nodes {
				r.t.Logf("%s: %+v", n.server, n.sealer.Status())
			}
			r.t.Fatalf("not within five minutes: %s", what)
		}
	}
}

// state is a copy of the section.
func (r *rig) state() *Section {
	r.mu.Lock()
	defer r.mu.Unlock()
	return copyOf(r.log.s)
}

// peek reads a counter of what nodes did.
func (r *rig) peek(counter *int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *counter
}

// times is how often a command was proposed.
func (r *rig) times(kind uint16) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said[kind]
}

// seal ends the open ordinal through a node.
func (r *rig) seal(n *node) Look {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	look, err := n.sealer.Seal(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return look
}

// settled waits until these nodes have signed the newest tree.
func (r *rig) settled(nodes ...*node) {
	r.t.Helper()
	for _, n := range nodes {
		r.until(n.server+" has signed", n.signed)
	}
}
