package floor

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configures a store. The zero value is ready to use.
type Options struct {
	// Keep is how many floors stay. Default 2: the newest, and one to go back to when it is damaged.
	Keep int

	// LogComplete says that the log reaches back to its first entry, so that a node whose floors are all damaged can replay it. Open
	// then starts without any instead of refusing with ErrUnusable.
	LogComplete bool

	// OnFatal is called once, when after Open a sync or a change of names has failed and nothing more will be written (ErrSync). The owner
	// ends the process: the library only logs the errors of a sink. Default: nobody is told. It must not call the store.
	OnFatal func(error)

	// Logger hears of damage, installs and replacements. Default: nobody does.
	Logger *slog.Logger

	// Metrics registers the metrics of this store until Close; nil registers none.
	Metrics prometheus.Registerer
}

const defaultKeep = 2

func (o Options) withDefaults() Options {
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnFatal == nil {
		o.OnFatal = func(error) {}
	}
	return o
}
