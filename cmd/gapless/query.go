package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func newQuery() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "query",
		Short: "read devices and frames",
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	cmd.AddCommand(newQueryFrames(c), newQueryLatest(c), newQueryDevices(c))
	return cmd
}

// listing is what the sub-commands of query share: pages of a route, printed as a table or as NDJSON.
type listing struct {
	limit  int
	output string
}

func (l *listing) addFlags(cmd *cobra.Command, most string) {
	cmd.Flags().IntVar(&l.limit, "limit", 100, "most "+most+" to print; 0 is all")
	cmd.Flags().StringVarP(&l.output, "output", "o", "table", "table, or ndjson: one object a line as the node wrote it")
}

// run prints the member of each page that is named items. row turns an object into the cells of the table.
func (l *listing) run(ctx context.Context, c *client, w io.Writer, path string, params url.Values, items string, t *table,
	row func(json.RawMessage) ([]string, error)) error {
	if l.output != "table" && l.output != "ndjson" {
		return fmt.Errorf("--output %q: give table or ndjson", l.output)
	}
	if l.limit < 0 {
		return fmt.Errorf("--limit %d: give 0 for all, or a number above", l.limit)
	}
	n, more := 0, false
	err := c.pages(ctx, path, l.page(params), func(page json.RawMessage) (bool, error) {
		var p map[string]json.RawMessage
		var list []json.RawMessage
		if err := json.Unmarshal(page, &p); err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		if err := json.Unmarshal(p[items], &list); err != nil {
			return false, fmt.Errorf("%s: %s: %w", path, items, err)
		}
		for _, item := range list {
			if l.limit > 0 && n == l.limit {
				more = true
				return false, nil
			}
			n++
			if l.output == "ndjson" {
				fmt.Fprintf(w, "%s\n", item)
				continue
			}
			cells, err := row(item)
			if err != nil {
				return false, fmt.Errorf("%s: %w", path, err)
			}
			t.add(cells...)
		}
		more = string(p["next"]) != "null" && len(p["next"]) > 0
		return l.limit == 0 || n < l.limit, nil
	})
	if err != nil || l.output == "ndjson" {
		return err
	}
	if err := t.write(w); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(w, "... the first %d; --limit 0 prints all\n", n)
	}
	return nil
}

// page asks for no more rows a page than will be printed.
func (l *listing) page(params url.Values) url.Values {
	params = cloneValues(params)
	if l.limit > 0 && l.limit < 1000 {
		params.Set("limit", strconv.Itoa(l.limit))
	}
	return params
}

func newQueryFrames(c *client) *cobra.Command {
	var l listing
	var stream, epoch, fromSeq, toSeq, from, to string
	cmd := &cobra.Command{
		Use:               "frames DEVICE",
		Short:             "print frames of a device, in order of stream, epoch and number",
		Example:           "  gapless query frames mill-07 --from-seq 4990 --to-seq 5010\n  gapless query frames mill-07 --from 2026-11-21T10:00:00Z -o ndjson --limit 0",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeDevice,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := query{}
			q.set("device", args[0])
			q.set("stream", stream)
			q.set("epoch", epoch)
			q.set("from_seq", fromSeq)
			q.set("to_seq", toSeq)
			q.set("from", from)
			q.set("to", to)
			t := newTable("STREAM", "EPOCH#", "SEQ#", "TIME", "CLASS", "FIELDS")
			return l.run(cmd.Context(), c, cmd.OutOrStdout(), "/v1/frames", url.Values(q), "frames", t, frameRow)
		},
	}
	f := cmd.Flags()
	f.StringVar(&stream, "stream", "", "this stream only")
	f.StringVar(&epoch, "epoch", "", "this epoch only (the server's ordinal)")
	f.StringVar(&fromSeq, "from-seq", "", "lowest number")
	f.StringVar(&toSeq, "to-seq", "", "highest number")
	f.StringVar(&from, "from", "", "earliest device time (RFC 3339)")
	f.StringVar(&to, "to", "", "latest device time (RFC 3339)")
	l.addFlags(cmd, "frames")
	return cmd
}

func newQueryLatest(c *client) *cobra.Command {
	var l listing
	var prefix string
	cmd := &cobra.Command{
		Use:               "latest [DEVICE...]",
		Short:             "print the newest frame of each stream",
		ValidArgsFunction: c.completeDevice,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := query{}
			q.set("prefix", prefix)
			if len(args) > 0 {
				q["device"] = args
			}
			t := newTable("DEVICE", "STREAM", "EPOCH#", "SEQ#", "TIME", "CLASS", "FIELDS")
			return l.run(cmd.Context(), c, cmd.OutOrStdout(), "/v1/latest", url.Values(q), "frames", t, latestRow)
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "devices whose name starts so")
	l.addFlags(cmd, "frames")
	return cmd
}

func newQueryDevices(c *client) *cobra.Command {
	var l listing
	var prefix string
	var system bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "list devices and their streams",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := query{}
			q.set("prefix", prefix)
			if system {
				q.set("system", "true")
			}
			t := newTable("DEVICE", "STREAMS#", "EPOCHS#", "EXPECTED#", "STORED#", "MISSING#", "LAST TIME", "VERDICT")
			return l.run(cmd.Context(), c, cmd.OutOrStdout(), "/v1/devices", url.Values(q), "devices", t, deviceRow)
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "devices whose name starts so")
	cmd.Flags().BoolVar(&system, "system", false, "include the devices that gapless itself writes")
	l.addFlags(cmd, "devices")
	return cmd
}

// devices returns the names of at most limit devices, 0 for all.
func (c *client) devices(ctx context.Context, prefix string, system bool, limit int) ([]string, error) {
	q := query{}
	q.set("prefix", prefix)
	if system {
		q.set("system", "true")
	}
	l := listing{limit: limit}
	var names []string
	err := c.pages(ctx, "/v1/devices", l.page(url.Values(q)), func(page json.RawMessage) (bool, error) {
		var p struct{ Devices []struct{ Device string } }
		if err := json.Unmarshal(page, &p); err != nil {
			return false, fmt.Errorf("/v1/devices: %w", err)
		}
		for _, d := range p.Devices {
			names = append(names, d.Device)
		}
		return limit == 0 || len(names) < limit, nil
	})
	if limit > 0 && len(names) > limit {
		names = names[:limit]
	}
	return names, err
}

// completeDevice completes the name of a device in a shell that has `gapless completion`.
func (c *client) completeDevice(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	names, err := c.devices(cmd.Context(), prefix, false, 200)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
