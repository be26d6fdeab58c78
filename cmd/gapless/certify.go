package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"
)

// certifyOptions are the flags of `gapless certify`.
type certifyOptions struct {
	devices, match   []string
	prefix, stream   string
	epochs           []uint
	fromSeq, toSeq   uint64
	from, to         string
	at, format, file string
	since            []int64
	segments, counts bool
}

func newCertify() *cobra.Command {
	var o certifyOptions
	cmd := &cobra.Command{
		Use:   "certify DEVICE... | --prefix P | --match LABEL=VALUE",
		Short: "write a certificate of how complete devices' frames are, to be checked offline",
		Long: "Asks a node for a certificate: how many numbers were expected and stored, each gap with its cause, and the proof that a majority of the nodes\n" +
			"signed. gapless verify checks it without any node. Everything that was acknowledged before the command is in it; for that a seal is ended, which\n" +
			"takes a moment. A token that may only read ends none, and gets what --at newest gives: the newest census that is there.\n\n" +
			"A page (--format html) is for people and cannot be checked; a bundle (tar) has the certificate, the checkpoint to keep for the next one (--since),\n" +
			"and with --segments the files that hold the frames, of other tenants, too: that needs the scope admin. With --counts-only the certificate has no\n" +
			"hashes of frames, and stays small however many seals there were. The exit code is 0 whatever the verdict is.",
		Example: "  gapless certify mill-07\n  gapless certify mill-07 --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z -o november.json\n" +
			"  gapless certify --match site=graz --format tar --segments -o graz.tar",
	}
	c := addClientFlags(cmd)
	wait := cmd.PersistentFlags().Lookup("timeout")
	wait.DefValue, wait.Usage = "2m0s", "longest wait for the answer, and for the next bytes of it"
	_ = wait.Value.Set(wait.DefValue) // it is a duration
	cmd.ValidArgsFunction = c.completeDevice
	f := cmd.Flags()
	f.StringVar(&o.prefix, "prefix", "", `devices whose name starts so; "" is all but gapless's own`)
	f.StringArrayVar(&o.match, "match", nil, "devices with this label=value; may be repeated, and then all must hold")
	f.StringVar(&o.stream, "stream", "", "this stream only")
	f.UintSliceVar(&o.epochs, "epoch", nil, "these epochs only (the server's ordinals)")
	f.Uint64Var(&o.fromSeq, "from-seq", 0, "lowest number, of each epoch; with --to-seq")
	f.Uint64Var(&o.toSeq, "to-seq", 0, "highest number")
	f.StringVar(&o.from, "from", "", "earliest device time (RFC 3339); with --to")
	f.StringVar(&o.to, "to", "", "device time that is not inside any more")
	f.StringVar(&o.at, "at", "", "now: everything acknowledged until now (default, for a token that may write); newest: as of the newest census")
	f.Int64SliceVar(&o.since, "since", nil, "records of a checkpoint that you kept: prove that it is a beginning of the new one")
	f.StringVar(&o.format, "format", "", "json, html or tar (default: by the name of the file, else json)")
	f.BoolVar(&o.counts, "counts-only", false, "the counts only: nothing about the bytes of the frames, so that no segments can be checked with it")
	f.BoolVar(&o.segments, "segments", false, "with tar: the segment files, too")
	f.StringVarP(&o.file, "output", "o", "", "file to write; - is the standard output (default certificate.json, or .html, .tar)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.devices = args
		return o.run(cmd, c)
	}
	return cmd
}

// body is the request. Of a pair of flags both are given.
func (o *certifyOptions) body(cmd *cobra.Command) ([]byte, error) {
	given := cmd.Flags().Changed
	q := map[string]any{}
	choices := 0
	for _, choice := range []struct {
		name  string
		given bool
		value any
	}{{"devices", len(o.devices) > 0, o.devices}, {"prefix", given("prefix"), o.prefix}, {"match", len(o.match) > 0, o.match}} {
		if choice.given {
			q[choice.name] = choice.value
			choices++
		}
	}
	if choices != 1 {
		return nil, errors.New("name devices, or give --prefix or --match, and only one of the three")
	}
	for _, pair := range []struct {
		name, from, to string
		value          any
	}{{"seq", "from-seq", "to-seq", []uint64{o.fromSeq, o.toSeq}}, {"time", "from", "to", []string{o.from, o.to}}} {
		if given(pair.from) != given(pair.to) {
			return nil, fmt.Errorf("give both --%s and --%s", pair.from, pair.to)
		}
		if given(pair.from) {
			q[pair.name] = pair.value
		}
	}
	if given("stream") {
		q["stream"] = o.stream
	}
	if len(o.epochs) > 0 {
		q["epochs"] = o.epochs
	}
	if len(o.since) > 0 {
		q["since"] = o.since
	}
	if o.counts {
		q["counts_only"] = true
	}
	return json.Marshal(q)
}

// params are the other flags as the HTTP API names them; they settle format and file.
func (o *certifyOptions) params() (url.Values, error) {
	if o.format == "" {
		switch filepath.Ext(o.file) {
		case ".html", ".htm":
			o.format = "html"
		case ".tar":
			o.format = "tar"
		default:
			o.format = "json"
		}
	}
	if o.format != "json" && o.format != "html" && o.format != "tar" {
		return nil, fmt.Errorf("--format %q: give json, html or tar", o.format)
	}
	if o.at != "" && o.at != "now" && o.at != "newest" {
		return nil, fmt.Errorf("--at %q: give now or newest", o.at)
	}
	if o.file == "" {
		o.file = "certificate." + o.format
	}
	if o.segments && o.counts {
		return nil, errors.New("--segments with --counts-only: the certificate would have nothing to check them with")
	}
	q := query{"format": {o.format}}
	q.set("at", o.at)
	if o.segments {
		if o.format != "tar" {
			return nil, fmt.Errorf("--segments needs --format tar, not %s", o.format)
		}
		q.set("segments", "true")
	}
	return url.Values(q), nil
}

func (o *certifyOptions) run(cmd *cobra.Command, c *client) error {
	body, err := o.body(cmd)
	if err != nil {
		return err
	}
	params, err := o.params()
	if err != nil {
		return err
	}
	said, err := o.fetch(cmd.Context(), c, cmd.OutOrStdout(), params, body)
	if err != nil {
		return err
	}
	if o.file != "-" {
		said += "; " + o.file
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), clean(said))
	return err
}
