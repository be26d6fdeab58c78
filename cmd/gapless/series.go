package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// seriesOptions are the flags of `gapless series`.
type seriesOptions struct {
	prefix, from, to, step, zone, fill string
	system                             bool
	match, streams, fields, aggs       []string
	group                              []string
	limit                              int
	output                             string
}

func newSeries() *cobra.Command {
	var o seriesOptions
	cmd := &cobra.Command{
		Use:   "series [DEVICE...]",
		Short: "print series: aggregates of buckets of time, or points",
		Long: "Without --agg, points: the stored values of one stream after the other. With it, aggregates of the whole range, or of every --step;\n" +
			"every bucket says how complete it is.",
		Example: "  gapless series mill-07 --field rpm --agg avg --agg max --from -1h --step 1m\n" +
			"  gapless series --match site=berlin --group line --agg p99 --field temp --from -P7D --step P1D --tz Europe/Berlin\n" +
			"  gapless series mill-07 --from -1h -o csv --limit 0 > mill-07.csv",
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	cmd.ValidArgsFunction = c.completeDevice
	f := cmd.Flags()
	f.StringVar(&o.prefix, "prefix", "", "devices whose name starts so")
	f.StringArrayVar(&o.match, "match", nil, "devices that have label=value; several have to hold all")
	f.BoolVar(&o.system, "system", false, "include the devices that gapless itself writes")
	f.StringArrayVar(&o.streams, "stream", nil, `streams, "*" for all (default "0")`)
	f.StringArrayVar(&o.fields, "field", nil, "fields (default all)")
	f.StringArrayVar(&o.aggs, "agg", nil, "count, nan, min, max, sum, avg, first, last, stddev, rate, delta, p50, p99.9, ...")
	f.StringVar(&o.from, "from", "", "beginning: RFC 3339, -1h, -P1D, now, 1795255200000ms")
	f.StringVar(&o.to, "to", "", "end, which is not inside")
	f.StringVar(&o.step, "step", "", "length of a bucket: 1m, PT15M, P1D, P1M")
	f.StringVar(&o.zone, "tz", "", "time zone of days, weeks and months, such as Europe/Berlin (default UTC)")
	f.StringArrayVar(&o.group, "group", nil, "device, stream, all, or labels (default device)")
	f.StringVar(&o.fill, "fill", "", "null: list buckets in which nothing was expected, too")
	f.IntVar(&o.limit, "limit", 100, "most points to print; 0 is all")
	f.StringVarP(&o.output, "output", "o", "table", "table, csv, or json: what the node answers, a page a line")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), c, cmd.OutOrStdout(), args) }
	return cmd
}

func (o *seriesOptions) params(devices []string) url.Values {
	q := query{}
	q.set("prefix", o.prefix)
	q.set("from", o.from)
	q.set("to", o.to)
	q.set("step", o.step)
	q.set("tz", o.zone)
	q.set("fill", o.fill)
	if o.system {
		q.set("system", "true")
	}
	for name, list := range map[string][]string{
		"device": devices, "match": o.match, "stream": o.streams, "fields": o.fields, "agg": o.aggs, "group": o.group,
	} {
		if len(list) > 0 {
			q[name] = list
		}
	}
	if o.points() {
		q.set("limit", strconv.Itoa(pagePoints))
		if o.limit > 0 {
			q.set("limit", strconv.Itoa(min(o.limit, pagePoints)))
		}
	}
	return url.Values(q)
}

// pagePoints is the most points that a node gives at once.
const pagePoints = 10_000

// points reports whether points are asked for, which have pages.
func (o *seriesOptions) points() bool { return len(o.aggs) == 0 }

func (o *seriesOptions) run(ctx context.Context, c *client, w io.Writer, devices []string) error {
	if o.limit < 0 {
		return fmt.Errorf("--limit %d: give 0 for all, or a number above", o.limit)
	}
	switch o.output {
	case "csv":
		if o.points() && o.limit > pagePoints {
			return fmt.Errorf("--limit %d: with csv give at most %d, or 0 for all", o.limit, pagePoints)
		}
		return o.csv(ctx, c, w, o.params(devices))
	case "json":
		return o.pages(ctx, c, o.params(devices), func(page json.RawMessage, _ *seriesAnswer) error {
			_, err := fmt.Fprintf(w, "%s\n", page)
			return err
		})
	case "table":
		return o.table(ctx, c, w, o.params(devices))
	}
	return fmt.Errorf("--output %q: give table, csv or json", o.output)
}

// pages asks for one page after the other until enough points are there.
func (o *seriesOptions) pages(ctx context.Context, c *client, params url.Values, each func(json.RawMessage, *seriesAnswer) error) error {
	n := 0
	return c.pages(ctx, "/v1/query", params, func(page json.RawMessage) (bool, error) {
		var a seriesAnswer
		if err := json.Unmarshal(page, &a); err != nil {
			return false, fmt.Errorf("/v1/query: %w", err)
		}
		for i := range a.Series {
			n += len(a.Series[i].Seq)
		}
		return o.limit == 0 || n < o.limit, each(page, &a)
	})
}

// csv prints what the node writes as CSV, with one header for all pages.
func (o *seriesOptions) csv(ctx context.Context, c *client, w io.Writer, params url.Values) error {
	params.Set("format", "csv")
	out := bufio.NewWriter(w)
	for header := true; ; header = false {
		resp, err := c.stream(ctx, "/v1/query", params)
		if err != nil {
			return err
		}
		err = copyLines(out, resp.Body, header)
		next := resp.Header.Get("X-Gapless-Next")
		resp.Body.Close()
		if err != nil || next == "" || o.limit > 0 {
			return errors.Join(err, out.Flush())
		}
		params.Set("cursor", next)
	}
}

// copyLines copies CSV, without its first line where another page had it.
func copyLines(w io.Writer, r io.Reader, header bool) error {
	in := bufio.NewReader(r)
	if !header {
		if _, err := in.ReadString('\n'); err != nil {
			return err
		}
	}
	_, err := io.Copy(w, in)
	return err
}
