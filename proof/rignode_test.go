package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// node is one server. Its files survive a restart.
type node struct {
	r        *rig
	server   string
	fs       *vfs.Mem
	sealer   *Sealer
	registry *prometheus.Registry
	stop     func()
	output   output

	// What is planted; protected by the rig's mu.
	behind  *Section                          // the state as this node has it, nil: as it is
	floor   uint64                            // the newest that is published here
	gone    map[uint64]bool                   // floors
	swapped map[segment.Name]segment.Name     // segments in whose place it has others
	broken  map[segment.Name]error            // segments that it cannot open
	tamper  func(n int64, data []byte) []byte // of the records
	deaf    bool                              // it reaches no other node
	replays bool                              // it has not caught up since its start
	hang    chan struct{}                     // segments open when this is closed
	tweak   func(*ledger.Ledger)              // of what its floors have
	policy  []byte                            // in force
	limited int                               // bytes that hashing asked for
	looks   int
	records int // calls
	opened  int // segments
	ledgers int // that were asked for
}

// open makes a node's sealer on what is on its disk.
func (n *node) open() error {
	id, _, _ := strings.Cut(n.server, ".")
	var err error
	n.registry = prometheus.NewRegistry()
	n.sealer, err = New(Options{
		Catalog: n, FS: n.fs, Dir: "proof", Node: id, Server: n.server, Witnesses: n.r.witnesses,
		Logger: slog.New(slog.NewTextHandler(&n.output, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: n.registry, Limit: n.limit,
	})
	return err
}

// limit is Options.Limit.
func (n *node) limit(_ context.Context, size int) error {
	n.r.mu.Lock()
	n.limited += size
	slow := n.r.hashing
	n.r.mu.Unlock()
	n.r.pass(slow)
	return nil
}

// start runs a node until kill, or until the test ends.
func (n *node) start() {
	n.r.t.Helper()
	if err := n.open(); err != nil {
		n.r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { n.sealer.Run(ctx) })
	n.stop = func() { cancel(); running.Wait(); _ = n.sealer.Close(); n.stop = nil }
}

func (n *node) kill() {
	if n.stop != nil {
		n.stop()
	}
}

// replace puts another segment into a node's place of the newest one: with one value of a device changed.
func (n *node) replace(device string) (name segment.Name) {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	list := n.r.manifest.Segments()
	info := list[len(list)-1]
	rows, ordinal := n.r.rowsOf(info)
	for i := range rows {
		if rows[i].device == device {
			rows[i].value = 1 << 40
			break
		}
	}
	n.swapped[info.Name] = n.r.segment(rows, ordinal, info.FirstIndex, info.LastIndex).Name
	return info.Name
}

// Look implements Catalog.
func (n *node) Look() Look {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	n.looks++
	section := r.log.s
	if n.behind != nil {
		section = n.behind
	}
	l := Look{
		Active: r.version >= section.Since(), Leads: r.leader >= 0 && r.nodes[r.leader] == n, Votes: slices.Contains(r.log.voters, n.server), Voters: slices.Clone(r.log.voters), Section: *section, Replays: n.replays,
		Manifest: r.manifest, Floor: n.floor, NowMS: r.now(), Cluster: "k7q2m9x4", Interval: r.interval,
	}
	if len(n.swapped) > 0 {
		l.Manifest = n.manifest()
	}
	for _, other := range r.nodes {
		if other != n {
			l.Peers = append(l.Peers, other.server)
		}
	}
	return l
}

// manifest has the segments that are planted here. The caller holds the rig's mu.
func (n *node) manifest() *segment.Manifest {
	m := new(segment.Manifest).With()
	for _, info := range n.r.manifest.Segments() {
		if other, ok := n.swapped[info.Name]; ok {
			info.Name = other
		}
		m = m.With(info)
	}
	return m
}

// Changed implements Catalog.
func (n *node) Changed() <-chan struct{} {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	return n.r.changed
}

// Propose implements Catalog.
func (n *node) Propose(ctx context.Context, kind uint16, _ uint8, body []byte) error {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[kind]++
	if r.leader < 0 || ctx.Err() != nil {
		return errors.New("rig: no leader")
	}
	if kind == KindCut && r.flushing > 0 {
		r.flushing--
		return &Refusal{Code: CodeFlushUnderWay}
	}
	return r.commit(kind, body)
}

// ProposeOverdue implements Catalog.
func (n *node) ProposeOverdue(ctx context.Context, kind uint16, version uint8, body []byte) error {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[kind]++
	switch {
	case r.leader < 0 || r.nodes[r.leader] != n || ctx.Err() != nil:
		return errors.New("rig: this node does not lead")
	case kind != KindCut:
		return fmt.Errorf("rig: %d is no CUT", kind)
	case r.stuck:
		return &Refusal{Code: CodeFlushUnderWay}
	}
	r.overdue++
	return r.commit(kind, body)
}

// commit applies a command on all nodes. The caller holds mu.
func (r *rig) commit(kind uint16, body []byte) error {
	r.now()
	if code := r.log.applyBody(kind, body); code != "" {
		r.signal() // as a refused command moves the index
		return &Refusal{Code: code}
	}
	if kind == KindCut {
		r.flush()
	}
	r.signal()
	return nil
}

// Ledger implements Catalog.
func (n *node) Ledger(index uint64) (*ledger.Ledger, []byte, error) {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	n.ledgers++
	b, ok := n.r.ledgers[index]
	if !ok || n.gone[index] {
		return nil, nil, fmt.Errorf("rig: floor %d: %w", index, ErrNotCounted)
	}
	l := ledger.New(ledger.Defaults())
	err := l.Restore(bytes.NewReader(b))
	if n.tweak != nil {
		n.tweak(l)
	}
	return l, n.policy, err
}

// Segment implements Catalog.
func (n *node) Segment(name segment.Name) (*segment.Reader, func(), error) {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	if hang := n.hang; hang != nil {
		n.r.mu.Unlock()
		<-hang
		n.r.mu.Lock()
	}
	n.opened++
	if err := n.broken[name]; err != nil {
		return nil, nil, err
	}
	return n.r.reader(name), func() {}, nil
}

// Records implements Catalog: three at once.
func (n *node) Records(_ context.Context, from int64, fn func(n int64, data []byte) error) error {
	n.r.mu.Lock()
	all := n.r.log.records
	tamper := n.tamper
	n.records++
	n.r.mu.Unlock()
	for i := from; i < min(from+3, int64(len(all))); i++ {
		data := bytes.Clone(all[i])
		if tamper != nil {
			data = tamper(i, data)
		}
		if err := fn(i, data); err != nil {
			return err
		}
	}
	return nil
}

// Leaves implements Catalog.
func (n *node) Leaves(_ context.Context, server string, kind leaves.Kind, number uint64, offset int64, size int) ([]byte, error) {
	n.r.mu.Lock()
	i := slices.IndexFunc(n.r.nodes, func(other *node) bool { return other.server == server })
	deaf, other := n.deaf, n.r.nodes[i].sealer
	n.r.mu.Unlock()
	if deaf || other == nil {
		return nil, errors.New("rig: no answer")
	}
	return other.Archive().ReadRange(kind, number, offset, size)
}

// signed reports whether a node has signed the newest tree.
func (n *node) signed() bool {
	look := n.Look()
	return look.Section.Current().Size > 0 && look.Section.Signed(n.server)
}

// check makes sure that what a node has in its archive is what the log says of it, every byte of it.
func (n *node) check() error {
	for ordinal := uint32(1); ; ordinal++ {
		seal, _, ok := n.sealer.SealOf(ordinal)
		if !ok {
			return nil
		}
		f, err := n.sealer.Archive().Open(leaves.Strips, uint64(ordinal))
		if err != nil {
			return err
		}
		err = f.Check(context.Background())
		if hashText(f.Root()) != seal.Root || f.Count() != seal.Strips {
			err = errors.Join(err, fmt.Errorf("seal %d: root %s, the log says %s", ordinal, f.Root(), seal.Root))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
}
