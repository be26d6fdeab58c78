package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
)

// Names in a node's directory, and in a floor file.
const (
	floorsDir       = "floors"
	segmentsDir     = "segments"
	quarantineDir   = "quarantine"
	partSuffix      = ".part"
	floorSuffix     = ".gfl"
	installedSuffix = "-i" + floorSuffix
	damagedSuffix   = floorSuffix + ".damaged"
	manifestPart    = "manifest"
)

// floorFiles are the floor files that an argument names: one file, or those of a directory.
type floorFiles struct {
	paths    []string // newest first
	aside    []string // what a node put aside as damaged
	segments string   // directory of the segments, "" when there is none to look into
}

// findFloors looks where a path leads: to a floor file, a node's data directory, or its directory of floors.
func findFloors(path string) (*floorFiles, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return &floorFiles{paths: []string{path}}, nil
	}
	dir, segments := path, filepath.Join(filepath.Dir(filepath.Clean(path)), segmentsDir)
	if isDir(filepath.Join(path, floorsDir)) {
		dir, segments = filepath.Join(path, floorsDir), filepath.Join(path, segmentsDir)
	} else if !isDir(segments) { // a copy of the floors alone
		segments = ""
	}
	found := &floorFiles{segments: segments}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		switch full := filepath.Join(dir, e.Name()); {
		case strings.HasSuffix(e.Name(), damagedSuffix):
			found.aside = append(found.aside, full)
		case strings.HasSuffix(e.Name(), floorSuffix):
			found.paths = append(found.paths, full)
		}
	}
	if len(found.paths)+len(found.aside) == 0 {
		return nil, fmt.Errorf("there is no floor file in %s: give a node's data directory, its floors directory, or a floor file; a node has one after its first flush", path)
	}
	slices.SortFunc(found.paths, newerFloor)
	return found, nil
}

// newerFloor orders names as a node takes them: by index, and of two with the same index the installed one counts.
func newerFloor(a, b string) int {
	mark := len("-l" + floorSuffix)
	if c := strings.Compare(b[:max(0, len(b)-mark)], a[:max(0, len(a)-mark)]); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// openFloor calls read with the bytes of a floor file.
func openFloor(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return read(bufio.NewReaderSize(f, 256<<10))
}

// floorLine is a floor file as --json prints it, and what the text is made of.
type floorLine struct {
	Type               string        `json:"type"` // floor
	Path               string        `json:"path"`
	Installed          bool          `json:"installed"` // from another node
	Index              uint64        `json:"index"`
	Term               uint64        `json:"term"`
	History            uint64        `json:"history"`
	Cluster            string        `json:"cluster"`
	Partition          uint32        `json:"partition"`
	ConfigurationIndex uint64        `json:"configuration_index"`
	Servers            []floorServer `json:"servers"`
	Parts              []floorPart   `json:"parts"`
	Proof              *floorProof   `json:"proof,omitempty"` // absent before cluster version 3, and when that part is damaged
	Hash               string        `json:"hash,omitempty"`  // absent when the file is damaged
}

type floorServer struct {
	ID       string `json:"id"`
	Address  string `json:"address"`
	Suffrage string `json:"suffrage"`
}

type floorPart struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// floorProof is how far the proof was.
type floorProof struct {
	Ordinal    uint32 `json:"ordinal"` // of the open seal
	Sealed     uint32 `json:"sealed"`
	Pending    int    `json:"pending"`
	LogRecords int64  `json:"log_records"`
	LogRoot    string `json:"log_root"`
	Checkpoint int64  `json:"checkpoint"` // records that it covers
	Census     uint64 `json:"census"`     // index of the newest in it
	Keys       int    `json:"keys"`
}

func newFloorProof(part string) (*floorProof, error) {
	s := proof.NewSection()
	if err := s.Restore(strings.NewReader(part)); err != nil {
		return nil, err
	}
	newest := s.Newest()
	return &floorProof{
		Ordinal: s.Ordinal(), Sealed: s.SealedThrough(), Pending: len(s.Cuts()), LogRecords: s.LogSize(), LogRoot: s.LogRoot().String(),
		Checkpoint: newest.Size, Census: newest.Index, Keys: len(s.Keys()),
	}, nil
}

// readFloor reads a floor file whole, and gives what it got hold of also when that ends in damage. Each piece was checked before it is shown. There
// is no header when not even that can be believed, and no manifest likewise.
func readFloor(path string) (line *floorLine, m *segment.Manifest, err error) {
	visit := func(h floor.Header) error {
		line = newFloorLine(path, &h)
		return nil
	}
	part := func(name string, r io.Reader) error {
		var keep strings.Builder
		to := io.Discard
		if name == manifestPart || name == proof.SectionName {
			to = &keep
		}
		n, err := io.Copy(to, r)
		if err != nil {
			return err
		}
		line.Parts = append(line.Parts, floorPart{name, n})
		switch name {
		case manifestPart:
			m, err = segment.ParseManifest([]byte(keep.String()))
		case proof.SectionName:
			line.Proof, err = newFloorProof(keep.String())
		}
		return err
	}
	err = openFloor(path, func(r io.Reader) error {
		_, hash, err := floor.Read(r, visit, part)
		if err == nil {
			line.Hash = hex.EncodeToString(hash[:])
		}
		return err
	})
	return line, m, err
}

func newFloorLine(path string, h *floor.Header) *floorLine {
	line := &floorLine{
		Type: "floor", Path: path, Installed: strings.HasSuffix(path, installedSuffix), Index: h.Index, Term: h.Term, History: h.History,
		Cluster: h.Cluster, Partition: h.Partition, ConfigurationIndex: h.ConfigurationIndex, Servers: []floorServer{}, Parts: []floorPart{},
	}
	for _, s := range raft.DecodeConfiguration(h.Configuration).Servers { // which a floor.Header that was read is good for
		line.Servers = append(line.Servers, floorServer{string(s.ID), string(s.Address), s.Suffrage.String()})
	}
	return line
}

func (l *floorLine) write(w io.Writer) error {
	origin := "flushed here"
	if l.Installed {
		origin = "from another node"
	}
	fmt.Fprintf(w, "%s\nfloor    %d, term %d, history %d, %s\n", clean(l.Path), l.Index, l.Term, l.History, origin)
	fmt.Fprintf(w, "cluster  %s, partition %d\n", clean(l.Cluster), l.Partition)
	for _, s := range l.Servers {
		fmt.Fprintf(w, "server   %s, %s (as of index %d)\n", clean(s.ID+" at "+s.Address), s.Suffrage, l.ConfigurationIndex)
	}
	for _, p := range l.Parts {
		fmt.Fprintf(w, "part     %s, %d bytes\n", clean(p.Name), p.Bytes)
	}
	if p := l.Proof; p != nil {
		fmt.Fprintf(w, "proof    seal %d is open, %d sealed, %d pending; %s and %s in the log, root %s\n", p.Ordinal, p.Sealed, p.Pending,
			plural(uint64(p.LogRecords), "record", "records"), plural(uint64(p.Keys), "key", "keys"), p.LogRoot)
		fmt.Fprintf(w, "signed   %s, census at %d\n", plural(uint64(p.Checkpoint), "record", "records"), p.Census)
	}
	if l.Hash == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "hash     %s\n", l.Hash)
	return err
}
