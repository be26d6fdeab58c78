package gapless

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
)

// Merging is how a node merges segments beyond what its configuration file says. The zero value is right for everything but tests.
type Merging struct {
	Interval    time.Duration // between two looks for something to do
	PatienceFor time.Duration // of a leader with nodes that are silent
	GiveUpAfter time.Duration // of a leader with a merge
	AtOnce      bool          // replaced segments go with the next flush, whatever retire_after says
	Rebuild     bool          // whoever verifies a merge also makes it again: equal inputs must make equal files
}

// retireAfter is how long a segment that a merge replaced stays.
func (n *Node) retireAfter() time.Duration {
	if n.cfg.Merging.AtOnce {
		return -1
	}
	return n.cfg.RetireAfter
}

// openMerges makes the worker, which merges nothing before Run.
func (n *Node) openMerges() (err error) {
	n.merges, err = compact.New(compact.Options{
		Catalog: &catalog{n}, Shelf: n.shelf, Fetch: n.fetchSegment, Server: n.id.server(), Pressure: n.state.Pressure,
		BytesPerSecond: n.cfg.MergeBytesPerSec, Logger: n.log, Metrics: n.cfg.Registerer,
		Interval: n.cfg.Merging.Interval, PatienceFor: n.cfg.Merging.PatienceFor, GiveUpAfter: n.cfg.Merging.GiveUpAfter, Rebuild: n.cfg.Merging.Rebuild,
	})
	if err != nil {
		return err
	}
	return n.measureMerges()
}

// flushedSegment hears of every segment of a flush.
func (n *Node) flushedSegment(info segment.Info) error {
	n.flushedBytes.Add(info.Bytes)
	return n.shelf.Added(info)
}

// measureMerges registers what only the node as a whole can tell of merging.
func (n *Node) measureMerges() error {
	gauge := func(name, help string, read func(m *segment.Manifest, p compact.Policy) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_merge_" + name, Help: help}, func() float64 {
			look := (&catalog{n}).state()
			return read(look.Manifest, look.Policy)
		})
	}
	for _, c := range []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gapless_merge_flushed_bytes_total", Help: "Bytes of segments that flushes wrote. Beside gapless_merge_written_bytes_total it shows what merging costs."},
			func() float64 { return float64(n.flushedBytes.Load()) }),
		gauge("space_amplification", "Bytes of segment files here for each byte that the manifest lists. Well above 2 for long: replaced segments are not removed.",
			func(m *segment.Manifest, _ compact.Policy) float64 {
				return float64(n.shelf.Bytes()) / float64(max(1, m.Bytes()))
			}),
		gauge("window_segments_mean", "Segments that lie in a time window, on average. What a query of one window has to open; high: merging does not keep pace.",
			func(m *segment.Manifest, p compact.Policy) float64 { mean, _ := compact.Spread(m, p); return mean }),
		gauge("window_segments_max", "Segments that lie in the window that has most of them.",
			func(m *segment.Manifest, p compact.Policy) float64 {
				_, most := compact.Spread(m, p)
				return float64(most)
			}),
	} {
		if err := n.cfg.Registerer.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// catalog is the replicated state as the worker sees it.
type catalog struct{ n *Node }

// Section implements compact.Catalog.
func (c *catalog) Section() (s compact.Section) {
	c.n.state.View(func(v raftfsm.View) { s = *mergesOf(&v) })
	return s
}

// Look implements compact.Catalog.
func (c *catalog) Look() compact.Look {
	l := c.state()
	l.Leads = l.Leads && c.n.proposer.Term() != 0
	heard := []string{c.n.id.server()}
	for _, h := range c.n.peers.fresh(time.Now()) {
		heard = append(heard, h.status.Server)
	}
	for _, s := range c.n.servers() {
		if s.Suffrage != raft.Voter {
			continue
		}
		l.Voters = append(l.Voters, string(s.ID))
		if slices.Contains(heard, string(s.ID)) {
			l.Live = append(l.Live, string(s.ID))
		}
	}
	slices.Sort(l.Voters)
	slices.Sort(l.Live)
	return l
}

// state is what a Look takes from the state.
func (c *catalog) state() (l compact.Look) {
	c.n.state.View(func(v raftfsm.View) {
		section := mergesOf(&v)
		l = compact.Look{
			Leads: v.Members.Version() >= section.Since(), Section: *section, Manifest: v.Manifest, Floor: v.Floor, Sealed: len(v.Sealed), Policy: mergePolicy(&v.Policy),
		}
	})
	return l
}

// Propose implements compact.Catalog.
func (c *catalog) Propose(ctx context.Context, kind uint16, version uint8, body []byte) error {
	_, _, err := c.n.ProposeCommand(ctx, kind, version, body)
	var refused *ingest.RefusedError
	if errors.As(err, &refused) {
		return &compact.Refusal{Code: refused.Code, Message: refused.Message, Hint: refused.Hint, Conflict: true}
	}
	return err
}

// mergesOf is the section of merges of a state.
func mergesOf(v *raftfsm.View) *compact.Section {
	return v.Section(compact.SectionName).(*compact.Section)
}

// mergePolicy is the part of the policy that merging follows.
func mergePolicy(p *raftfsm.Policy) compact.Policy {
	m := p.Merge.WithDefaults()
	return compact.Policy{Off: m.Off, WindowNS: m.WindowMS * int64(time.Millisecond), FanIn: m.FanIn, MaxBytes: m.MaxBytes}
}
