package registry

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// Checkpoint format, version 1 (docs/format/devices.md). Integers are uvarints or zigzag varints unless a size is given.
//
//	file   = magic (8 bytes), version u8, revision u64 LE, devices u64 LE, blocks, CRC32C u32 LE of all bytes before
//	block  = length u32 LE, devices (length bytes); ascending by (tenant, device); the last block is empty
//	device = has u8, tenant [bit 0: not that of the device before], device, revision, changed ms
//	         type [1], class [2: event, 3: snapshot], cadence ms [4], rule [5], labels [6]
//	rule   = has u8, then what it has: restart below, restart drop, misorder window, protocol zero u8, first
//	labels = count, then name and value of each, ascending by name
//	texts  = length, bytes
const (
	checkpointMagic   = "gplsdevs"
	checkpointVersion = 1
	headerBytes       = len(checkpointMagic) + 1 + 8 + 8
	blockBytes        = 64 << 10 // a block is closed once it is larger
	maxBlockBytes     = 1 << 20
)

// What a device has, by bit.
const (
	hasTenant = 1 << iota
	hasType
	hasEvent
	hasSnapshot
	hasCadence
	hasRule
	hasLabels
	knownHas = iota
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Freeze returns a function that writes the checkpoint of the registry as it is now. The function may be called at any later time, from any goroutine, several
// times, with no lock and whatever the registry does meanwhile.
//
// It costs nothing: what is written is the snapshot that the newest change left.
func (r *Registry) Freeze() func(io.Writer) error {
	frozen, revision := r.newest.table, r.revision
	return func(w io.Writer) error {
		if err := frozen.write(w, revision); err != nil {
			return fmt.Errorf("registry: writing the checkpoint: %w", err)
		}
		return nil
	}
}

func (t *table) write(w io.Writer, revision uint64) error {
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	head := append([]byte(checkpointMagic), checkpointVersion)
	head = binary.LittleEndian.AppendUint64(head, revision)
	head = binary.LittleEndian.AppendUint64(head, uint64(t.count))
	if _, err := out.Write(head); err != nil {
		return err
	}
	block, tenant := make([]byte, 4, 2*blockBytes), ""
	for rec := range t.all() {
		block = rec.append(block, tenant)
		if tenant = rec.tenant; len(block) >= blockBytes {
			if err := writeBlock(out, block); err != nil {
				return err
			}
			block = block[:4]
		}
	}
	if len(block) > 4 {
		if err := writeBlock(out, block); err != nil {
			return err
		}
	}
	if err := writeBlock(out, make([]byte, 4)); err != nil {
		return err
	}
	_, err := w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// writeBlock writes a block with room for its length before it.
func writeBlock(w io.Writer, block []byte) error {
	binary.LittleEndian.PutUint32(block, uint32(len(block)-4))
	_, err := w.Write(block)
	return err
}

// append writes an entry that follows one of a tenant.
func (r *record) append(dst []byte, before string) []byte {
	has := byte(0)
	for bit, is := range []bool{r.tenant != before, r.kind != "", r.class == ClassEvent, r.class == ClassSnapshot,
		r.cadenceMS != 0, r.rule != nil, len(r.labels) > 0} {
		if is {
			has |= 1 << bit
		}
	}
	if dst = append(dst, has); r.tenant != before {
		dst = canon.AppendText(dst, r.tenant)
	}
	dst = canon.AppendText(dst, r.device)
	dst = binary.AppendUvarint(dst, r.revision)
	dst = binary.AppendVarint(dst, r.changedMS)
	if r.kind != "" {
		dst = canon.AppendText(dst, r.kind)
	}
	if r.cadenceMS != 0 {
		dst = binary.AppendUvarint(dst, uint64(r.cadenceMS))
	}
	if r.rule != nil {
		dst = appendRule(dst, r.rule)
	}
	if len(r.labels) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.labels)))
		for _, l := range r.labels {
			dst = canon.AppendText(canon.AppendText(dst, l.name), l.value)
		}
	}
	return dst
}

func appendRule(dst []byte, r *ledger.Rule) []byte {
	at := len(dst)
	dst = append(dst, 0)
	for bit, v := range []*uint64{r.RestartBelow, r.RestartDrop, r.MisorderWindow, asNumber(r.ProtocolZero), r.First} {
		if v != nil {
			dst[at] |= 1 << bit
			dst = binary.AppendUvarint(dst, *v)
		}
	}
	return dst
}

func asNumber(b *bool) *uint64 {
	if b == nil {
		return nil
	}
	n := uint64(0)
	if *b {
		n = 1
	}
	return &n
}

// size is at least the bytes of an entry in a checkpoint, whatever stands before it.
func (r *record) size() int64 {
	n := 80 + len(r.tenant) + len(r.device) + len(r.kind)
	for _, l := range r.labels {
		n += 4 + len(l.name) + len(l.value)
	}
	return int64(n)
}
