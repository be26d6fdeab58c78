package proof

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
)

// metrics are a sealer's figures.
type metrics struct {
	registerer     prometheus.Registerer
	all            []prometheus.Collector
	censusSeconds  prometheus.Histogram
	contentSeconds prometheus.Histogram
	frames         prometheus.Counter
	rebuilt        prometheus.Counter
	uncounted      prometheus.Counter
}

func newMetrics(s *Sealer, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gapless_proof_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_proof_" + name, Help: help})
	}
	gauge := func(name, help string, read func(look *Look) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_proof_" + name, Help: help}, func() float64 {
			look := s.opt.Catalog.Look()
			return read(&look)
		})
	}
	m.censusSeconds = seconds("census_seconds", "How long it took to count every stream at the end of a seal.")
	m.contentSeconds = seconds("content_seconds", "How long it took to hash the frames of one or more seals.")
	m.frames = counter("hashed_frames_total", "Frames that were hashed.")
	m.rebuilt = counter("log_rebuilds_total", "Times that the hashes of the log did not fit the log and were made again.")
	m.uncounted = counter("uncounted_total", "Seals that were done with and have no census, as this process saw it. Anything but 0 is an alarm: the nodes' ledgers differ, or no majority took one.")
	m.all = []prometheus.Collector{m.censusSeconds, m.contentSeconds, m.frames, m.rebuilt, m.uncounted, &archiveBytes{s},
		gauge("signs", "1: the log has this node's key, and it objects to nothing that is to be signed. 0 for long on a node with a vote is an alarm: GET /v1/proof tells why.", s.signs),
		gauge("foreign_key", "1: somebody made a key known in this node's name, an alarm.", func(*Look) float64 { return oneIf(s.isForeign()) }),
		gauge("pending_seals", "Ended seals that wait for the roots or the censuses of a majority. More than a few for long: nodes are away, or differ.",
			func(look *Look) float64 { return float64(len(look.Section.Cuts())) }),
		gauge("disputed_censuses", "Ended seals of which a majority of the nodes has said a census, and no majority the same one. Anything but 0 for longer than a moment is an alarm: the nodes' ledgers differ.",
			func(look *Look) float64 { return float64(look.disputedCensuses()) }),
		gauge("sealed_ordinal", "The newest seal that is in the log.", func(look *Look) float64 { return float64(look.Section.SealedThrough()) }),
		gauge("counted_ordinal", "The newest seal that has a census in the log.", func(look *Look) float64 { return float64(look.Section.CountedThrough()) }),
		gauge("census_age_seconds", "How old the newest census in a checkpoint is, in the time of the log: certificates are as of then. 0 before there is one.", s.censusAge),
		gauge("tree_records", "Records of the tree that the nodes sign at the moment. checkpoint_records below it for long: no majority signs.",
			func(look *Look) float64 { return float64(look.Section.Current().Size) }),
		gauge("log_records", "Records in the log.", func(look *Look) float64 { return float64(look.Section.LogSize()) }),
		gauge("checkpoint_records", "Records that the newest checkpoint covers.", func(look *Look) float64 { return float64(look.Section.newest.Size) }),
		gauge("differences", "Seals of which this node computed another root than the cluster. Anything but 0 is an alarm: a segment or this binary is at fault, and this node does not sign.",
			func(*Look) float64 { return float64(len(s.Differences())) }),
	}
	for i, c := range m.all {
		if err := r.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return nil, fmt.Errorf("proof: metrics: %w", err)
		}
	}
	return m, nil
}

// censusAge is how old the newest census in a checkpoint is.
func (s *Sealer) censusAge(look *Look) float64 {
	c, _, ok := s.CensusOf(look.Section.newest.Index)
	if !ok {
		return 0
	}
	at, err := record.ParseTime(c.At)
	if err != nil {
		return 0
	}
	return time.UnixMilli(look.NowMS).Sub(at).Seconds()
}

// archiveBytes is the metric of what lies on the disk.
type archiveBytes struct{ s *Sealer }

var bytesDesc = prometheus.NewDesc("gapless_proof_bytes", "Bytes of what this node counted (strips, which stay; censuses) and of the hashes of the log.", []string{"kind"}, nil)

// Describe implements prometheus.Collector.
func (b *archiveBytes) Describe(ch chan<- *prometheus.Desc) { ch <- bytesDesc }

// Collect implements prometheus.Collector.
func (b *archiveBytes) Collect(ch chan<- prometheus.Metric) {
	for kind, n := range b.s.Bytes() {
		ch <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(n), kind)
	}
}

// Bytes is what lies on this node's disk: files that were not looked into yet in this life are not in it.
func (s *Sealer) Bytes() map[string]int64 {
	return map[string]int64{
		leaves.Strips.String(): s.archive.Bytes(leaves.Strips), leaves.Census.String(): s.archive.Bytes(leaves.Census), "log": s.Store().Bytes(),
	}
}

func (m *metrics) unregister() {
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}
