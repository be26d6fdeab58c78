package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// gapsOptions are the flags of `gapless gaps`.
type gapsOptions struct {
	device                                        string
	prefix, stream, epoch, state, cause, from, to string
	min                                           int64
	limit, width                                  int
	json, timeline, system                        bool
	color                                         string
}

func newGaps() *cobra.Command {
	var o gapsOptions
	cmd := &cobra.Command{
		Use:   "gaps [DEVICE]",
		Short: "show which numbers are missing, and why",
		Long: "Without a device: the gaps of all devices, and totals. With one: its report, a timeline and its gaps.\n" +
			"Totals are exact however few rows are listed. They are those of the devices, streams and epochs selected: --state, --cause, --from,\n" +
			"--to and --min choose which gaps are listed.",
		Example: "  gapless gaps\n  gapless gaps mill-07\n  gapless gaps --state FINAL --cause never_arrived --limit 0\n  gapless gaps --timeline --prefix mill-",
		Args:    cobra.MaximumNArgs(1),
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	cmd.ValidArgsFunction = c.completeDevice
	f := cmd.Flags()
	f.StringVar(&o.prefix, "prefix", "", "devices whose name starts so")
	f.StringVar(&o.stream, "stream", "", "this stream only")
	f.StringVar(&o.epoch, "epoch", "", "this epoch only (the server's ordinal)")
	f.StringVar(&o.state, "state", "", "OPEN, REQUESTED, FINAL, CLOSED or EXPIRED")
	f.StringVar(&o.cause, "cause", "", "never_arrived, declared_lost, rejected.schema, ...")
	f.StringVar(&o.from, "from", "", "gaps not before this time (RFC 3339)")
	f.StringVar(&o.to, "to", "", "gaps not after this time (RFC 3339)")
	f.Int64Var(&o.min, "min", 0, "gaps of at least so many numbers")
	f.IntVar(&o.limit, "limit", 100, "most gaps to list, and most lanes to draw; 0 is all")
	f.BoolVar(&o.json, "json", false, "print the node's answer as JSON")
	f.BoolVar(&o.timeline, "timeline", false, "draw a lane for each device (always drawn when a device is named)")
	f.BoolVar(&o.system, "system", false, "include the devices that gapless itself writes")
	f.IntVar(&o.width, "width", 0, "cells of a lane (default: what fits the terminal, else 60)")
	f.StringVar(&o.color, "color", "auto", "auto, always or never (NO_COLOR is respected)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.device = args[0]
		}
		return o.run(cmd.Context(), c, cmd.OutOrStdout())
	}
	return cmd
}

func (o *gapsOptions) run(ctx context.Context, c *client, w io.Writer) error {
	if o.limit < 0 {
		return fmt.Errorf("--limit %d: give 0 for all, or a number above", o.limit)
	}
	lanes, err := o.lanes(w)
	if err != nil {
		return err
	}
	if o.json {
		return o.writeJSON(ctx, c, w)
	}
	switch {
	case o.device != "":
		if err := o.writeDevice(ctx, c, w, lanes); err != nil {
			return err
		}
	case o.timeline:
		if err := o.writeFleet(ctx, c, w, lanes); err != nil {
			return err
		}
	}
	list, err := o.list(ctx, c)
	if err != nil {
		return err
	}
	return list.write(w)
}

// params are the filters as the HTTP API names them.
func (o *gapsOptions) params() url.Values {
	q := query{}
	q.set("device", o.device)
	q.set("prefix", o.prefix)
	q.set("stream", o.stream)
	q.set("epoch", o.epoch)
	q.set("state", o.state)
	q.set("cause", o.cause)
	q.set("from", o.from)
	q.set("to", o.to)
	q.setInt("min", o.min)
	if o.system {
		q.set("system", "true")
	}
	return url.Values(q)
}

// lanes decides how wide and how colourful timelines are.
func (o *gapsOptions) lanes(w io.Writer) (timeline, error) {
	t := timeline{width: o.width, named: o.device == ""}
	file, _ := w.(*os.File)
	terminal := file != nil && term.IsTerminal(int(file.Fd()))
	if t.width == 0 {
		t.width = 60
		if terminal {
			if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
				t.width = min(max(columns-70, 20), 160) // the rest is for labels, numbers and the verdict
			}
		}
	}
	if t.width < 1 || t.width > 10_000 {
		return t, fmt.Errorf("--width %d: give 1 to 10000", t.width)
	}
	switch o.color {
	case "always":
		t.color = true
	case "auto":
		t.color = terminal && os.Getenv("NO_COLOR") == ""
	case "never":
	default:
		return t, fmt.Errorf("--color %q: give auto, always or never", o.color)
	}
	return t, nil
}

// writeDevice prints the report and the timeline of one device.
func (o *gapsOptions) writeDevice(ctx context.Context, c *client, w io.Writer, lanes timeline) error {
	reports, err := o.reports(ctx, c, o.device)
	if err != nil {
		return err
	}
	t := newTable("STREAM", "EPOCH#", "VALUE", "SOURCE", "NUMBERS", "HEAD", "TAIL", "EXPECTED#", "STORED#", "COMPLETE#", "VERDICT")
	for i := range reports {
		r := &reports[i]
		t.add(r.Stream, fmt.Sprint(r.Epoch.Ordinal), raw(r.Epoch.Raw), r.Epoch.Source, span(r), r.Head.Basis, r.Tail.Basis,
			fmt.Sprint(r.Expected), fmt.Sprint(r.Stored), percent(r.Stored, r.Expected), r.Verdict)
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := lanes.write(w, reports); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return nil
}

// writeFleet prints a timeline of every device that the filters name.
func (o *gapsOptions) writeFleet(ctx context.Context, c *client, w io.Writer, lanes timeline) error {
	names, err := c.devices(ctx, o.prefix, o.system, o.limit)
	if err != nil {
		return err
	}
	var all []gapReport
	for _, name := range names {
		reports, err := o.reports(ctx, c, name)
		if err != nil {
			return err
		}
		all = append(all, reports...)
	}
	if err := lanes.write(w, all); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return nil
}

func (o *gapsOptions) reports(ctx context.Context, c *client, device string) ([]gapReport, error) {
	q := query{}
	q.set("stream", o.stream)
	q.set("epoch", o.epoch)
	var answer struct{ Reports []gapReport }
	if err := c.get(ctx, devicePath(device, "/gaps"), url.Values(q), &answer); err != nil {
		return nil, err
	}
	for i := range answer.Reports {
		answer.Reports[i].Device = device
	}
	return answer.Reports, nil
}

// raw prints a device's own epoch value.
func raw(v json.RawMessage) string {
	var text string
	if err := json.Unmarshal(v, &text); err == nil && text != "" {
		return text
	}
	if len(v) == 0 || text == "" && (string(v) == "null" || string(v) == `""`) {
		return "-"
	}
	return string(v) // a number, with every digit
}

func span(r *gapReport) string {
	if r.Expected == 0 {
		return "-"
	}
	return numbers(r.Head.First, r.Tail.Last)
}

// percent rounds down, so that only what is complete reads 100.00%.
func percent(stored, expected uint64) string {
	if expected == 0 || stored > expected {
		return "-"
	}
	hi, lo := bits.Mul64(stored, 10_000)
	q, _ := bits.Div64(hi, lo, expected)
	return fmt.Sprintf("%d.%02d%%", q/100, q%100)
}
