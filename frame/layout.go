package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Batch format, version 1. Fixed integers are little endian; uvarint and varint (zigzag) are LEB128 in their shortest form; text is a
// uvarint length and that many bytes. docs/format/frame.md is the prose.
//
//	batch     +-------+---------+-------+----------+-------------+---------+------------------+
//	          | magic | version | flags | reserved | body length | CRC32C  | body             |
//	          | "GLFB"| 1       | u8    | u16 = 0  | u32         | u32     | body length bytes|
//	          +-------+---------+-------+----------+-------------+---------+------------------+
//	          0       4         5       6          8             12        16
//	          flags: bit 0 replicated. The CRC covers bytes 4..11 and the body.
//
//	body      = header definitions shapes groups rejects
//	header    = receive time ms varint, node text, listener text
//	defs      = count uvarint, count x { stream id uvarint, tenant text, device text, stream text }
//	shapes    = count uvarint, count x { fields uvarint >= 1, fields x name text, ascending }
//	groups    = count uvarint, count x { counter, frames uvarint >= 1, length uvarint, frames of that many bytes }
//	rejects   = count uvarint, count x { counter, seq uvarint, cause u8, code text, raw text }
//
//	counter   = stream id uvarint, flags u8, bits u8, [epoch text], [first uvarint]
//	          flags: bit 0 epoch follows, bit 1 first follows, bit 2 the source has no numbers
//
//	frame     = length uvarint (of what follows), flags u8, [seq varint], [time varint], fingerprint u32, shape uvarint, values, raw
//	          flags: bit 0 class snapshot, bit 1 no device time. seq is absent without numbers, else the distance from the previous
//	          frame's seq + 1 in the group (from 0 for the first). time, in ns, is the distance from the previous time in the group
//	          (from 0 for the first). shape 0 has no fields, k is the k-th of the table. raw is the rest, empty when there is none.
//
//	value     = tag u8 and: 1 float: 8 bytes | 2 int: varint | 3 uint: uvarint >= 2^63 | 4 false | 5 true | 6 string: text, UTF-8 |
//	          7 bytes: text | 16 + scale: float as a decimal: mantissa varint; the value is float64(mantissa) / 10^scale
const (
	magic         = "GLFB"
	version       = 1
	preambleBytes = 16

	batchReplicated = 1 << 0

	counterEpoch = 1 << 0
	counterFirst = 1 << 1
	counterUnseq = 1 << 2

	frameSnapshot = 1 << 0
	frameNoTime   = 1 << 1

	tagFloat   = 1
	tagInt     = 2
	tagUint    = 3
	tagFalse   = 4
	tagTrue    = 5
	tagString  = 6
	tagBytes   = 7
	tagDecimal = 16 // to 16 + maxScale

	fingerprintBytes = 4
	minFrameBytes    = 1 + fingerprintBytes + 1 // flags, fingerprint, shape
	maxLengthsBytes  = 3 + 4                    // of a group: frames, bytes
	maxCodeBytes     = 64

	// MaxReplicatedBytes bounds a replicated batch. Wider stream ids can make it longer than the client batch it came from, but never
	// twice as long: what holds an id has at least 7 bytes, and an id grows by at most 4.
	MaxReplicatedBytes = 2 * MaxBatchBytes
	// MaxRejectBytes is how much of a refused frame is kept as evidence.
	MaxRejectBytes = 4 << 10
	// MaxSeq is the largest number of a frame.
	MaxSeq = math.MaxInt64

	maxReceiveMS = math.MaxInt64 / 1_000_000
)

// Header says who received a batch and when. It is of the whole batch, so it costs nothing per frame.
type Header struct {
	Replicated bool   // stream ids are the replicated ones
	ReceiveMS  int64  // milliseconds since the Unix epoch; the time of frames that have none
	Node       string // who received it, "" when unknown
	Listener   string // at which door, "" when unknown
}

// Def binds a stream id to its name.
type Def struct {
	ID  StreamID
	Key StreamKey
}

// Reject is a frame that a door refused and whose number is known, so that the ledger can account for it.
type Reject struct {
	Group Group
	Seq   uint64
	Cause Cause  // one that is Rejected() or Shed()
	Code  string // the error code that the sender got
	Raw   []byte // evidence, at most MaxRejectBytes
}

func (h *Header) validate() error {
	if h.ReceiveMS > maxReceiveMS || h.ReceiveMS < -maxReceiveMS {
		return invalid("time_out_of_range", "set the receiving node's clock",
			"receive time %d ms is outside the years 1678 to 2261", h.ReceiveMS)
	}
	if h.Node != "" {
		if err := ValidateName("node", h.Node); err != nil {
			return err
		}
	}
	if h.Listener != "" {
		return ValidateName("listener", h.Listener)
	}
	return nil
}

// maxSeqOf is the largest number of a counter of that width, 0 for a width that does not exist.
func maxSeqOf(bits uint8) uint64 {
	switch bits {
	case 8, 16, 32:
		return 1<<bits - 1
	case 64:
		return MaxSeq
	default:
		return 0
	}
}

func appendPreamble(dst []byte, replicated bool) []byte {
	flags := byte(0)
	if replicated {
		flags = batchReplicated
	}
	dst = append(dst, magic...)
	return append(dst, version, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

func appendHeader(dst []byte, h *Header) []byte {
	dst = appendVarint(dst, h.ReceiveMS)
	dst = appendText(dst, h.Node)
	return appendText(dst, h.Listener)
}

func appendDef(dst []byte, d *Def) []byte {
	dst = appendUvarint(dst, uint64(d.ID))
	dst = appendText(dst, d.Key.Tenant)
	dst = appendText(dst, d.Key.Device)
	return appendText(dst, d.Key.Stream)
}

func appendCounter(dst []byte, g *Group) []byte {
	flags := byte(0)
	if g.Epoch != "" {
		flags |= counterEpoch
	}
	if g.HasFirst {
		flags |= counterFirst
	}
	if g.Unseq {
		flags |= counterUnseq
	}
	dst = appendUvarint(dst, uint64(g.Stream))
	dst = append(dst, flags, g.Bits)
	if g.Epoch != "" {
		dst = appendText(dst, g.Epoch)
	}
	if g.HasFirst {
		dst = appendUvarint(dst, g.First)
	}
	return dst
}

// seal fills in the lengths and the checksum of the batch that begins at start.
func seal(dst []byte, start int) ([]byte, error) {
	b := dst[start:]
	limit := MaxBatchBytes
	if b[5]&batchReplicated != 0 {
		limit = MaxReplicatedBytes
	}
	if len(b) > limit {
		return dst[:start], invalid("batch_too_large", "send fewer frames in one batch",
			"batch has %d bytes, at most %d are allowed", len(b), limit)
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-preambleBytes))
	binary.LittleEndian.PutUint32(b[12:], checksum(b))
	return dst, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[4:12], castagnoli), castagnoli, b[preambleBytes:])
}

// checkPreamble reads the fixed part: what it is, which version, then whether the bytes are whole.
func checkPreamble(b []byte) (replicated bool, err error) {
	if len(b) < preambleBytes {
		return false, &CorruptError{len(b), fmt.Sprintf("batch has %d bytes, the fixed part alone has %d", len(b), preambleBytes)}
	}
	if string(b[:4]) != magic {
		return false, &CorruptError{0, fmt.Sprintf("magic is %q, want %q", b[:4], magic)}
	}
	if b[4] != version {
		return false, &VersionError{Got: b[4], Want: version}
	}
	replicated = b[5]&batchReplicated != 0
	limit := MaxBatchBytes
	if replicated {
		limit = MaxReplicatedBytes
	}
	if len(b) > limit {
		return false, &CorruptError{0, fmt.Sprintf("batch has %d bytes, at most %d are allowed", len(b), limit)}
	}
	if b[5]&^batchReplicated != 0 || b[6] != 0 || b[7] != 0 {
		return false, &CorruptError{5, fmt.Sprintf("unknown flags %x", b[5:8])}
	}
	if n := binary.LittleEndian.Uint32(b[8:]); uint64(n) != uint64(len(b)-preambleBytes) {
		return false, &CorruptError{8, fmt.Sprintf("body length is %d, %d bytes follow", n, len(b)-preambleBytes)}
	}
	if want, got := binary.LittleEndian.Uint32(b[12:]), checksum(b); want != got {
		return false, &CorruptError{12, fmt.Sprintf("checksum is %08x, the bytes have %08x", want, got)}
	}
	return replicated, nil
}
