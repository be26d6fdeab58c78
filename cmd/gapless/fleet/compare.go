package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Compare reads a truth file, asks every server (base addresses) for what it has, and returns where they disagree. The fleet must
// be alone on the cluster: a device that the truth does not know is invented, unless its name starts with '_' (the cluster's own).
// An error means that no comparison was possible.
func Compare(ctx context.Context, servers []string, truthFile io.Reader) (*Result, error) {
	t, err := readTruth(truthFile)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * devicesAtOnce}
	defer transport.CloseIdleConnections()
	c := &comparison{
		api: api{http: &http.Client{Transport: transport}, position: t.position}, servers: servers, truth: t,
		Result: &Result{Seed: t.seed, Nodes: len(servers), Devices: len(t.devices()), Lives: len(t.ordered)},
	}
	for _, step := range []func(context.Context) error{c.acknowledgements, c.ledgers, c.devices, c.everyDevice, c.totals} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	c.sort()
	return c.Result, nil
}

// comparison is one run of Compare.
type comparison struct {
	api
	*Result
	servers []string
	truth   *truth
}

// acknowledgements counts the truth and reports what the run itself saw wrong.
func (c *comparison) acknowledgements(context.Context) error {
	for _, l := range c.truth.ordered {
		c.Acked += uint64(len(l.sums))
		c.Lost += numbers(l.lost)
		c.Declared += numbers(l.declared)
		c.Repeats += uint64(l.repeats)
		c.Conflicts += uint64(l.conflicts)
		c.Retried += uint64(l.retried)
		of := life{first: l.first, last: l.last}
		c.Wraps += of.wraps(l.bits)
		if l.ordinal > 1 {
			c.Reboots++
		}
	}
	c.Sent = c.Acked + c.Repeats + c.Conflicts
	for _, odd := range c.truth.odd {
		c.differ(Difference{Kind: kindAnswer, Device: odd.Device, Stream: odd.Stream, Epoch: odd.Epoch, Detail: odd.Note})
	}
	return nil
}

// settleTime bounds how long the nodes' ledgers may differ while gaps are being finalised.
const settleTime = 30 * time.Second

// ledgers waits until every node shows the same ledger at or behind the last position, and holds it to balance. Two nodes that
// show different ledgers at the same index differ for good.
func (c *comparison) ledgers(ctx context.Context) error {
	for deadline := time.Now().Add(settleTime); ; {
		answers := make([]ledgerAnswer, len(c.servers))
		if err := c.onEach(func(i int) error { return c.get(ctx, c.servers[i], "/v1/ledger", nil, &answers[i]) }); err != nil {
			return err
		}
		verdict := disagreement(answers)
		if verdict == "" {
			c.Digest = answers[0].Digest
			for i := range answers {
				for _, path := range answers[i].unbalanced() {
					c.differ(Difference{Kind: kindLedger, Node: c.servers[i], Detail: "does not balance: " + path})
				}
			}
			return nil
		}
		if time.Now().After(deadline) || sameIndex(answers) {
			c.differ(Difference{Kind: kindLedger, Detail: verdict})
			return nil
		}
		if err := sleep(ctx, readPause); err != nil {
			return err
		}
	}
}

// disagreement returns how ledgers differ, "" when they do not.
func disagreement(answers []ledgerAnswer) string {
	for i := range answers {
		if answers[i].Digest == "" {
			return "a node shows no digest"
		}
		if answers[i].Digest != answers[0].Digest {
			return fmt.Sprintf("nodes differ: %.16s %v, %.16s %v", answers[0].Digest, answers[0].AsOf, answers[i].Digest, answers[i].AsOf)
		}
	}
	return ""
}

func sameIndex(answers []ledgerAnswer) bool {
	for i := range answers {
		if len(answers[i].AsOf) == 0 || !slices.Equal(answers[i].AsOf, answers[0].AsOf) {
			return false
		}
	}
	return true
}

// onEach runs fn for each server at the same time.
func (c *comparison) onEach(fn func(i int) error) error {
	errs := make([]error, len(c.servers))
	var wg sync.WaitGroup
	for i := range c.servers {
		wg.Go(func() { errs[i] = fn(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// devices compares the list of devices on every node.
func (c *comparison) devices(ctx context.Context) error {
	want := c.truth.devices()
	for _, server := range c.servers {
		left := map[string]bool{}
		for _, device := range want {
			left[device] = true
		}
		err := c.pages(ctx, server, "/v1/devices", nil, func(p *page) error {
			for _, d := range p.Devices {
				if !left[d.Device] && d.Device != "" && d.Device[0] != '_' {
					c.differ(Difference{Kind: kindDevice, Node: server, Device: d.Device, Detail: "nobody sent from it, or it is listed twice"})
				}
				delete(left, d.Device)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for device := range left {
			c.differ(Difference{Kind: kindDevice, Node: server, Device: device, Detail: "not listed"})
		}
	}
	return nil
}

// everyDevice judges all devices, a few at a time.
func (c *comparison) everyDevice(ctx context.Context) error {
	names := make(chan string)
	errs := make([]error, devicesAtOnce)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for device := range names {
				if errs[i] == nil {
					errs[i] = c.device(ctx, device)
				}
				if errs[i] != nil {
					cancel()
				}
			}
		})
	}
	for _, device := range c.truth.devices() {
		names <- device
	}
	close(names)
	wg.Wait()
	return errors.Join(errs...)
}

// totals compares the fleet's sums on every node.
func (c *comparison) totals(ctx context.Context) error {
	expected := c.Acked + c.Lost + c.Declared
	for _, server := range c.servers {
		var p page
		if err := c.get(ctx, server, "/v1/gaps", url.Values{"prefix": {devicePrefix}, "limit": {"1"}}, &p); err != nil {
			return err
		}
		if p.Totals == nil {
			c.differ(Difference{Kind: kindTotals, Node: server, Detail: "absent"})
			continue
		}
		g := *p.Totals
		want := totalsAnswer{Expected: expected, Stored: c.Acked, Missing: c.Lost + c.Declared, Open: g.Open, Lost: c.Lost - min(g.Open, c.Lost), Declared: c.Declared}
		if g != want {
			c.differ(Difference{Kind: kindTotals, Node: server, Detail: fmt.Sprintf("got %+v, want %+v", g, want)})
		}
	}
	return nil
}
