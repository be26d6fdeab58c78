package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gaplessdb/gapless/cmd/gapless/nodeurl"
	"github.com/gaplessdb/gapless/cmd/gapless/replay"
)

// replayOptions are the flags of `gapless replay`, but for those of the mapping.
type replayOptions struct {
	mapFile               string
	urls                  []string
	token                 string
	timeout, retryFor     time.Duration
	batch, connections    int
	rate                  float64
	speed, onError, state string
	below, drop           uint64
	cadence               time.Duration
	report                int
	allowSkew, dry, json  bool
	flags                 *pflag.FlagSet
	mapping               replay.Mapping // as the flags say
}

const replayLong = `Import the rows of CSV and NDJSON files as frames; - is standard input. gzip and zstd are unpacked, whatever the file's name.

Flags, or a YAML file (--map) with the same names, say which column is what; flags win. Templates are text with columns in braces:
--device 'hall/{machine}'. A column of NDJSON is a path: metadata.time is member time of the object metadata. All columns that nothing else
names become fields; in CSV true, false and numbers are told by their look, an empty cell is a missing field, anything else (007 as well) is text.

Frames of a device arrive in the order of the file. A column names the epoch (--epoch), or the cluster infers restarts, by the rules given with
--restart-below and --restart-drop. Sending a file again adds only duplicates: numbers with declared epochs are recognised for ever; requests with
other rows carry an Idempotency-Key made of the file's hash and their place, of which the cluster remembers the newest 65,536 (policy
idempotency_keys). Keep the mapping and --batch for that.

Ctrl-C, an error or a crash leave FILE.replay, from which the same command goes on.`

const replayExample = `  gapless replay pumps.csv --device '{pump}' --seq n --time at --dry-run
  gapless replay lorawan.csv.gz --seq fcnt --no-seq skip --time ts_ms --time-format ms --strings payload_hex --restart-below 10 --restart-drop 500
  gapless replay --map plant.yaml --url http://n1:7400,http://n2:7400,http://n3:7400 plant-*.csv.gz
  gapless replay flight.csv --device px4 --time timestamp --time-format us --time-base 2026-11-20T09:00:00Z --speed 10x
  zcat events.ndjson.gz | gapless replay - --device '{meta.id}' --seq meta.seq`

func newReplay() *cobra.Command {
	o := replayOptions{mapping: replay.Defaults()}
	cmd := &cobra.Command{
		Use:     "replay FILE...",
		Short:   "import CSV and NDJSON files",
		Long:    replayLong,
		Example: replayExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			o.flags = cmd.Flags()
			return o.run(cmd, files)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.mapFile, "map", "", "YAML file with the mapping")
	addMappingFlags(f, &o.mapping)
	f.Uint64Var(&o.below, "restart-below", 0, "register as the device's rule: a number that falls below this is a restart (scope admin)")
	f.Uint64Var(&o.drop, "restart-drop", 0, "register as the device's rule: a number that falls by more than this is a restart (scope admin)")
	f.DurationVar(&o.cadence, "cadence", 0, "register the device's expected cadence (scope admin)")
	f.StringSliceVar(&o.urls, "url", strings.Split(envOr("GAPLESS_URL", "http://127.0.0.1:7400"), ","),
		"HTTP addresses of nodes, the next one when one does not answer (GAPLESS_URL)")
	f.StringVar(&o.token, "token", "", "bearer token; prefer GAPLESS_TOKEN, which other users of the machine cannot see")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "longest wait for one answer")
	f.DurationVar(&o.retryFor, "retry-for", 2*time.Minute, "how long a request is repeated while no node takes it")
	f.IntVar(&o.batch, "batch", 1000, "frames of a request, at most")
	f.IntVar(&o.connections, "connections", 4, "requests at once; those of one device never are")
	f.Float64Var(&o.rate, "rate", 0, "frames a second (default: as fast as possible)")
	f.StringVar(&o.speed, "speed", "", "times the speed of the recording, such as 1x or 60x, by the device times")
	f.StringVar(&o.onError, "on-error", "stop", "at a row that cannot be a frame, or that the cluster refuses: stop, or skip it")
	f.BoolVar(&o.allowSkew, "allow-skew", false, "send frames although the cluster marks their times as implausible (policy ledger.skew_limit_ms)")
	f.StringVar(&o.state, "state", "", "where to keep what was done: a file, a directory, or none (default: FILE.replay)")
	f.BoolVar(&o.dry, "dry-run", false, "read all, print what would be sent, send nothing")
	f.IntVar(&o.report, "report", 50, "most devices whose gaps are shown at the end")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	return cmd
}

// addMappingFlags defines a flag for each member of a mapping; what it is set to goes into m.
func addMappingFlags(f *pflag.FlagSet, m *replay.Mapping) {
	for _, s := range m.Settings() {
		name := strings.ReplaceAll(s.Name, "_", "-")
		switch v := s.Value.Addr().Interface().(type) {
		case *string:
			f.StringVar(v, name, *v, s.Help)
		case *uint8:
			f.Uint8Var(v, name, *v, s.Help)
		case *[]string:
			f.StringSliceVar(v, name, *v, s.Help)
		case *map[string]string:
			f.StringToStringVar(v, name, *v, s.Help)
			f.Lookup(name).DefValue = "" // help would show []
		default:
			panic(fmt.Sprintf("gapless: %s of a mapping has type %T, which addMappingFlags does not know", s.Name, v))
		}
	}
}

// merged is the mapping file with the flags that were given laid over it.
func (o *replayOptions) merged() (replay.Mapping, error) {
	if o.mapFile == "" {
		return o.mapping, nil
	}
	m, err := replay.LoadMapping(o.mapFile)
	if err != nil {
		return m, err
	}
	given := o.mapping.Settings()
	for i, s := range m.Settings() {
		if o.flags.Changed(strings.ReplaceAll(s.Name, "_", "-")) {
			s.Value.Set(given[i].Value)
		}
	}
	return m, nil
}

// options is what package replay is told.
func (o *replayOptions) options() (*replay.Options, error) {
	m, err := o.merged()
	if err != nil {
		return nil, err
	}
	r := &replay.Options{Mapping: m, Batch: o.batch, Connections: o.connections, Rate: o.rate, AllowSkew: o.allowSkew}
	if o.speed != "" {
		if r.Speed, err = strconv.ParseFloat(strings.TrimSuffix(o.speed, "x"), 64); err != nil || r.Speed <= 0 {
			return nil, fmt.Errorf("--speed %q: give times the recording's speed, such as 60x", o.speed)
		}
	}
	switch o.onError {
	case "stop":
	case "skip":
		r.SkipBad = true
	default:
		return nil, fmt.Errorf("--on-error %q: give stop or skip", o.onError)
	}
	if o.report < 0 {
		return nil, fmt.Errorf("--report %d: give 0 for none, or a number above", o.report)
	}
	if o.cadence%time.Millisecond != 0 || o.cadence < 0 {
		return nil, fmt.Errorf("--cadence %s: give whole milliseconds", o.cadence)
	}
	r.Registry = o.registry()
	if o.token == "" {
		o.token = os.Getenv("GAPLESS_TOKEN")
	}
	for i, text := range o.urls {
		if o.urls[i], err = nodeurl.Base(text); err != nil && !o.dry {
			return nil, fmt.Errorf("%w\nhint: --url names nodes, separated by commas, or GAPLESS_URL where that is not given", err)
		}
	}
	r.Nodes = replay.Nodes{URLs: o.urls, Token: o.token, Timeout: o.timeout, RetryFor: o.retryFor, Client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: o.connections, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment},
	}}
	return r, r.Validate()
}

// registry is what the devices' entries are told.
func (o *replayOptions) registry() replay.Registry {
	var g replay.Registry
	if o.flags.Changed("restart-below") || o.flags.Changed("restart-drop") {
		g.Rule = &replay.Rule{}
		if o.flags.Changed("restart-below") {
			g.Rule.RestartBelow = &o.below
		}
		if o.flags.Changed("restart-drop") {
			g.Rule.RestartDrop = &o.drop
		}
	}
	g.CadenceMS = o.cadence.Milliseconds()
	return g
}
