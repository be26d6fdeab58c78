package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/raft"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// makeWAL DIR makes a node's log with an entry of each type.
func makeWAL(ts *testscript.TestScript, _ bool, args []string) {
	fs, err := vfs.OS(ts.MkAbs(args[0]))
	ts.Check(err)
	log, err := wal.Open(fs, "wal", wal.Options{FileBytes: 64 << 10, Inline: true})
	ts.Check(err)
	ts.Check(log.StoreLogs([]*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: []byte("servers")},
		{Index: 2, Term: 2, Type: raft.LogNoop},
	}))
	ts.Check(log.StoreLogs([]*raft.Log{
		{Index: 3, Term: 2, Type: raft.LogCommand, Data: raftfsm.AppendCommand(nil, raftfsm.KindFound, 1, 0, []byte(`{"history":1}`))},
		{Index: 4, Term: 2, Type: raft.LogCommand, Data: raftfsm.AppendCommand(nil, 999, 7, 0, nil)},
		{Index: 5, Term: 2, Type: raft.LogCommand, Data: []byte("something else")},
		{Index: 6, Term: 3, Type: raft.LogBarrier},
	}))
	ts.Check(log.DeleteRange(6, 6))
	ts.Check(log.Close())
}

// flipByte FILE PATTERN OFFSET changes the byte at OFFSET behind the pattern, or that far from the end, in the one file that matches FILE
// and holds the pattern.
func flipByte(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	offset, err := strconv.Atoi(args[2])
	ts.Check(err)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		ts.Check(err)
		if i := bytes.Index(b, []byte(args[1])); i >= 0 {
			if offset < 0 {
				i = len(b)
			}
			b[i+offset] ^= 1
			ts.Check(os.WriteFile(path, b, 0o600))
			return
		}
	}
	ts.Fatalf("no file of %q holds %q", paths, args[1])
}
