package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// exportOptions are the flags of `gapless export`.
type exportOptions struct {
	devices, match              []string
	prefix, stream, epoch       string
	fromSeq, toSeq, from, to    string
	fields, format, file, least string
	system, raw                 bool
}

func newExport() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export [DEVICE...]",
		Short: "write all frames of devices to a file, as NDJSON, CSV or Arrow",
		Long: "Writes the frames of one state of the store, of the devices named, matched or all, ordered by device, stream, epoch and number.\n" +
			"The file gets its name only when the node said that everything was sent: until then, and when the export breaks off, it is\n" +
			"FILE.part. Without --output frames go to the standard output; then exit code 0 says that they are whole.",
		Example: "  gapless export mill-07 --from 2026-11-21T00:00:00Z -o mill-07.csv\n" +
			"  gapless export --match site=berlin --fields temp,rpm -o berlin.arrow\n  gapless export --format ndjson | gzip > all.ndjson.gz",
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	wait := cmd.PersistentFlags().Lookup("timeout")
	wait.DefValue, wait.Usage = "2m0s", "longest wait for the next bytes"
	_ = wait.Value.Set(wait.DefValue) // it is a duration
	cmd.ValidArgsFunction = c.completeDevice
	f := cmd.Flags()
	f.StringArrayVar(&o.match, "match", nil, "devices with this label=value; may be repeated, and then all must hold")
	f.StringVar(&o.prefix, "prefix", "", "devices whose name starts so")
	f.BoolVar(&o.system, "system", false, "include the devices that gapless itself writes")
	f.StringVar(&o.stream, "stream", "", "this stream only")
	f.StringVar(&o.epoch, "epoch", "", "this epoch only, of one device (the server's ordinal)")
	f.StringVar(&o.fromSeq, "from-seq", "", "lowest number")
	f.StringVar(&o.toSeq, "to-seq", "", "highest number")
	f.StringVar(&o.from, "from", "", "earliest device time (RFC 3339)")
	f.StringVar(&o.to, "to", "", "latest device time (RFC 3339)")
	f.StringVar(&o.fields, "fields", "", "only these fields, separated by commas")
	f.BoolVar(&o.raw, "raw", false, "the raw payload too (in NDJSON it is always there)")
	f.StringVar(&o.format, "format", "", "ndjson, csv or arrow (default: by the name of the file, else ndjson)")
	f.StringVarP(&o.file, "output", "o", "-", "file to write; - is the standard output")
	f.StringVar(&o.least, "require", "", "complete or complete_between_seen: export nothing that is not")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.devices = args
		return o.run(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// params are the flags as the HTTP API names them.
func (o *exportOptions) params() (url.Values, error) {
	format := o.format
	if format == "" {
		switch filepath.Ext(o.file) {
		case ".csv":
			format = "csv"
		case ".arrow", ".arrows":
			format = "arrow"
		default:
			format = "ndjson"
		}
	}
	if format != "ndjson" && format != "csv" && format != "arrow" {
		return nil, fmt.Errorf("--format %q: give ndjson, csv or arrow", format)
	}
	q := query{}
	q.set("format", format)
	for name, value := range map[string]string{
		"prefix": o.prefix, "stream": o.stream, "epoch": o.epoch, "from_seq": o.fromSeq, "to_seq": o.toSeq, "from": o.from, "to": o.to,
		"fields": o.fields, "require": o.least,
	} {
		q.set(name, value)
	}
	for name, values := range map[string][]string{"device": o.devices, "match": o.match} {
		if len(values) > 0 {
			q[name] = values
		}
	}
	if o.system {
		q.set("system", "true")
	}
	if o.raw {
		q.set("raw", "true")
	}
	return url.Values(q), nil
}

func (o *exportOptions) run(ctx context.Context, c *client, out, errOut io.Writer) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	e := exporting{format: params.Get("format"), bar: newProgress(errOut, "export")}
	if o.file == "-" {
		e.to = out
		err = e.run(ctx, c, params)
	} else {
		err = e.toFile(ctx, c, params, o.file)
	}
	e.bar.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(errOut, "%d frames of %d epochs, %s, as of index %d at %s\n",
		e.end.Rows, e.end.Epochs, e.end.Completeness.Verdict, e.end.AsOf[0].Index, e.end.AsOf[0].Time.Format("2006-01-02T15:04:05Z07:00"))
	if e.end.Silent > 0 {
		fmt.Fprintf(errOut, "%d registered devices never sent anything\n", e.end.Silent)
	}
	return nil
}

// exporting is an export on its way.
type exporting struct {
	format string
	to     io.Writer
	bar    *progress
	about  int64 // frames that are to come
	lines  lineWatch
	bytes  int64
	end    exportEnd
}

// exportEnd is what the node says when it sent everything.
type exportEnd struct {
	Rows, Epochs uint64
	Silent       int
	AsOf         []asOf `json:"as_of"`
	Completeness struct{ Verdict string }
}

// toFile gives the file its name when it is whole.
func (e *exporting) toFile(ctx context.Context, c *client, params url.Values, name string) error {
	part := name + ".part"
	f, err := os.Create(part)
	if err != nil {
		return err
	}
	e.to = f
	err = errors.Join(e.run(ctx, c, params), f.Sync(), f.Close())
	switch {
	case err == nil:
		return os.Rename(part, name)
	case e.bytes == 0:
		return errors.Join(err, os.Remove(part))
	}
	return fmt.Errorf("%w\nwhat came is in %s", err, part)
}

// run writes what the node sends, and holds it against what it says at the end.
func (e *exporting) run(ctx context.Context, c *client, params url.Values) error {
	resp, err := c.stream(ctx, "/v1/frames", params)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	e.about, _ = strconv.ParseInt(resp.Header.Get("X-Gapless-Rows-Estimate"), 10, 64)
	_, err = io.Copy(e, resp.Body)
	if refused := e.lines.refusal(); refused != nil {
		return fmt.Errorf("the export broke off: %w", refused)
	}
	if err != nil {
		return fmt.Errorf("the export broke off after %d bytes: %w", e.bytes, err)
	}
	return e.check(resp)
}

// Write passes bytes on.
func (e *exporting) Write(b []byte) (int, error) {
	n, err := e.to.Write(b)
	e.bytes += int64(n)
	if e.format == "ndjson" {
		e.lines.take(b[:n])
		e.bar.show("%d of about %d frames", e.lines.count, e.about)
	} else {
		e.bar.show("%d MiB of about %d frames", e.bytes>>20, e.about)
	}
	return n, err
}

// check finds the end, without which an answer was cut however well its connection was closed.
func (e *exporting) check(resp *http.Response) error {
	text := resp.Trailer.Get("X-Gapless-End")
	if text == "" {
		return fmt.Errorf("the export was cut: %d bytes came, and no end", e.bytes)
	}
	if err := json.Unmarshal([]byte(text), &e.end); err != nil || len(e.end.AsOf) == 0 {
		return fmt.Errorf("the end of the export is not what this version expects: %q", text)
	}
	if e.format != "ndjson" {
		return nil
	}
	if rows := e.lines.count - 1; rows != e.end.Rows || !strings.HasPrefix(string(e.lines.last), `{"end":`) {
		return fmt.Errorf("the export was cut: %d frames came of %d", rows, e.end.Rows)
	}
	return nil
}

// lineWatch counts lines and keeps the last one.
type lineWatch struct {
	count      uint64
	line, last []byte
}

// maxWatched bounds what is kept of a line: the one at the end, and that of an error, are shorter.
const maxWatched = 64 << 10

func (l *lineWatch) take(b []byte) {
	for _, c := range b {
		switch {
		case c == '\n':
			l.count++
			l.last, l.line = l.line, l.last[:0]
		case len(l.line) < maxWatched:
			l.line = append(l.line, c)
		}
	}
}

// refusal is the error that the last line says, nil when it says none.
func (l *lineWatch) refusal() error {
	var body struct{ Error *apiError }
	if !strings.HasPrefix(string(l.last), `{"error":`) || json.Unmarshal(l.last, &body) != nil || body.Error == nil {
		return nil
	}
	return body.Error
}
