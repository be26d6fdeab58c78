package proof

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/tiles"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Catalog is the replicated state as this node has it, and the way to change it. It is called from several goroutines.
type Catalog interface {
	// Look is one consistent look.
	Look() Look
	// Changed is closed at the next change of the state.
	Changed() <-chan struct{}
	// Propose commits a command of the Section, wherever the log grows. It returns a refusal as a *Refusal, and an error also where the outcome is
	// unknown.
	Propose(ctx context.Context, kind uint16, version uint8, body []byte) error
	// ProposeOverdue is Propose on the leader, of a CUT that comes behind a flush that is under way, too, if that is only one.
	ProposeOverdue(ctx context.Context, kind uint16, version uint8, body []byte) error
	// Ledger reads the ledger and the policy in force out of the floor at an index. It is ErrNotCounted where that floor is not here.
	Ledger(index uint64) (l *ledger.Ledger, policy []byte, err error)
	// Segment opens a segment; release gives it back. It is ErrNotYet where that is on its way here.
	Segment(name segment.Name) (r *segment.Reader, release func(), err error)
	// Records gives the records of the log from number from on to fn, ascending, as many as there are or fewer.
	Records(ctx context.Context, from int64, fn func(n int64, data []byte) error) error
	// Leaves gives a range of another server's file of leaves, as it lies on its disk; io.EOF behind the end.
	Leaves(ctx context.Context, server string, kind leaves.Kind, number uint64, offset int64, n int) ([]byte, error)
}

// Look is the replicated state at one moment. It is immutable.
type Look struct {
	Active   bool              // the cluster's version has the proof
	Leads    bool              // this node may cut
	Votes    bool              // this node has a vote
	Replays  bool              // this node does not have yet all that was committed before it started
	Voters   []string          // servers with a vote, as the log has them
	Section  Section           // a copy
	Manifest *segment.Manifest // of the newest floor published here,
	Floor    uint64            // and its index
	NowMS    int64             // commit time
	Cluster  string            // cluster id
	Interval time.Duration     // between two cuts, 0: only on demand
	Peers    []string          // the other servers
}

// Options is what a Sealer works with. All but those with a default are required.
type Options struct {
	Catalog Catalog
	FS      vfs.FS // key files lie at its top: proof-<n>.key
	Dir     string // of the archive and the log's hashes
	Node    string
	Server  string

	Witnesses []sign.VerifierKey // keys of the outside ones that this node knows; of others it shows nothing

	Limit    func(ctx context.Context, n int) error // called before so many bytes of segments are read, and may wait; default: it does not
	Reserve  int64                                  // bytes that stay free on the disk; default 256 MiB, negative: none
	Now      func() time.Time                       // for cosignatures; default time.Now
	Interval time.Duration                          // between two looks when nothing changes; default 1 s
	Logger   *slog.Logger                           // default: nobody hears
	Metrics  prometheus.Registerer
}

// Sealer does one node's part of the proof: see the package. Run has one caller; other methods any.
type Sealer struct {
	opt     Options
	log     *slog.Logger
	trouble *complaints
	metrics *metrics
	archive *Archive
	keys    keyring
	cutting chan struct{} // who has put something in may cut on demand
	inPass  inPass        // of the goroutine that hashes
	putOff  putOff        // of the clerk

	mu       sync.Mutex             // protects all below, and is never held while the disk works: gauges and Status need it
	store    *tiles.Store           // another one only by the clerk, who alone changes it
	spoiled  bool                   // a reader found damage in the store
	index    logIndex               // of the records that were read
	moved    chan struct{}          // closed and replaced when this node has read a record or compared a root
	checked  uint32                 // ordinals up to this one were compared with their SEALs
	differs  map[uint32]*Difference // those of them in which this node's own root is not the cluster's
	census   *Difference            // in the newest census that was compared
	counted  map[uint32]merkle.Hash // which segments an ordinal was counted from, in this life
	taken    map[uint64]CensusRoot  // censuses, by index, of this life
	compared uint64                 // index of that
	gone     map[uint64]bool        // indexes whose floor was not here when the census was to be taken
	alarmed  uint32                 // ordinals up to this one were looked at for their CENSUS,
	alarms   bool                   // since that began
	disputed map[uint32]bool        // pending ordinals of which it was told that a majority says different censuses
	failed   map[task]failure       // what could not be counted or explained
	sayings  map[string]time.Time   // what this node has said, until when it is not repeated
	firstMS  int64                  // commit time when this node first saw the proof
	keyless  string                 // why the key of this node is not known, or not in use
	foreign  bool                   // because the log has another one of this server, which this node never had
}

// ErrNotYet says that something is on its way to this node: no trouble.
var ErrNotYet = errors.New("proof: not here yet")

// defaultReserve is as much as pulls of segments and merges leave free.
const defaultReserve = 256 << 20

// failure is what came of a task, which is left alone until a time.
type failure struct {
	until time.Time
	err   error
}

func (o Options) withDefaults() Options {
	if o.Limit == nil {
		o.Limit = func(context.Context, int) error { return nil }
	}
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// New opens the hashes of the log. Where the disk does not let it, the sealer begins without, and tries again: all that it has can be made anew, and
// the node has other work to do.
func New(opt Options) (*Sealer, error) {
	opt = opt.withDefaults()
	trouble := &complaints{log: opt.Logger, until: map[string]time.Time{}}
	s := &Sealer{
		opt: opt, log: opt.Logger, trouble: trouble, keys: keyring{fs: opt.FS}, moved: make(chan struct{}), cutting: make(chan struct{}, 1),
		archive: newArchive(opt.FS, opt.Dir, opt.Reserve, trouble),
		differs: map[uint32]*Difference{}, counted: map[uint32]merkle.Hash{}, taken: map[uint64]CensusRoot{}, gone: map[uint64]bool{},
		failed: map[task]failure{}, sayings: map[string]time.Time{}, disputed: map[uint32]bool{},
	}
	err := s.archive.open()
	if err == nil {
		s.store, err = openStore(opt.FS, opt.Dir)
	}
	if err != nil {
		trouble.warn("the proof begins without its files", err)
		s.store = tiles.Broken(err)
	}
	_, _, _ = s.keys.newest() // reads the key files, for whoever asks before the clerk does; that tells what is wrong with them
	if s.metrics, err = newMetrics(s, opt.Metrics); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	return s, nil
}

// Archive is what this node counted.
func (s *Sealer) Archive() *Archive { return s.archive }

// Store has the hashes of the log's records, as far as this node has followed it. It may be another one after a disk failed.
func (s *Sealer) Store() *tiles.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store
}

// Run works until ctx ends: one goroutine follows the log, compares and signs, one takes censuses, and one hashes, which takes long.
func (s *Sealer) Run(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { s.loop(ctx, s.censuses) })
	counting.Go(func() { s.loop(ctx, s.count) })
	s.loop(ctx, s.clerk)
	counting.Wait()
	s.metrics.unregister()
}

// Close closes the store. Run has returned.
func (s *Sealer) Close() error { return s.Store().Close() }

// loop calls a step until it has nothing to do, and again after each change of the state or of what this node knows.
func (s *Sealer) loop(ctx context.Context, step func(context.Context, *Look) (again bool, err error)) {
	for ctx.Err() == nil {
		changed, moved := s.opt.Catalog.Changed(), s.moves()
		look := s.opt.Catalog.Look()
		again, err := false, error(nil)
		if look.Active {
			again, err = step(ctx, &look)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			s.tell(err)
			changed, moved = nil, nil // not at once again
		case again:
			continue
		}
		s.idle(ctx, changed, moved)
	}
}

// tell says why there is nothing to do now.
func (s *Sealer) tell(err error) {
	if errors.Is(err, ErrNotYet) {
		s.log.Debug("the proof waits", "err", err)
		return
	}
	s.trouble.warn("the proof waits", err)
}

// lookPause is the least time between two looks with nothing to do: a busy log changes thousands of times a second.
const lookPause = 10 * time.Millisecond

func (s *Sealer) idle(ctx context.Context, changed, moved <-chan struct{}) {
	timer := time.NewTimer(s.opt.Interval)
	defer timer.Stop()
	select {
	case <-changed:
	case <-moved:
	case <-timer.C:
		return
	case <-ctx.Done():
		return
	}
	timer.Reset(lookPause)
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// moves is closed at the next thing that this node finds out.
func (s *Sealer) moves() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// Counted is the tree over the strips of an ordinal, as this node computed it.
func (s *Sealer) Counted(ordinal uint32) (Counted, bool) {
	return s.archive.Has(leaves.Strips, uint64(ordinal))
}
