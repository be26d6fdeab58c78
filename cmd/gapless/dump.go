package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

func newDump() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "print what is in a node's files",
	}
	cmd.AddCommand(newDumpWAL(), newDumpSegment(), newDumpManifest(), newDumpLedger())
	return cmd
}

// dumpWAL prints the records of a log.
type dumpWAL struct {
	from, to   uint64
	json, data bool
	dead       bool

	out         io.Writer
	entries     int
	first, last uint64
	damaged     int
}

func newDumpWAL() *cobra.Command {
	d := &dumpWAL{}
	cmd := &cobra.Command{
		Use:   "wal DIR",
		Short: "print the entries of a log, damaged or not",
		Long: "DIR is a node's data directory, or its wal directory. Nothing is changed. Run it on a stopped node or on a copy: in the directory of\n" +
			"a running node the newest entries may be missing or look damaged. The exit code is 1 when something is damaged.",
		Example: "  gapless dump wal /var/lib/gapless\n  gapless dump wal ./n1 --from 1000 --to 1010 --json --data",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(args[0])
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&d.from, "from", 0, "lowest index")
	f.Uint64Var(&d.to, "to", math.MaxUint64, "highest index")
	f.Lookup("to").DefValue = "0" // which the help leaves out
	f.BoolVar(&d.dead, "dead", false, "also print what is no longer part of the log: deleted, truncated or torn off")
	f.BoolVar(&d.json, "json", false, "print one JSON object a line")
	f.BoolVar(&d.data, "data", false, "with --json: the entry's bytes, as base64")
	return cmd
}

func (d *dumpWAL) run(path string) error {
	if info, err := os.Stat(path); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", path)
	}
	fs, err := vfs.OS(path)
	if err != nil {
		return err
	}
	dir := "."
	if info, err := os.Stat(filepath.Join(path, "wal")); err == nil && info.IsDir() {
		dir = "wal"
	}
	if !hasLog(filepath.Join(path, dir)) {
		return fmt.Errorf("there is no log in %s: give a node's data directory, or its wal directory", path)
	}
	if !d.json {
		fmt.Fprintf(d.out, "%10s  %6s  %-13s  %-22s  %9s  %s\n", "INDEX", "TERM", "TYPE", "COMMAND", "BYTES", "PLACE")
	}
	if err := wal.Dump(fs, dir, d.record); err != nil {
		return err
	}
	if !d.json {
		d.summary()
	}
	if d.damaged > 0 {
		return fmt.Errorf("%d damaged places in the log", d.damaged)
	}
	return nil
}

// hasLog reports whether a directory holds any file of a log.
func hasLog(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	_, noMeta := os.Stat(filepath.Join(dir, "meta"))
	return err == nil && (len(files) > 0 || noMeta == nil)
}

func (d *dumpWAL) summary() {
	if d.entries == 0 {
		fmt.Fprintln(d.out, "\nno entries")
		return
	}
	fmt.Fprintf(d.out, "\n%d entries, index %d to %d\n", d.entries, d.first, d.last)
}

func (d *dumpWAL) record(r wal.Record) error {
	switch {
	case r.Err != nil:
		d.damaged++
	case r.Log.Index < d.from || r.Log.Index > d.to || !r.Live && !d.dead:
		return nil
	case r.Live:
		if d.entries == 0 {
			d.first = r.Log.Index
		}
		d.entries++
		d.last = r.Log.Index
	}
	if d.json {
		return d.writeJSON(&r)
	}
	place := fmt.Sprintf("%s:%d", r.Path, r.Offset)
	if r.Err != nil {
		_, err := fmt.Fprintf(d.out, "DAMAGED %s: %v\n", place, r.Err)
		return err
	}
	if !r.Live {
		place += " (dead)"
	}
	_, err := fmt.Fprintf(d.out, "%10d  %6d  %-13s  %-22s  %9d  %s\n", r.Log.Index, r.Log.Term, entryType(r.Log.Type), commandOf(&r.Log), r.Bytes, place)
	return err
}

// dumpLine is a record of `dump wal --json`.
type dumpLine struct {
	Path    string `json:"path"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes,omitempty"`
	Live    bool   `json:"live"`
	Index   uint64 `json:"index,omitempty"`
	Term    uint64 `json:"term,omitempty"`
	Type    string `json:"type,omitempty"`
	Command string `json:"command,omitempty"`
	Data    []byte `json:"data,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (d *dumpWAL) writeJSON(r *wal.Record) error {
	line := dumpLine{Path: r.Path, Offset: r.Offset, Bytes: r.Bytes, Live: r.Live}
	if r.Err != nil {
		line.Error = r.Err.Error()
	} else {
		line.Index, line.Term, line.Type, line.Command = r.Log.Index, r.Log.Term, entryType(r.Log.Type), commandOf(&r.Log)
		if d.data {
			line.Data = r.Log.Data
		}
	}
	return json.NewEncoder(d.out).Encode(line)
}

func entryType(t raft.LogType) string {
	switch t {
	case raft.LogCommand:
		return "command"
	case raft.LogNoop:
		return "noop"
	case raft.LogBarrier:
		return "barrier"
	case raft.LogConfiguration:
		return "configuration"
	}
	return fmt.Sprintf("type %d", t)
}
