package port

import (
	"context"
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The end of a certificate is announced from a week before, once a day, and shown all the time.
func TestExpiryIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		ca := newAuthority(t)
		until := func(at time.Duration) func(*x509.Certificate) {
			return func(c *x509.Certificate) { c.NotAfter = time.Now().Add(at) }
		}
		ca.Cert.NotAfter = time.Now().Add(1000 * day)
		files := ca.equip(t, "n1", until(10*day))
		var log journal
		reg := prometheus.NewRegistry()
		c, err := newCredentials(*files, "n1", slog.New(slog.NewTextHandler(&log, nil)), reg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go c.watch(ctx)
		lines := func(of string) int { synctest.Wait(); return strings.Count(log.String(), of) }

		if got := expiry(t, reg); got != (10 * day).Seconds() {
			t.Errorf("%v seconds left, want %v", got, (10 * day).Seconds())
		}
		time.Sleep(3*day - time.Second)
		if n := lines("expires soon"); n != 0 {
			t.Errorf("%d warnings before the last week", n)
		}
		time.Sleep(7 * day)
		if n := lines("expires soon"); n != 7 {
			t.Errorf("%d warnings in the last week, want one a day:\n%s", n, &log)
		}
		time.Sleep(day)
		if lines("has expired") != 1 || expiry(t, reg) >= 0 {
			t.Errorf("after its end: %v seconds left, log:\n%s", expiry(t, reg), &log)
		}
	})
}

// A new certificate is found without anybody connecting, and a CA that ends before it counts.
func TestWatchReadsNewFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newAuthority(t) // for 1000 hours
		files := ca.equip(t, "n1")
		reg := prometheus.NewRegistry()
		c, err := newCredentials(*files, "n1", slog.New(slog.DiscardHandler), reg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go c.watch(ctx)
		cert, key := ca.Issue(t, "n1", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(2000 * time.Hour) })
		replace(t, files.CertFile, cert)
		replace(t, files.KeyFile, key)
		time.Sleep(lookEvery)
		synctest.Wait()
		c.mu.Lock()
		left := time.Until(c.current.expires)
		c.mu.Unlock()
		if left != 999*time.Hour {
			t.Errorf("%v left, want the CA's 999 hours", left)
		}
	})
}

func expiry(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "gapless_port_certificate_expiry_seconds" {
			return f.Metric[0].Gauge.GetValue()
		}
	}
	t.Fatal("no metric of the expiry")
	return 0
}
