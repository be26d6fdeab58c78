package fleet

import (
	"math/rand/v2"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// source is one counter of one device with all that it is going to do.
type source struct {
	device, stream string
	kind           *kind
	seed           uint64
	bornNS         int64         // device time of its first frame
	every          time.Duration // between two numbers, on the device's clock
	lives          []life
	ops            []op
}

// life is the time between two boots: one epoch. first and last bound the numbers that exist, whether or not they were sent.
type life struct {
	epoch       string // the device's own value, "" when it sends none
	first, last uint64
	head        string
	tail        ending
	bornNS      int64
}

// opKind is what a request carries.
type opKind uint8

const (
	opFrames opKind = iota
	opHeartbeat
	opSeal
	opDeclare
)

// op is one request in the life of a source. Requests of a source are sent one after the other.
type op struct {
	kind     opKind
	life     int
	frames   []ref  // opFrames
	next     uint64 // opHeartbeat: every number below exists
	previous bool   // opHeartbeat: it also tells how the life before ended
	from, to uint64 // opDeclare
	withheld bool   // a lie: recorded, not sent
}

// role is why a number is on the wire.
type role uint8

const (
	roleFresh    role = iota // for the first time
	roleRepeat               // again, same bytes
	roleConflict             // again, other bytes
)

// ref is one frame of a request. Its content is made when it is sent.
type ref struct {
	seq        uint64
	role       role
	withheld   bool // a lie: recorded, not sent
	unrecorded bool // a lie: sent, not recorded
}

// frame makes the content of one frame: a function of the source, the life, the number and whether it conflicts.
func (s *source) frame(life int, r ref) frame.Frame {
	l := &s.lives[life]
	n := int64(r.seq - l.first)
	rng := rand.New(rand.NewPCG(s.seed+uint64(life)<<56, r.seq))
	at := l.bornNS + n*int64(s.every) + rng.Int64N(int64(s.every/10)+1)
	at -= at % int64(s.resolution())
	smp := sample{t: float64(at-s.bornNS) / 1e9, rng: rng}
	if r.role == roleConflict {
		smp.shift = 1
	}
	s.kind.signal(&smp)
	f := frame.Frame{Seq: s.wire(r.seq), TimeNS: at, Class: frame.ClassEvent, Fields: smp.fields, Raw: smp.raw}
	if s.kind.snapshots && r.seq%4 == 0 {
		f.Class = frame.ClassSnapshot
	}
	return f
}

// resolution is what the device's clock shows.
func (s *source) resolution() time.Duration {
	if s.every >= 10*time.Millisecond || s.kind.timeKey == "time_ms" {
		return time.Millisecond
	}
	return time.Microsecond
}

// wire returns a number as the counter shows it.
func (s *source) wire(seq uint64) uint64 {
	if s.kind.bits == 64 {
		return seq
	}
	return seq & (1<<s.kind.bits - 1)
}

// timeOf returns the device time at which a number is due, for messages that are not frames.
func (s *source) timeOf(life int, seq uint64) time.Time {
	l := &s.lives[life]
	return time.Unix(0, l.bornNS+int64(seq-l.first)*int64(s.every)).UTC()
}

// wraps counts how often the counter passed zero in a life.
func (l *life) wraps(bits uint8) uint64 {
	if bits == 64 {
		return 0
	}
	return l.last>>bits - l.first>>bits
}
