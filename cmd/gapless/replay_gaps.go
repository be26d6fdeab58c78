package main

import (
	"context"
	"net/url"

	"github.com/gaplessdb/gapless/cmd/gapless/replay"
)

// replayDevice is what the cluster knows of a device after a replay, over all its streams.
type replayDevice struct {
	Device   string `json:"device"`
	Epochs   uint64 `json:"epochs"`
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Missing  uint64 `json:"missing"`
	Gaps     uint64 `json:"gaps"`
	Verdict  string `json:"verdict"` // the worst of its streams
}

// ask fills in what the cluster knows of the first devices. That it cannot be asked takes nothing from what was sent.
func (o *replayOptions) ask(ctx context.Context, sum *replaySummary) {
	devices, position := replayed(sum.Files)
	if len(devices) > o.report {
		devices, sum.More = devices[:o.report], len(devices)-o.report
	}
	c := &client{token: o.token, timeout: o.timeout}
	for _, name := range devices {
		d, err := o.askOne(ctx, c, name, position)
		if err != nil {
			sum.Unasked = err.Error()
			return
		}
		sum.Devices = append(sum.Devices, d)
	}
}

// replayed is the devices of all files, in their order, and the furthest position.
func replayed(files []*replay.Result) (devices []string, position string) {
	seen := map[string]bool{}
	for _, f := range files {
		position = max(position, f.Position)
		for _, name := range f.Devices {
			if !seen[name] {
				seen[name] = true
				devices = append(devices, name)
			}
		}
	}
	return devices, position
}

// askOne asks the first node that answers.
func (o *replayOptions) askOne(ctx context.Context, c *client, name, position string) (d replayDevice, err error) {
	for _, c.url = range o.urls {
		if d, err = c.replayDevice(ctx, name, position); err == nil {
			return d, nil
		}
	}
	return d, err
}

func (c *client) replayDevice(ctx context.Context, name, position string) (replayDevice, error) {
	d := replayDevice{Device: name}
	q := query{}
	q.set("after", position)
	var device struct {
		Streams []struct {
			Epochs  uint64
			Verdict string
		}
	}
	if err := c.get(ctx, devicePath(name, ""), url.Values(q), &device); err != nil {
		return d, err
	}
	for _, s := range device.Streams {
		d.Epochs += s.Epochs
		if verdictRank(s.Verdict) >= verdictRank(d.Verdict) {
			d.Verdict = s.Verdict
		}
	}
	q.set("device", name)
	q.set("limit", "1")
	var gaps struct{ Totals gapTotals }
	if err := c.get(ctx, "/v1/gaps", url.Values(q), &gaps); err != nil {
		return d, err
	}
	t := gaps.Totals
	d.Expected, d.Stored, d.Missing, d.Gaps = t.Expected, t.Stored, t.Missing, t.Gaps
	return d, nil
}
