package ingest

import "github.com/gaplessdb/gapless/frame"

// Fault is why an item was rejected: the code and message of the answer.
type Fault struct{ Code, Message string }

// Item is one frame on its way into a batch, from whatever format. Its names, values and payload may alias the request's body, or memory
// that the next item overwrites: the Collector copies what it keeps.
type Item struct {
	Device, Stream string      // "" is the default stream
	Group          frame.Group // all but Stream, which belongs to the batch
	Frame          frame.Frame
	AnyClass       bool // the sender said nothing of a class

	fault     *Fault // the first thing that is wrong; reading goes on, to learn whose frame it is
	anonymous bool   // what names the frame is itself wrong
}

// Reset makes it an item of which nothing is known yet: no number, a 64-bit counter, no time. The slice of fields is kept.
func (it *Item) Reset() {
	*it = Item{
		Group:    frame.Group{Bits: 64, Unseq: true},
		Frame:    frame.Frame{Class: frame.ClassEvent, NoTime: true, Fields: it.Frame.Fields[:0]},
		AnyClass: true,
	}
}

// Fail marks the item as rejected. The first fault counts.
func (it *Item) Fail(f *Fault) {
	if it.fault == nil {
		it.fault = f
	}
}

// Doubt is Fail for a fault in what names the frame: with device, stream, epoch or number in doubt, nothing can be said about any number.
func (it *Item) Doubt(f *Fault) {
	it.Fail(f)
	it.anonymous = true
}

// Forget drops every reference to a request's body, which must not live as long as a pool that the item goes back to.
func (it *Item) Forget() {
	clear(it.Frame.Fields[:cap(it.Frame.Fields)])
	*it = Item{Frame: frame.Frame{Fields: it.Frame.Fields[:0]}}
}

// Failed reports whether the item is rejected.
func (it *Item) Failed() bool { return it.fault != nil }
