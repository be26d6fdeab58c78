package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Manifest, version 1. Integers are little endian, CRC is CRC32C. docs/format/manifest.md is the prose.
//
//	manifest = "GMFT", version u16 = 1, entry length u16 = 90, count u32, CRC u32 of everything but itself, count entries
//	entry    = name 32 bytes, bytes i64, frames u64, epochs u32, blocks u32, first Raft index u64, last Raft index u64,
//	           least FiledNS i64, greatest FiledNS i64, encoder u16
const (
	manifestMagic   = "GMFT"
	manifestVersion = 1
	manifestHead    = 16
	manifestEntry   = 90
)

// Append appends the manifest's encoding to dst. Equal manifests have equal encodings.
func (m *Manifest) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, manifestMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, manifestVersion)
	dst = binary.LittleEndian.AppendUint16(dst, manifestEntry)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.Segments())))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	for i := range m.Segments() {
		dst = m.segments[i].append(dst)
	}
	b := dst[start:]
	binary.LittleEndian.PutUint32(b[12:], checksum(b[:12], b[manifestHead:]))
	return dst
}

func (i *Info) append(dst []byte) []byte {
	dst = append(dst, i.Name[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(i.Bytes))
	dst = binary.LittleEndian.AppendUint64(dst, i.Frames)
	dst = binary.LittleEndian.AppendUint32(dst, i.Streams)
	dst = binary.LittleEndian.AppendUint32(dst, i.Blocks)
	dst = binary.LittleEndian.AppendUint64(dst, i.FirstIndex)
	dst = binary.LittleEndian.AppendUint64(dst, i.LastIndex)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(i.FirstNS))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(i.LastNS))
	return binary.LittleEndian.AppendUint16(dst, i.Encoder)
}

// ParseManifest reads what Append wrote, and nothing else: all of b, entries strictly in order, no name twice. Another version is
// ErrVersion, anything else that is wrong a *CorruptError whose offset is one in b.
func ParseManifest(b []byte) (*Manifest, error) {
	c := cursor{b: b}
	if got := c.take(4); string(got) != manifestMagic {
		return nil, damaged("manifest", 0, fmt.Sprintf("%q", manifestMagic), fmt.Sprintf("%q", got))
	}
	version, size, count, crc := c.u16(), c.u16(), c.u32(), c.u32()
	if c.bad {
		return nil, damaged("manifest", 0, fmt.Sprintf("%d bytes or more", manifestHead), len(b))
	}
	if got := checksum(b[:12], b[manifestHead:]); got != crc {
		return nil, damagedSum("manifest", 12, crc, got)
	}
	if version != manifestVersion {
		return nil, fmt.Errorf("%w: manifest of version %d, this program reads %d: upgrade it", ErrVersion, version, manifestVersion)
	}
	if size != manifestEntry || uint64(c.left()) != uint64(count)*manifestEntry {
		return nil, damaged("manifest", 6, fmt.Sprintf("%d entries of %d bytes", count, manifestEntry), fmt.Sprintf("%d bytes in entries of %d", c.left(), size))
	}
	list := make([]Info, count)
	for i := range list {
		at := int64(c.i)
		list[i].parse(&c)
		if err := list[i].check(at); err != nil {
			return nil, err
		}
		if i > 0 && list[i-1].compare(list[i]) >= 0 {
			return nil, damaged("manifest", at, "segments in order of their indexes and names", list[i].Name)
		}
	}
	if err := checkNames(list); err != nil {
		return nil, err
	}
	return newManifest(list), nil
}

func (i *Info) parse(c *cursor) {
	copy(i.Name[:], c.take(32))
	i.Bytes, i.Frames, i.Streams, i.Blocks = int64(c.u64()), c.u64(), c.u32(), c.u32()
	i.FirstIndex, i.LastIndex = c.u64(), c.u64()
	i.FirstNS, i.LastNS, i.Encoder = int64(c.u64()), int64(c.u64()), c.u16()
}

func (i *Info) check(at int64) error {
	if i.Bytes <= 0 || i.FirstIndex > i.LastIndex || i.FirstNS > i.LastNS {
		return damaged("manifest", at, "a size above 0 and bounds in order",
			fmt.Sprintf("%d bytes, indexes %d to %d, times %d to %d", i.Bytes, i.FirstIndex, i.LastIndex, i.FirstNS, i.LastNS))
	}
	return nil
}

// checkNames refuses a name that comes twice, and sums that do not fit.
func checkNames(list []Info) error {
	names := make([]Name, len(list))
	var frames uint64
	var bytes int64
	for i := range list {
		names[i] = list[i].Name
		if frames += list[i].Frames; frames < list[i].Frames || list[i].Bytes > math.MaxInt64-bytes {
			return damaged("manifest", 0, "sums of 64 bits", "more")
		}
		bytes += list[i].Bytes
	}
	slices.SortFunc(names, func(a, b Name) int { return slices.Compare(a[:], b[:]) })
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return damaged("manifest", 0, "no segment twice", names[i])
		}
	}
	return nil
}

// Digest is the SHA-256 of the encoding: nodes whose digests agree have the same segments.
func (m *Manifest) Digest() [32]byte { return sha256.Sum256(m.Append(nil)) }
