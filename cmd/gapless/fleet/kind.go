package fleet

import "time"

// encoding is how a kind of device writes its frames.
type encoding uint8

const (
	encodeArray  encoding = iota // one JSON array
	encodeLines                  // NDJSON
	encodeZipped                 // one JSON array, gzip
	encodeBatch                  // a binary batch
)

// ending is how the cluster learns where a life ended. The words are those of a gap report's tail basis.
type ending string

const (
	endSeal      ending = "seal"      // the device closed the epoch
	endWatermark ending = "watermark" // a heartbeat named the next number
	endSuccessor ending = "successor" // the first heartbeat of the next life named the last number of this one
	endLastSeen  ending = "last_seen" // it does not: the highest number that arrived is all there is
)

// Words of a gap report's head basis.
const (
	headDeclared  = "declared"
	headFirstSeen = "first_seen"
)

// kind is a type of device: what it measures, how it numbers, how it speaks and what goes wrong with it. Rates are per 1,000 numbers.
type kind struct {
	name    string
	streams []string      // its counters
	every   time.Duration // between two frames of a counter on the device's clock, where that is not live
	backlog bool          // it sends what it gathered before, at its every: a narrow counter must not wrap while nobody answers
	signal  func(*sample)

	encoding  encoding
	batch     int    // frames of a request, about
	snapshots bool   // every fourth frame is of class snapshot
	timeKey   string // JSON: the name the device time travels under

	bits     uint8  // of the counter on the wire
	lives    int    // boots, each with a new epoch value
	noEpoch  bool   // the device sends no epoch value; then it never reboots
	first    uint64 // number of the first frame of a life
	wraps    bool   // first is moved so that the counter wraps halfway through each life
	declares bool   // it says what first is
	lowBits  bool   // heartbeats carry the low bits, as frames do

	lost, held, repeated, conflicting int // interior runs and single frames that go wrong
	reorder                           int // neighbours that change places
	reach                             int // longest way, in numbers, that anything travels: reordering, repeats
	headLoss, tailLoss                int // numbers lost at the ends of a life, where the cluster can know of them
	declareLoss                       bool
	heartbeat                         int // requests between two heartbeats, 0: none
	ends                              ending
}

// narrow reports whether the counter wraps, so that a late frame must not be later than half of its range.
func (k *kind) narrow() bool { return k.bits < 64 }

// late returns how many numbers a frame may be held back by.
func (k *kind) late(numbers int) int {
	if k.narrow() {
		return min(numbers, 1<<(k.bits-3))
	}
	return numbers
}

// minPerDevice leaves room for every mishap in each life of each counter.
const minPerDevice = 400

// fast is the share of one counter in a fleet that is large enough: more numbers than 16 bits have.
const fastNumbers = 70_000

// kinds are the devices of a fleet, dealt out in turn.
var kinds = []kind{
	{
		name: "wind", streams: []string{"0"}, every: time.Second, signal: wind, encoding: encodeArray, batch: 20, timeKey: "time",
		bits: 64, lives: 3, declares: true, lost: 8, held: 4, repeated: 10, conflicting: 2, reorder: 30, reach: 24,
		headLoss: 3, tailLoss: 4, declareLoss: true, heartbeat: 4, ends: endWatermark,
	},
	{
		name: "mill", streams: []string{"0"}, every: 50 * time.Millisecond, signal: mill, encoding: encodeBatch, batch: 60,
		bits: 32, lives: 2, first: 1, declares: true, lost: 6, held: 3, repeated: 6, conflicting: 2, reorder: 40, reach: 40,
		tailLoss: 3, heartbeat: 3, ends: endSeal,
	},
	{
		name: "rail", streams: []string{"traction", "alarm"}, every: 250 * time.Millisecond, signal: rail, encoding: encodeBatch, batch: 40,
		bits: 64, lives: 2, first: 1000, declares: true, lost: 10, held: 5, repeated: 5, conflicting: 3, reorder: 20, reach: 30,
		headLoss: 2, tailLoss: 2, declareLoss: true, heartbeat: 5, ends: endSuccessor,
	},
	{
		name: "hvac", streams: []string{"0"}, every: 20 * time.Second, signal: hvac, encoding: encodeLines, batch: 25, snapshots: true, timeKey: "time_ms",
		bits: 64, lives: 1, noEpoch: true, first: 17, lost: 9, held: 3, repeated: 8, conflicting: 2, reorder: 20, reach: 16,
		ends: endLastSeen,
	},
	{
		name: "lora", streams: []string{"0"}, every: 5 * time.Second, backlog: true, signal: lora, encoding: encodeArray, batch: 8, timeKey: "time_us",
		bits: 16, lives: 2, wraps: true, declares: true, lowBits: true, lost: 12, held: 6, repeated: 12, conflicting: 2, reorder: 20, reach: 12,
		headLoss: 2, tailLoss: 3, heartbeat: 6, ends: endWatermark,
	},
	{
		name: "tank", streams: []string{"level"}, every: 5 * time.Second, backlog: true, signal: tank, encoding: encodeBatch, batch: 12,
		bits: 8, lives: 2, declares: true, lost: 8, held: 4, repeated: 8, conflicting: 2, reorder: 10, reach: 6,
		tailLoss: 2, heartbeat: 4, ends: endWatermark,
	},
	{
		name: "edge", streams: []string{"0"}, every: 2 * time.Second, signal: press, encoding: encodeZipped, batch: 50, timeKey: "time_ns",
		bits: 64, lives: 3, first: 1, declares: true, lost: 5, held: 12, repeated: 6, conflicting: 2, reorder: 10, reach: 32,
		headLoss: 4, tailLoss: 5, declareLoss: true, heartbeat: 2, ends: endSeal,
	},
}

// turbine is the fast counter: it passes the end of its 16 bits by running.
var turbine = kind{
	name: "fast", streams: []string{"0"}, every: 10 * time.Millisecond, backlog: true, signal: vibration, encoding: encodeBatch, batch: 500,
	bits: 16, lives: 1, declares: true, lost: 1, held: 1, repeated: 1, conflicting: 1, reorder: 10, reach: 40,
	headLoss: 5, tailLoss: 7, heartbeat: 10, ends: endSeal,
}
