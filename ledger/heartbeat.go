package ledger

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// Heartbeat is a device's word on where its counter stands: every number below Next exists. It finds loss at the tail, which no
// later frame shows.
type Heartbeat struct {
	Subject
	Next     uint64 // the number that its next frame will have
	HasFirst bool
	First    uint64 // first number of the epoch
	HasTime  bool
	TimeNS   int64 // device time, ns since the Unix epoch
	HasPrev  bool
	Prev     string // the device's value of the epoch before; "" for the one the ledger had before
	PrevLast uint64 // last number of the epoch before
	Birth    bool   // a birth message of the protocol: the epoch begins here
}

// HeartbeatResult is what a heartbeat did.
type HeartbeatResult struct {
	Epoch    uint32      `json:"epoch"` // server's ordinal
	Next     uint64      `json:"next_seq"`
	News     bool        `json:"news"` // it said what was not known
	Opened   bool        `json:"opened,omitempty"`
	Expected uint64      `json:"expected"`
	Stored   uint64      `json:"stored"`
	Missing  uint64      `json:"missing"`
	Previous *PrevResult `json:"previous,omitempty"`
	Ignored  []string    `json:"ignored,omitempty"` // parts that contradict what is known
}

// PrevResult is what a declared last number did to the epoch before.
type PrevResult struct {
	Epoch   uint32 `json:"epoch"`
	Missing uint64 `json:"missing"`
}

// Append appends the body of version CommandVersion.
func (h *Heartbeat) Append(dst []byte) []byte {
	dst = h.append(dst)
	dst = canon.AppendFlags(dst, h.HasFirst, h.HasTime, h.HasPrev, h.Birth)
	dst = binary.AppendUvarint(dst, h.Next)
	if h.HasFirst {
		dst = binary.AppendUvarint(dst, h.First)
	}
	if h.HasTime {
		dst = binary.AppendVarint(dst, h.TimeNS)
	}
	if h.HasPrev {
		dst = canon.AppendText(dst, h.Prev)
		dst = binary.AppendUvarint(dst, h.PrevLast)
	}
	return dst
}

// ParseHeartbeat is the inverse of Append. A malformed body is a *CommandError, another version ErrVersion.
func ParseHeartbeat(version uint8, body []byte) (h Heartbeat, err error) {
	d := decoder{canon.Decoder{Src: body}}
	h.parse(&d)
	f := d.Flags(4)
	h.HasFirst, h.HasTime, h.HasPrev, h.Birth = f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0
	h.Next = d.Uvarint()
	if h.HasFirst {
		h.First = d.Uvarint()
	}
	if h.HasTime {
		h.TimeNS = d.Varint()
	}
	if h.HasPrev {
		h.Prev = d.Text(frame.MaxEpochBytes)
		h.PrevLast = d.Uvarint()
	}
	return h, parsed("heartbeat", version, &d)
}
