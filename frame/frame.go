package frame

// Limits that every door and every decoder enforces. They are part of the wire format: raising one needs a new batch version.
const (
	MaxFrameBytes  = 1 << 20 // encoded body of one frame
	MaxNameBytes   = 256     // tenant, device, stream name, field name
	MaxEpochBytes  = 64      // a device's own epoch value
	MaxFields      = 1024    // fields of one frame
	MaxBatchBytes  = 4 << 20 // one encoded batch; several make one Raft entry
	MaxBatchFrames = 1 << 20 // frames of one batch
)

// Defaults for the parts of a stream's name that a device may leave out.
const (
	DefaultTenant = "default"
	DefaultStream = "0"
)

// StreamID is the dense number of a (tenant, device, stream name). In a batch from a client it is local to the batch; in a
// committed batch it is the replicated number. Zero is never assigned.
type StreamID uint32

// StreamKey names one counter of one device, without its epoch.
type StreamKey struct {
	Tenant, Device, Stream string
}

// Class says what may happen to a frame under overload.
type Class uint8

const (
	ClassEvent    Class = 1 // must not be lost
	ClassSnapshot Class = 2 // may be shed, and then that is recorded
)

// Group is what consecutive frames of one stream share. Epoch, Bits and First are what the device said of its counter.
type Group struct {
	Stream   StreamID
	Epoch    string // the device's own value of its epoch, "" when it sent none
	Bits     uint8  // width of the counter on the wire: 8, 16, 32 or 64
	HasFirst bool   // the device declared the first number of this epoch
	First    uint64 // that number
	Unseq    bool   // the source has no numbers: the server assigns them in apply
}

// Frame is one record as a device sent it. Decoded frames alias the batch they came from: copy what outlives it.
type Frame struct {
	Seq         uint64 // as on the wire, before unwrapping; 0 when Group.Unseq
	TimeNS      int64  // device time, nanoseconds since the Unix epoch, UTC
	NoTime      bool   // the device sent no time: TimeNS is the batch's receive time
	Class       Class
	Fingerprint uint32  // CRC32C of the canonical content, computed once where the batch was built
	Fields      []Field // ordered by name, no name twice
	Raw         []byte  // raw payload, nil when there is none; one of no bytes is the same as none
}

// Field is one named value of a frame.
type Field struct {
	Name  string
	Value Value
}

// Kind is the type of a Value.
type Kind uint8

const (
	KindFloat  Kind = 1 // float64, kept bit for bit
	KindInt    Kind = 2 // int64
	KindUint   Kind = 3 // uint64 above the range of int64; smaller ones are KindInt
	KindBool   Kind = 4
	KindString Kind = 5 // valid UTF-8
	KindBytes  Kind = 6
)

// Value is a field's value. Num holds float bits, the integer's bits, or 0/1 for a bool. A float that a parser read as a short
// decimal also carries Mantissa and Scale with Float64() == float64(Mantissa)/10^Scale exactly (|Mantissa| < 2^53, Scale <= 22,
// Decimal set), so that the segment encoder need not search for them again. They are a hint and never part of the content.
type Value struct {
	Kind     Kind
	Decimal  bool
	Scale    uint8
	Num      uint64
	Mantissa int64
	Str      []byte
}
