package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// dumpCache is memory for decoded blocks: epochs with few frames share one.
const dumpCache = 32 << 20

// dumpSegment prints segment files.
type dumpSegment struct {
	dumpOutput
	tenant, device, stream string
	epoch                  uint32
	from, to               string
	span                   segment.Span
	frames, blocks, verify bool

	progress io.Writer
	before   int // places of damage that were printed of the files before
}

func newDumpSegment() *cobra.Command {
	d := &dumpSegment{span: segment.All()}
	cmd := &cobra.Command{
		Use:   "segment FILE...",
		Short: "print and check segment files",
		Long: "For each file: what it is about, and a line for each epoch of a stream in it; with --blocks or --frames its blocks or frames instead.\n" +
			"Without those and without --json it also verifies the whole file: hash, checksums, order, index, statistics. Nothing is changed, and\n" +
			"files of a running node may be read. Damage is printed with its place, and what lies behind it as far as it can be read. The exit\n" +
			"code is 1 when something is damaged.",
		Example: "  gapless dump segment /var/lib/gapless/segments/*.gseg\n" +
			"  gapless dump segment --verify --json /var/lib/gapless/segments/quarantine/*.gseg\n" +
			"  gapless dump segment 71a6*.gseg --frames --device mill-07 --epoch 3 --from-seq 4990 --to-seq 5010",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.w, d.progress = cmd.OutOrStdout(), cmd.ErrOrStderr()
			if !cmd.Flags().Changed("verify") {
				d.verify = !d.frames && !d.blocks && !d.json
			}
			return d.run(args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&d.frames, "frames", false, "print the frames")
	f.BoolVar(&d.blocks, "blocks", false, "print the blocks of each epoch with what they know of their fields")
	f.BoolVar(&d.verify, "verify", false, "verify the whole file (default: without --frames, --blocks and --json)")
	f.BoolVar(&d.json, "json", false, "print one JSON object a line")
	f.StringVar(&d.tenant, "tenant", "", "this tenant only")
	f.StringVar(&d.device, "device", "", "this device only")
	f.StringVar(&d.stream, "stream", "", "this stream only")
	f.Uint32Var(&d.epoch, "epoch", 0, "this epoch only (the server's ordinal)")
	f.Uint64Var(&d.span.FirstSeq, "from-seq", 0, "lowest number")
	f.Uint64Var(&d.span.LastSeq, "to-seq", d.span.LastSeq, "highest number")
	f.Lookup("to-seq").DefValue = "0" // which the help leaves out
	f.StringVar(&d.from, "from", "", "earliest time (RFC 3339)")
	f.StringVar(&d.to, "to", "", "latest time (RFC 3339)")
	cmd.MarkFlagsMutuallyExclusive("frames", "blocks")
	return cmd
}

func (d *dumpSegment) run(paths []string) error {
	for _, bound := range []struct {
		flag, value string
		ns          *int64
	}{{"--from", d.from, &d.span.FirstNS}, {"--to", d.to, &d.span.LastNS}} {
		if bound.value == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, bound.value)
		if err != nil || !time.Unix(0, at.UnixNano()).Equal(at) {
			return fmt.Errorf("%s %q: give a time as in RFC 3339, from 1678 to 2262", bound.flag, bound.value)
		}
		*bound.ns = at.UnixNano()
	}
	for i, path := range paths {
		if i > 0 && !d.json {
			fmt.Fprintln(d.w)
		}
		if err := d.file(path); err != nil {
			return err
		}
	}
	return d.result()
}

// file prints one segment. What is wrong with it is no error: the next one follows.
func (d *dumpSegment) file(path string) error {
	d.before = len(d.places)
	f, err := os.Open(path)
	if err != nil {
		return d.fault(path, err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err == nil && stat.IsDir() {
		err = errors.New("it is a directory: name the files in it, DIR/segments/*.gseg")
	}
	if err != nil {
		return d.fault(path, err)
	}
	name, named := nameInPath(path)
	r, err := segment.NewReader(f, stat.Size(), segment.ReaderOptions{Path: path, Name: name, Cache: segment.NewCache(dumpCache)})
	if err != nil {
		return d.fault(path, err)
	}
	if err := d.head(path, r, named); err != nil {
		return err
	}
	if err := d.body(path, r); err != nil {
		return err
	}
	if !d.verify {
		return nil
	}
	return d.check(path, f, stat.Size(), r, named)
}

// nameInPath is the hash that a file is named for, also when it is a copy in quarantine: HASH-1.gseg.
func nameInPath(path string) (segment.Name, bool) {
	base, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), segment.Extension), "-")
	name, err := segment.ParseName(base)
	return name, err == nil
}

// body prints what is asked for of a file.
func (d *dumpSegment) body(path string, r *segment.Reader) error {
	switch {
	case d.frames:
		return d.eachFrame(path, r)
	case d.blocks:
		return d.eachBlock(path, r)
	}
	return d.eachEpoch(path, r)
}

// check verifies a whole file. The hash comes last, though it would find all damage: what it says has no place.
func (d *dumpSegment) check(path string, f io.ReaderAt, size int64, r *segment.Reader, named bool) error {
	p := newProgress(d.progress, path)
	info, err := segment.Verify(f, size, segment.Name{}, p.step)
	p.end()
	if err != nil {
		return d.locate(path, r, err)
	}
	if want := r.Info().Name; named && info.Name != want {
		return d.fault(path, &segment.CorruptError{What: "file", Want: "hash " + want.String() + " as its name says", Got: info.Name.String()})
	}
	if d.json {
		return d.object(map[string]string{"type": "verified", "path": path, "hash": info.Name.String()})
	}
	_, err = fmt.Fprintf(d.w, "verified, hash %s\n", info.Name)
	return err
}

// locate names the places of damage in a file that failed its verification, which ends at the first and may only say that all blocks
// together have another checksum. Where that finds none, it is what the verification says.
func (d *dumpSegment) locate(path string, r *segment.Reader, failed error) error {
	lost := func(err error) error { return d.fault(path, err) }
	err := r.Each(func(_ frame.StreamKey, e *segment.Epoch) error {
		return salvage(r, e, segment.All(), func(*segment.Record) error { return nil }, lost)
	})
	if err != nil {
		return d.fault(path, err)
	}
	if len(d.places) > d.before {
		return nil
	}
	return d.fault(path, failed)
}

// takes says whether an epoch has anything that is asked for.
func (d *dumpSegment) takes(key frame.StreamKey, e *segment.Epoch) bool {
	return (d.tenant == "" || d.tenant == key.Tenant) && (d.device == "" || d.device == key.Device) &&
		(d.stream == "" || d.stream == key.Stream) && (d.epoch == 0 || d.epoch == e.Ordinal) &&
		e.FirstSeq <= d.span.LastSeq && e.LastSeq >= d.span.FirstSeq && e.FirstNS <= d.span.LastNS && e.LastNS >= d.span.FirstNS
}

// each calls fn for the epochs that are asked for. Damage of the index ends it.
func (d *dumpSegment) each(path string, r *segment.Reader, fn func(frame.StreamKey, *segment.Epoch) error) error {
	var stop error
	err := r.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		if d.takes(key, e) {
			stop = fn(key, e)
		}
		return stop
	})
	if err != nil && stop == nil {
		return d.fault(path, err)
	}
	return stop
}

// timeText is a device time as the API prints it.
func timeText(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
