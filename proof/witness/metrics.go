package witness

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/proof/sign"
)

// metrics of a Worker, each by witness.
type metrics struct {
	registerer prometheus.Registerer
	asked      *prometheus.CounterVec
	cosigned   *prometheus.CounterVec
	refused    *prometheus.CounterVec
	records    *prometheus.GaugeVec
	alarm      *prometheus.GaugeVec
	all        []prometheus.Collector
}

func newMetrics(r prometheus.Registerer, targets []*target) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_witness_" + name, Help: help}, append([]string{"witness"}, labels...))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gapless_witness_" + name, Help: help}, []string{"witness"})
	}
	m := &metrics{
		registerer: r,
		asked:      counter("asked_total", "Times that this node, as leader, showed a checkpoint to an outside witness."),
		cosigned:   counter("cosigned_total", "Checkpoints that a witness cosigned."),
		refused: counter("refused_total", "Times that no cosignature came of it, by reason. "+
			"A rise of unknown_log or unknown_key means that the witness's operator has to add this log or a node's key.", "reason"),
		records: gauge("records", "Records of the newest checkpoint that the witness cosigned, as the leader knows. "+
			"Behind gapless_proof_checkpoint_records for long: nobody outside vouches for what is new."),
		alarm: gauge("other_history", "1 while the witness holds that it cosigned another history of this log than the leader has. "+
			"Anything but 0 is an alarm: somebody rewrote the log, or the witness is broken."),
	}
	m.all = []prometheus.Collector{m.asked, m.cosigned, m.refused, m.records, m.alarm}
	for _, t := range targets {
		m.asked.WithLabelValues(t.key.Name)
		m.cosigned.WithLabelValues(t.key.Name)
		m.alarm.WithLabelValues(t.key.Name)
	}
	if r == nil {
		return m, nil
	}
	for i, c := range m.all {
		if err := r.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return nil, fmt.Errorf("witness: metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) unregister() {
	for _, c := range m.all {
		if m.registerer != nil {
			m.registerer.Unregister(c)
		}
	}
}

// Reasons why there is no cosignature.
const (
	reasonHistory    = "history"     // the witness has seen another history
	reasonAhead      = "ahead"       // it cosigned a newer checkpoint
	reasonUnknownLog = "unknown_log" // its operator has to add the log
	reasonUnknownKey = "unknown_key" // its operator has to add a node's key
	reasonBadRequest = "bad_request" // it cannot read what we send
	reasonOverloaded = "overloaded"  // it asks for time, or has a fault
	reasonStatus     = "status"      // an answer that means nothing here
	reasonSignature  = "signature"   // what it signed is not what it was asked for, or with another key
	reasonProof      = "proof"       // this node could not prove that its log grew
	reasonCommit     = "commit"      // the cluster did not take what it signed
	reasonNetwork    = "network"     // no answer
)

func reasonOf(err error) string {
	var refused *RefusedError
	switch {
	case errors.As(err, new(*HistoryError)):
		return reasonHistory
	case errors.As(err, new(*AheadError)):
		return reasonAhead
	case errors.As(err, new(*sign.SignatureError)):
		return reasonSignature
	case errors.Is(err, errNoProof):
		return reasonProof
	case errors.Is(err, errNotHandedIn):
		return reasonCommit
	case !errors.As(err, &refused):
		return reasonNetwork
	case refused.Temporary():
		return reasonOverloaded
	}
	switch refused.Status {
	case http.StatusNotFound:
		return reasonUnknownLog
	case http.StatusForbidden:
		return reasonUnknownKey
	case http.StatusBadRequest:
		return reasonBadRequest
	}
	return reasonStatus
}
