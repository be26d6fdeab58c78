package port

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	lookEvery  = time.Hour // at the files, when nobody connects
	warnEvery  = 24 * time.Hour
	warnWithin = 7 * 24 * time.Hour // of the end of a certificate
)

// credentials are the newest good reading of the files of TLS.
type credentials struct {
	files TLS
	node  string
	log   *slog.Logger

	reloads  prometheus.Counter
	failures prometheus.Counter

	mu      sync.Mutex // protects all below
	current *material
	seen    [3]os.FileInfo // the files when they were last read, well or not; nil: there was none
	warned  time.Time
}

func newCredentials(files TLS, node string, log *slog.Logger, r prometheus.Registerer) (*credentials, error) {
	f := promauto.With(r)
	c := &credentials{
		files: files, node: node, log: log,
		reloads: f.NewCounter(prometheus.CounterOpts(opts("certificate_reloads_total", "Changed certificates or CAs that were put in force."))),
		failures: f.NewCounter(prometheus.CounterOpts(opts("certificate_reload_failures_total",
			"Changed certificates or CAs that are broken: the ones before them stay in force until they expire."))),
	}
	c.seen = c.look()
	var err error
	if c.current, err = load(files, node); err != nil {
		return nil, err
	}
	f.NewGaugeFunc(prometheus.GaugeOpts(opts("certificate_expiry_seconds",
		"Time until the certificate of the cluster port, or the one that signed it, expires: renew it, the file is read again by itself.")),
		func() float64 { return time.Until(c.get().expires).Seconds() })
	c.warn(time.Now())
	return c, nil
}

// get returns what is in force, after a look at the files.
func (c *credentials) get() *material {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.look()
	if same(now, c.seen) {
		return c.current
	}
	c.seen = now
	fresh, err := load(c.files, c.node)
	if err != nil {
		c.failures.Inc()
		c.log.Error("new certificate or CA of the cluster port is broken: the old one stays in force", "err", err)
		return c.current
	}
	c.reloads.Inc()
	c.log.Info("certificate of the cluster port read again", "file", c.files.CertFile, "expires", fresh.expires)
	c.current, c.warned = fresh, time.Time{}
	return c.current
}

// watch looks at the files and at the end of what is in force while nobody connects.
func (c *credentials) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			c.get()
			c.warn(now)
		case <-ctx.Done():
			return
		}
	}
}

// warn says once a day that the end is near, or was.
func (c *credentials) warn(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.current.expires.Sub(now)
	if left > warnWithin || !c.warned.IsZero() && now.Sub(c.warned) < warnEvery {
		return
	}
	c.warned = now
	if left > 0 {
		c.log.Warn("certificate of the cluster port expires soon: make a new one", "file", c.files.CertFile, "expires", c.current.expires, "hours", int(left.Hours()))
	} else {
		c.log.Error("certificate of the cluster port has expired: no node accepts a new connection of this one", "file", c.files.CertFile, "expired", c.current.expires)
	}
}

// look is what the files are like now.
func (c *credentials) look() (seen [3]os.FileInfo) {
	for i, name := range []string{c.files.CertFile, c.files.KeyFile, c.files.CAFile} {
		if info, err := os.Stat(name); err == nil {
			seen[i] = info
		}
	}
	return seen
}

// same reports whether two looks found the same files, unchanged.
func same(a, b [3]os.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && !(os.SameFile(a[i], b[i]) && a[i].ModTime().Equal(b[i].ModTime()) && a[i].Size() == b[i].Size()) {
			return false
		}
	}
	return true
}
