package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/cmd/gapless/fleet"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
)

// Files that the demo leaves for who wants to check for himself.
const (
	bundleFile = "certificate.tar"
	policyFile = "policy"
	pageFile   = "certificate.html"
)

// certifyTimeout bounds the making of a certificate: the nodes count and hash all that they have.
const certifyTimeout = 2 * time.Minute

// certify lets a node certify the whole fleet, checks the certificate offline against the segments in it, and holds what it states against what was
// found frame by frame.
func (c *cluster) certify(ctx context.Context, d *directory, want *fleet.Result, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, certifyTimeout)
	defer cancel()
	url := c.nodes[0].url
	if err := fetch(ctx, http.MethodPost, url+"/v1/certificates?format=tar&segments=true", `{"prefix":""}`, d.file(bundleFile)); err != nil {
		return err
	}
	if err := fetch(ctx, http.MethodGet, url+"/v1/proof/policy", "", d.file(policyFile)); err != nil {
		return err
	}
	report, err := check(ctx, d.file(bundleFile), d.file(policyFile))
	if err != nil {
		return err
	}
	if report.Verdict == "" {
		last := report.Checks[len(report.Checks)-1]
		return fmt.Errorf("demo: the certificate does not hold: code %d: %s: %s", report.Code, last.Name, last.Text)
	}
	s := report.Certificate.Statement
	if s.Stored != want.Stored || s.Missing != want.Missing {
		return fmt.Errorf("demo: the certificate states %d frames and %d missing numbers, found were %d and %d", s.Stored, s.Missing, want.Stored, want.Missing)
	}
	if err := writePage(report.Certificate, d.file(pageFile)); err != nil {
		return err
	}
	fmt.Fprintf(out, "CERTIFIED: %s, %d frames and %d missing numbers of %d devices, hashed again from the segments and signed by a majority\n",
		report.Verdict, s.Stored, s.Missing, s.Devices)
	fmt.Fprintf(out, "  to read   %s\n  to check  bin/gapless verify %s --policy %s\n", d.file(pageFile), d.file(bundleFile), d.file(policyFile))
	return nil
}

// fetch writes an answer into a file.
func fetch(ctx context.Context, method, url, body, name string) (err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("demo: %s: %w", url, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("demo: %s answered %d %s", url, res.StatusCode, text)
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := io.Copy(f, res.Body); err != nil {
		_ = f.Close()
		return fmt.Errorf("demo: %s: %w", url, err)
	}
	return f.Close()
}

// check verifies a bundle as `gapless verify` does.
func check(ctx context.Context, bundle, policy string) (*verify.Report, error) {
	f, err := os.Open(bundle)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	b, err := certificate.OpenBundle(f, info.Size())
	if err != nil {
		return nil, err
	}
	keys, err := os.ReadFile(policy)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	report := verify.Run(ctx, verify.Input{Certificate: b.Certificate, Policy: keys, Files: verify.Bundle(b)})
	return &report, nil
}

func writePage(c *certificate.Certificate, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := c.Page(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
