package drive

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

// World is what a cluster stands on.
type World interface {
	Computers() []Computer // in the order of the schedule's numbers
	Network() Network
	Dialer(place string) Dial // for a client at a place of its own, which no fault between computers reaches
}

// Dial connects to a computer, as net.Dialer does.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// Narrow is a World that gives its processes little of something, from the beginning to the end.
type Narrow interface {
	Felt() []check.Fault // one for each limit, with how often it was met
}

// Scene is what a world tells the driver of what happens in it.
type Scene interface {
	Now() time.Duration                       // since the start of the run
	Event(node string, e check.Event)         // e.g. of the disk or the vote store; now, if it has no time
	Note(node, what string)                   // a line of the journal
	Violate(checker, what string)             // a promise that the world saw broken
	Journal(node string) slog.Handler         // of what a node logs
	Go(task func())                           // a goroutine that the run waits for at its end
	Wait(long time.Duration) bool             // sleeps; false when the run is over
	Died(node string, life uint64, why error) // the process of that life ended by its own decision
}

// Computer is what a node runs on. The driver calls it from several goroutines.
type Computer interface {
	Name() string
	HTTP() string // host:port of its node's HTTP door
	Peer() string // host:port of its node's cluster port

	// Start runs a process on the disk as it is; life is its number. It returns when the node serves, or with what the node refused to start for. Once
	// it has returned nil, a process that ends by itself is told to Scene.Died. Halt may come before Start returns: then what Start returns is not
	// looked at, and nothing of that process may be left when it has returned.
	Start(life uint64) error
	// Halt ends the process, if one runs, at once: everything that it does from now on has no effect. The disk is then what the crash leaves.
	Halt(how Crash)
	// Stop ends the process in good order.
	Stop() error

	Disk() Disk
	Clock() Clock
}

// Pauser is a Computer whose process can stand still.
type Pauser interface {
	Pause() error
	Resume() error
}

// Trapper is a Disk that stops a process in an act (schedule.Flushing and so on): as it is about to do one of the operations that tell the
// act from any other, which chance chooses and sprung is told of, once. If it is killed then, it never does. Off takes the trap away, and
// lets go of who is in it.
type Trapper interface {
	Trap(act string, chance uint64, sprung func(what string)) (off func())
}

// Swapper is a Disk that can change places with another of its world; no process runs on either.
type Swapper interface{ Swap(with Disk) }

// Crash is how a process ends. The zero Crash is a power cut after which nothing unsynced is there.
type Crash struct {
	Kill bool       // the machine goes on: what was written is there
	Rand *rand.Rand // a power cut that lets any part of the unsynced survive
}

func (how Crash) String() string {
	switch {
	case how.Kill:
		return "killed"
	case how.Rand != nil:
		return "power cut, some of the unsynced survives"
	}
	return "power cut"
}

// Trouble is one way in which operations of a disk go wrong.
type Trouble string

// Troubles. The first three meet one operation, the others all until they are taken away.
const (
	FailSync  Trouble = "sync fails"              // of the log or the vote store
	DropSync  Trouble = "sync fails and drops"    // likewise, and what was not synced is gone
	StallLog  Trouble = "write to the log stalls" // of the log or the vote store
	FailRead  Trouble = "reads fail"
	FailWrite Trouble = "changes fail"
	Full      Trouble = "no room"
	SlowAll   Trouble = "all takes longer" // real processes only
	HangAll   Trouble = "nothing returns"  // real processes only
)

// Disk is what a node keeps its files on. Names are relative to the node's data directory.
type Disk interface {
	Arm(t Trouble, long time.Duration) // long is how long a stall takes, or how much longer everything does
	Disarm(t Trouble)
	Times(of ...Trouble) int // how often something met one of them since the start
	Unreadable() bool        // reads fail

	Look() vfs.FS // the files as they are, past all troubles; only to be read, and only now
	// Flip turns over a bit. Reads tells how often the byte was read from the disk since; nil where nobody counts.
	Flip(name string, offset int64, bit uint) (reads func() uint64, err error)
	Empty()                     // puts an empty disk in; no process runs
	Remember(key time.Duration) // keeps a copy of what is durable, until the disk is emptied
	Remembers(key time.Duration) bool
	PutBack(key time.Duration) // puts that copy in; no process runs
}

// Clock is the wall clock of a computer.
type Clock interface {
	Skew() time.Duration
	SetSkew(ahead time.Duration)
	Reads() uint64 // how often the node looked at it since the start
}

// Network is what is between the computers, by their index.
type Network interface {
	Cut(from, to int)
	Mend(from, to int)
	SetLoss(from, to int, p float64)
	SetDelay(from, to int, longer time.Duration) // give or take half of it; 0: as before
	Held(from, to int) int64                     // pieces that a cut held or dropped, since the start
	Lost(from, to int) int64
	Delayed(from, to int) int64
	Calm() // ends all of it
}
