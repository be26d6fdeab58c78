package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/bench"
	"github.com/gaplessdb/gapless/cmd/gapless/nodeurl"
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure how much a store takes, and how fast it answers",
		Long: "Put gapless, InfluxDB or VictoriaMetrics under the load of a simulated fleet, or ask them questions about it afterwards, and report rates and\n" +
			"latencies. The frames follow from --seed, so that every store gets the same.",
	}
	cmd.AddCommand(newBenchLoad(), newBenchQuery())
	return cmd
}

// benchTarget defines the flags that say which store is measured.
func benchTarget(cmd *cobra.Command, target, address, token *string, asJSON *bool) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(target, "target", "gapless", "the store: "+bench.Targets)
	f.StringVar(address, "url", envOr("GAPLESS_URL", "http://127.0.0.1:7400"), "its HTTP address (GAPLESS_URL)")
	f.StringVar(token, "token", "", "bearer token; prefer GAPLESS_TOKEN, which other users of the machine cannot see")
	cmd.PreRunE = func(*cobra.Command, []string) (err error) {
		if *token == "" {
			*token = os.Getenv("GAPLESS_TOKEN") // as a default it would stand in the help text
		}
		*address, err = storeURL(*target, *address)
		return err
	}
	f.BoolVar(asJSON, "json", false, "print the report as JSON")
}

// storeURL checks the address of a store. Those of others may have a path.
func storeURL(target, text string) (string, error) {
	if target == "gapless" {
		base, err := nodeurl.Base(text)
		if err != nil {
			err = fmt.Errorf("%w\nhint: --url names the node, or GAPLESS_URL where that is not given", err)
		}
		return base, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" {
		return "", fmt.Errorf("--url %q is no address of a store: write one such as http://127.0.0.1:8428", text)
	}
	return text, nil
}

func newBenchLoad() *cobra.Command {
	var o bench.Options
	var asJSON bool
	var start string
	cmd := &cobra.Command{
		Use:   "load",
		Short: "send frames as fast as the store takes them, or at a rate",
		Example: "  gapless bench load --duration 60s --verify\n" +
			"  gapless bench load --target victoria --url http://127.0.0.1:8428 --duration 60s\n" +
			"  gapless bench load --format json --frames 1000000 --prepare --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if start != "" {
				at, err := time.Parse(time.RFC3339, start)
				if err != nil {
					return fmt.Errorf("--start: %w", err)
				}
				o.Start = at
			}
			p := newProgress(cmd.ErrOrStderr(), "bench load")
			o.Progress = p.step
			r, err := bench.Run(cmd.Context(), o)
			p.end()
			if r == nil {
				return err
			}
			if asJSON {
				if encoded := json.NewEncoder(cmd.OutOrStdout()).Encode(r); encoded != nil {
					return encoded
				}
				return err
			}
			if written := r.Write(cmd.OutOrStdout()); written != nil {
				return written
			}
			return err
		},
	}
	benchTarget(cmd, &o.Target, &o.URL, &o.Token, &asJSON)
	f := cmd.Flags()
	f.StringVar(&o.Format, "format", "", "binary, json or line; default: binary for gapless, line for others")
	f.IntVar(&o.Devices, "devices", 1000, "devices of the fleet")
	f.IntVar(&o.Fields, "fields", 8, "decimal fields of a frame")
	f.IntVar(&o.Batch, "batch", 1000, "frames of a request")
	f.IntVar(&o.Connections, "connections", 4, "connections, each with devices of its own and one request in flight")
	f.DurationVar(&o.Duration, "duration", 0, "length of the load; default 10s, unless --frames is given")
	f.Int64Var(&o.Frames, "frames", 0, "frames to send")
	f.IntVar(&o.Rate, "rate", 0, "frames a second at most, 0 for no limit")
	f.BoolVar(&o.Prepare, "prepare", false, "encode all requests before the clock starts; needs --frames")
	f.StringVar(&start, "start", "", "device time of the first frames (RFC 3339); default: so that the last ones are of now")
	f.Uint64Var(&o.Seed, "seed", 1, "of the values")
	f.BoolVar(&o.Verify, "verify", false, "count the frames back afterwards; the store must have been empty")
	return cmd
}

func newBenchQuery() *cobra.Command {
	var o bench.QueryOptions
	var asJSON bool
	var start string
	cmd := &cobra.Command{
		Use:   "query",
		Short: "ask four questions about the fleet of `bench load`, and report their latencies",
		Long: "Ask for the last frame of every device, an hour of one device, averages a minute over an hour of all devices, and the greatest value of ten devices\n" +
			"in twelve hours. --start and the shape of the fleet are those that it was sent with.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := time.Parse(time.RFC3339, start)
			if err != nil {
				return fmt.Errorf("--start: %w", err)
			}
			o.Start = at
			r, err := bench.Query(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			}
			return r.Write(cmd.OutOrStdout())
		},
	}
	benchTarget(cmd, &o.Target, &o.URL, &o.Token, &asJSON)
	f := cmd.Flags()
	f.IntVar(&o.Devices, "devices", 1000, "devices of the fleet")
	f.IntVar(&o.Repeat, "repeat", 60, "times that each question is asked, after three that do not count")
	f.StringVar(&start, "start", "", "device time of the first frames (RFC 3339)")
	if err := cmd.MarkFlagRequired("start"); err != nil {
		panic(err) // the flag stands three lines above
	}
	return cmd
}
