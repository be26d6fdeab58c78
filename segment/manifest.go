package segment

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
)

// Extension ends the file name of every segment.
const Extension = ".gseg"

// Name is the SHA-256 of a segment file as it lies on the disk. Equal segments have equal names on every node.
type Name [32]byte

// String is the name as 64 hexadecimal digits.
func (n Name) String() string { return hex.EncodeToString(n[:]) }

// FileName is the name with its extension.
func (n Name) FileName() string { return n.String() + Extension }

// ParseName reads what String wrote.
func ParseName(s string) (n Name, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(n) {
		return n, fmt.Errorf("segment: %q is not a segment's name of %d hexadecimal digits", s, 2*len(n))
	}
	return Name(b), nil
}

// Info is what a manifest says of one segment.
type Info struct {
	Name                  Name
	Bytes                 int64
	Frames                uint64
	Streams, Blocks       uint32 // epochs of streams, and blocks
	FirstIndex, LastIndex uint64 // Raft indexes whose frames it holds, both inclusive
	FirstNS, LastNS       int64  // bounds of Row.FiledNS
	Encoder               uint16 // set of encoders that wrote it
}

// Manifest is the list of the segments that together with the heads hold every stored frame. It is immutable; nil is an empty one.
type Manifest struct {
	segments []Info
	frames   uint64
	bytes    int64
}

// Segments lists the segments by the Raft indexes they cover. The slice is shared: do not change it.
func (m *Manifest) Segments() []Info {
	if m == nil {
		return nil
	}
	return m.segments
}

// Frames is how many frames all segments hold.
func (m *Manifest) Frames() uint64 {
	if m == nil {
		return 0
	}
	return m.frames
}

// Bytes is the size of all segment files.
func (m *Manifest) Bytes() int64 {
	if m == nil {
		return 0
	}
	return m.bytes
}

// With returns a manifest that also has the given segments. One that is there already is not added twice.
func (m *Manifest) With(more ...Info) *Manifest {
	list := slices.Clone(m.Segments())
	for _, i := range more {
		if !slices.ContainsFunc(list, func(there Info) bool { return there.Name == i.Name }) {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, Info.compare)
	return newManifest(list)
}

// newManifest takes over a sorted list.
func newManifest(list []Info) *Manifest {
	next := &Manifest{segments: list}
	for i := range next.segments {
		next.frames += next.segments[i].Frames
		next.bytes += next.segments[i].Bytes
	}
	return next
}

func (i Info) compare(o Info) int {
	return cmp.Or(cmp.Compare(i.FirstIndex, o.FirstIndex), cmp.Compare(i.LastIndex, o.LastIndex), bytes.Compare(i.Name[:], o.Name[:]))
}

// Find returns what the manifest says of a segment.
func (m *Manifest) Find(name Name) (Info, bool) {
	for _, i := range m.Segments() {
		if i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}
