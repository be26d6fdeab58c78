package gapless

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/raftfsm"
)

// devices is the registry as of now. It needs no lock afterwards.
func (n *Node) devices() (s registry.Snapshot) {
	n.state.View(func(v raftfsm.View) { s = registryOf(&v).Snapshot() })
	return s
}

// measureDevices registers the metrics of the registry.
func (n *Node) measureDevices() error {
	gauge := func(name, help string, read func(r *registry.Registry) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() (value float64) {
			n.state.View(func(v raftfsm.View) { value = read(registryOf(&v)) })
			return value
		})
	}
	for _, c := range []prometheus.Collector{
		gauge("gapless_registry_devices", "Devices that operators registered. At 1,000,000 no more are taken.",
			func(r *registry.Registry) float64 { return float64(r.Total()) }),
		gauge("gapless_registry_bytes", "Size of the registry of devices. At 512 MiB it takes only what makes it smaller.",
			func(r *registry.Registry) float64 { return float64(r.Bytes()) }),
	} {
		if err := n.cfg.Registerer.Register(c); err != nil {
			return fmt.Errorf("gapless: metrics of the registry: %w", err)
		}
	}
	return nil
}
