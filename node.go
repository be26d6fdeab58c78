package gapless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ingest/influx"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/query/tail"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/raftfsm/port"
	"github.com/gaplessdb/gapless/segment/shelf"
	"github.com/gaplessdb/gapless/vfs"
)

// Node is one member of a cluster: its storage, its place in Raft, and its HTTP API.
type Node struct {
	cfg     Config
	log     *slog.Logger
	files   openFiles
	started time.Time // this process's node

	dir    vfs.FS
	lock   io.Closer
	id     identity
	cons   *consensus
	empty  bool // never took part in a cluster when it was opened
	joined bool // the identity says that entries were stored; owned by the writer of the log
	guard  *raftfsm.Guard
	port   *port.Port

	state      *raftfsm.State
	fsm        *raftfsm.FSM
	metrics    *raftfsm.Metrics
	proposer   *raftfsm.Proposer
	watchdog   raftfsm.Watchdog // owned by the leader loop
	peers      *peers
	membership membership
	shelf      *shelf.Shelf // segments
	floors     *floor.Store
	merges     *compact.Worker
	sealer     *proof.Sealer
	outside    *outsiders
	foreign    prometheus.Counter // commands of others that were not theirs

	flushedBytes atomic.Int64 // of segments

	tokens  *auth.Tokens
	ingest  *ingest.Handler
	influx  *influx.Door
	queries *query.API
	tail    *tail.API
	routes  []route
	server  *fasthttp.Server
	clients *clients

	entered    chan struct{}              // closed once Raft runs
	confirming turn                       // of who asks the others whether this node still leads,
	confirmed  agreement                  // and when the others were last asked and agreed; owned by whose turn it is
	tracing    chan struct{}              // has a token for each frame that is being proven
	reading    turn                       // of a few that read what this node counted, for other nodes
	flushing   turn                       // of the command with a flush point behind it that is on its way
	flushed    chan struct{}              // says that a floor was published; holds one token
	healing    atomic.Pointer[divergence] // what the next opening of Raft must mend first
	reopen     chan struct{}              // asks the leader loop to open Raft anew; holds one token
	waiting    atomic.Pointer[string]
	fatal      sync.Once
	failed     atomic.Bool // fatal was told
	replayed   atomic.Bool // the state has all that was committed when Raft began to run

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// Open starts a node and returns once its HTTP API answers; /readyz tells when it takes frames. Close ends it.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, log: cfg.Logger.With("node", cfg.Node), membership: membership{changing: newTurn()}, flushing: newTurn(), confirming: newTurn(),
		tracing: make(chan struct{}, tracesAtOnce), reading: make(turn, leavesAtOnce), foreign: foreignCommands(),
		started: cfg.Clock(), entered: make(chan struct{}), reopen: make(chan struct{}, 1), flushed: make(chan struct{}, 1),
	}
	var err error
	if n.files, err = n.cfg.shareOpenFiles(); err != nil {
		return nil, err
	}
	n.log.Info("open files", "limit", n.files.limit, "http_connections", n.files.clients, "segments", n.files.segments, "calls", n.files.calls, "incoming", n.files.incoming)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.setWaiting("starting")
	if err = n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open() error {
	for _, part := range []func() error{n.openData, n.openState, n.openPort, n.openMerges, n.openProof, n.openWitnesses, n.openHTTP} {
		if err := part(); err != nil {
			return err
		}
	}
	n.tasks.Go(n.flush)
	n.tasks.Go(n.pollPeers)
	n.tasks.Go(n.run)
	return nil
}

// openData opens what lies in the data directory, and says whether that is empty.
func (n *Node) openData() (err error) {
	if n.dir, err = n.cfg.Machine.Files(n.cfg.Data); err != nil {
		return err
	}
	if n.lock, err = n.dir.Lock(lockFile); err != nil {
		return fmt.Errorf("gapless: data directory %s: %w: is another node running on it?", n.cfg.Data, err)
	}
	if n.id, err = loadIdentity(n.dir, n.cfg.Cluster, n.cfg.Node); err != nil {
		return err
	}
	if n.cons, err = openStores(&n.cfg, n.dir); err != nil {
		return err
	}
	n.joined = n.id.Joined
	if err = n.openFloors(); err != nil {
		return err
	}
	n.empty, err = n.prepare()
	return err
}

// openState makes the state, still without a command, and what stands around it.
func (n *Node) openState() error {
	n.metrics = raftfsm.NewMetrics(n.cfg.Registerer)
	n.guard = raftfsm.NewGuard(n.cfg.FenceAfter, n.metrics, n.fail)
	n.state = raftfsm.NewState(Sections)
	n.fsm = raftfsm.NewFSM(n.state, n.log, n.metrics, n.wantSegments, n.fail)
	n.proposer = raftfsm.NewProposer(n.state, n.metrics, n.cfg.MaxQueueBytes)
	n.peers = newPeers()
	return nil
}

// openPort listens where the other nodes call.
func (n *Node) openPort() (err error) {
	n.port, err = port.Listen(port.Options{
		Addr: n.cfg.Listen, Advertise: n.cfg.Advertise, Cluster: n.cfg.Cluster, ClusterID: n.id.ClusterID, Server: n.id.server(),
		Listen: n.cfg.Machine.Listen, Dial: n.cfg.Machine.Dial, TLS: n.cfg.clusterTLS(), Logger: n.log, Registerer: n.cfg.Registerer, Handler: n.answer,
		MaxCalls: n.files.calls, MaxConns: n.files.incoming,
	})
	return err
}

// run enters the cluster and then follows leadership until Close.
func (n *Node) run() {
	defer n.proposer.End() // Close ends one, too, but this loop may just have begun another
	if err := n.enter(n.ctx); err != nil {
		if n.ctx.Err() == nil {
			n.fail(err)
		}
		return
	}
	n.tasks.Go(n.register)
	n.tasks.Go(n.keepFloors)
	n.tasks.Go(n.pull)
	n.tasks.Go(func() { n.merges.Run(n.ctx) })
	n.tasks.Go(n.replay)
	n.tasks.Go(func() { n.sealer.Run(n.ctx) })
	n.tasks.Go(func() { n.outside.Run(n.ctx) })
	for n.followLeadership() {
		if err := n.reopenConsensus(); err != nil {
			n.fail(err)
			return
		}
	}
}

// fail reports the fault after which this node must not go on. Raft may still have something to say to its stores when it has ended and they are
// closed: that is none.
func (n *Node) fail(err error) {
	if n.cons != nil && n.cons.closed.Load() {
		n.log.Info("fault after the stores were closed", "err", err)
		return
	}
	n.fatal.Do(func() {
		n.log.Error("fatal", "err", err)
		n.failed.Store(true)
		if n.cons != nil && n.cons.running.Load() != nil {
			n.cons.running.Load().Abandon()
		}
		n.cfg.OnFatal(err)
	})
}

// Close ends the node; a leader hands over first. Frames that were not acknowledged may or may not be committed.
func (n *Node) Close() error {
	n.handOver()
	n.cancel()
	errs := n.closeHTTP()
	if n.proposer != nil {
		n.state.Close() // apply may wait for a flush
		n.proposer.End()
	}
	if n.port != nil {
		errs = closing(errs, n.port)
	}
	n.tasks.Wait()
	if n.cons != nil {
		errs = errors.Join(errs, n.cons.close())
	}
	if n.sealer != nil {
		errs = closing(errs, n.sealer)
	}
	if n.shelf != nil {
		errs = closing(errs, n.shelf)
	}
	if n.floors != nil {
		errs = closing(errs, n.floors)
	}
	if n.lock != nil {
		errs = closing(errs, n.lock)
	}
	return errs
}

// handOver gives leadership to a node that is up to date, so that the others need no election. It takes an election timeout at most.
func (n *Node) handOver() {
	if r := n.raft(); r != nil && !n.failed.Load() && r.State() == raft.Leader && len(n.followers()) > 0 {
		if err := r.LeadershipTransfer().Error(); err != nil {
			n.log.Info("leadership not handed over", "err", err)
		}
	}
}

// closing closes what is left after err and joins what that says.
func closing(err error, closers ...io.Closer) error {
	for _, c := range closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// HTTPAddr is the address the HTTP API listens on.
func (n *Node) HTTPAddr() string { return n.clients.Addr().String() }

// setWaiting says why this node is not in its cluster yet, "" once it is.
func (n *Node) setWaiting(why string) { n.waiting.Store(&why) }

// raft returns Raft once it runs, nil before.
func (n *Node) raft() *raftfsm.Instance {
	select {
	case <-n.entered:
		return n.cons.running.Load()
	default:
		return nil
	}
}
