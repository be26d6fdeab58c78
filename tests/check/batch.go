package check

import (
	"fmt"
	"slices"
	"time"
)

// Batch is one attempt to send frames of one counter: one request. It is stored whole or not at all, but for what the answer rejects. The
// client must not send it again by itself: net/http does so after a broken connection where there is an Idempotency-Key, unless keep-alives
// are off.
type Batch struct {
	Client   int
	Node     string // whom it was sent to
	Invoke   time.Duration
	Return   time.Duration // when the answer came, or the client gave up
	Counter  Counter
	First    uint64 // numbers First to Last, one frame each; without Numbered the ids that the payloads have
	Last     uint64
	Numbered bool   // the frames carry their numbers
	Key      string // Idempotency-Key, "" for none; the same key always goes with the same content
	Declares bool   // the frames say which number is the first of the epoch:
	Head     uint64 // this one
	BaseNS   int64  // device time of frame 0, nanoseconds; 0: frames carry no time
	StepNS   int64  // between a frame and the next
	Format   Format // in which it was sent
	Variant  uint64 // which bytes (PayloadOf): 0 the right ones, another number a device that contradicts itself

	Outcome Outcome
	Code    string // error code of an answer that is none of success, for the reader
	History uint64 // of the position of an Acked batch; 0 where none was given
	Index   uint64

	Accepted   int // of an Acked batch
	Duplicate  int
	Conflict   int
	Unverified int
	Replayed   bool     // the answer is the first one again
	Rejected   []uint64 // numbers that the answer rejects, or that were sent broken on purpose where it is Unknown: this attempt does not store them
}

// size is how many frames were sent.
func (b *Batch) size() uint64 { return b.Last - b.First + 1 }

// span is the numbers that were sent.
func (b *Batch) span() Span { return Span{b.First, b.Last} }

// numbers is what an Acked batch was acknowledged for, and what any other may have stored.
func (b *Batch) numbers() Numbers {
	all := Numbers{[]Span{b.span()}}
	if len(b.Rejected) == 0 {
		return all
	}
	return all.Minus(numbersOf(b.Rejected))
}

func (b *Batch) rejects(n uint64) bool { return slices.Contains(b.Rejected, n) }

func (b *Batch) String() string {
	s := fmt.Sprintf("%s %s by client %d to %s at %s..%s: %s", b.Counter, b.span(), b.Client, b.Node, b.Invoke, b.Return, b.Outcome)
	if b.Key != "" {
		s += " key " + b.Key
	}
	if b.Variant != 0 {
		s += fmt.Sprintf(" variant %d", b.Variant)
	}
	if b.Outcome == Acked {
		s += fmt.Sprintf(" at %d/%d accepted %d duplicate %d conflict %d unverified %d rejected %d",
			b.History, b.Index, b.Accepted, b.Duplicate, b.Conflict, b.Unverified, len(b.Rejected))
	}
	if b.Replayed {
		s += " replayed"
	}
	if b.Code != "" {
		s += " " + b.Code
	}
	return s
}

// Claim is one attempt to say something of a counter that no frame says.
type Claim struct {
	Client  int
	Node    string
	Invoke  time.Duration
	Return  time.Duration
	Kind    ClaimKind
	Counter Counter
	First   uint64 // Lost: first number that will never come
	Next    uint64 // Heartbeat: every number below exists. Lost, Sealed: one behind the last number

	Declares bool // Heartbeat: says which number is the first of the epoch:
	Head     uint64

	Outcome Outcome // a claim that the ledger finds contradictory is Refused
	Code    string
	History uint64
	Index   uint64
}

// ClaimKind is what a claim says.
type ClaimKind uint8

const (
	Heartbeat ClaimKind = iota // numbers below Next exist
	Lost                       // numbers First to Next-1 will never come
	Sealed                     // the epoch ends with Next-1: a seal. Of prev_last_seq record a second claim, about the epoch before
)

func (k ClaimKind) String() string { return [...]string{"heartbeat", "declare-lost", "seal"}[k] }

func (c *Claim) String() string {
	return fmt.Sprintf("%s of %s, first %d next %d, by client %d to %s at %s..%s: %s at %d/%d",
		c.Kind, c.Counter, c.First, c.Next, c.Client, c.Node, c.Invoke, c.Return, c.Outcome, c.History, c.Index)
}
