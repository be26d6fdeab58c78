package ingest

import (
	"errors"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/valyala/fasthttp"
)

// Limits of one request beyond those of frame.
const (
	// maxRejected items of a request may be bad. Beyond that the format is wrong and not the frames, and the answer would grow without end.
	maxRejected = 10_000
	// maxEvidenceBytes is what the evidence of all rejects of a request may take of its batch. Later rejects are recorded without any.
	maxEvidenceBytes = 256 << 10
)

// Rejection is an item that is not stored, as the answer lists it.
type Rejection struct {
	Item    int    `json:"item"` // from 0: place in the array, non-empty line, or frame of the batch
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Collector turns the items of one request into one batch and remembers which item became what. Collectors are reused: the builder
// keeps its buffers and names. One goroutine at a time. An error of its methods refuses the whole request.
type Collector struct {
	builder frame.Builder
	reader  frame.Reader // of binary batches
	header  frame.Header
	tenant  string
	stamped []byte // the batch, when the client built it

	devices registry.Snapshot
	classes []frame.Class // by the batch's number of a stream, of those that were looked up; 0 is not yet

	scanner scanner
	json    reader
	object  frameObject

	items    int     // read so far
	added    []added // one for each frame of the batch, in the order of builder.Add
	unseq    int     // how many of them have no number
	rejected []Rejection
	evidence int // bytes
}

// added is a frame of the batch: which item it was, and whether it came without a number.
type added struct {
	item  uint32
	unseq bool
}

func (c *Collector) reset(h frame.Header, tenant string, devices registry.Snapshot) {
	c.header, c.tenant, c.devices = h, tenant, devices
	c.restart()
}

// restart drops what was collected.
func (c *Collector) restart() {
	c.builder.Reset(c.header)
	c.classes = c.classes[:0]
	c.items, c.unseq, c.evidence, c.stamped = 0, 0, 0, nil
	c.added = c.added[:0]
	c.rejected = c.rejected[:0]
}

// forget drops every reference to the request's body, which must not live as long as the pool that the collector goes back to.
func (c *Collector) forget() {
	c.scanner = scanner{}
	c.json.open(nil)
	c.object.Forget()
	c.devices = registry.Snapshot{}
	_ = c.reader.Reset(nil) // an empty batch is damaged, and leaves the reader empty
}

// item takes the validated JSON text of one item.
func (c *Collector) item(text []byte) error {
	if text[0] != '{' {
		return c.Unreadable(&Fault{"not_an_object", "an item must be a JSON object"})
	}
	c.object.read(text)
	return c.Take(&c.object.Item, text)
}

// Take puts an item into the batch, or lists it as rejected. text is what it was read from: evidence.
func (c *Collector) Take(it *Item, text []byte) error {
	key, f := c.key(it)
	if f != nil {
		it.Doubt(f)
	}
	if it.fault != nil {
		return c.reject(it.fault, it, text)
	}
	id, err := c.builder.Stream(key)
	if err == nil {
		it.Group.Stream = id
		if it.AnyClass && c.devices.HasClasses() {
			it.Frame.Class = c.classOf(id, key.Device)
		}
		err = c.builder.Add(it.Group, &it.Frame)
	}
	if err != nil {
		return c.refused(err, it, text)
	}
	c.add(it.Group.Unseq)
	c.items++
	return nil
}

// Unreadable lists an item of which nothing could be read.
func (c *Collector) Unreadable(f *Fault) error { return c.reject(f, nil, nil) }

// Items is how many items were taken or rejected so far.
func (c *Collector) Items() int { return c.items }

// key names the item's stream and checks that a client may use the names.
func (c *Collector) key(it *Item) (frame.StreamKey, *Fault) {
	key := frame.StreamKey{Tenant: c.tenant, Device: it.Device, Stream: it.Stream}.WithDefaults()
	if it.anonymous {
		return key, nil // said already
	}
	return key, faultOf(checkKey(key))
}

// checkKey holds for every door: names that begin with '_' are the store's own.
func checkKey(key frame.StreamKey) error {
	if err := frame.ValidateClientName("device", key.Device); err != nil {
		return err
	}
	return frame.ValidateClientName("stream", key.Stream)
}

// add remembers where a frame of the batch came from: the item at hand.
func (c *Collector) add(unseq bool) {
	c.added = append(c.added, added{uint32(c.items), unseq})
	if unseq {
		c.unseq++
	}
}

// refused handles an error of the builder: the batch is full, or the item is at fault.
func (c *Collector) refused(err error, it *Item, text []byte) error {
	if f := faultOf(err); f.Code != codeBatchFull {
		return c.reject(f, it, text)
	}
	return batchTooLarge()
}

// reject lists an item as rejected and, when its number is known, puts the fact into the batch. it is nil when nothing of the item could
// be read. The error refuses the whole request.
func (c *Collector) reject(f *Fault, it *Item, text []byte) error {
	if len(c.rejected) == maxRejected {
		return refuse(fasthttp.StatusBadRequest, "too_many_rejected", "check the format of the frames, or send fewer in one request",
			"more than %d items are bad, the last one: %s: %s; nothing was stored", maxRejected, f.Code, f.Message)
	}
	c.rejected = append(c.rejected, Rejection{Item: c.items, Code: f.Code, Message: clip(f.Message)})
	c.items++
	if it == nil || it.anonymous || it.Group.Unseq {
		return nil
	}
	return c.account(f, it, text)
}

// account records a rejected number in the batch, with the first bytes of the item as evidence.
func (c *Collector) account(f *Fault, it *Item, text []byte) error {
	key, _ := c.key(it)
	raw := text[:min(len(text), frame.MaxRejectBytes, maxEvidenceBytes-c.evidence)]
	c.evidence += len(raw)
	id, err := c.builder.Stream(key)
	if err == nil {
		it.Group.Stream = id
		err = c.builder.Reject(frame.Reject{Group: it.Group, Seq: it.Frame.Seq, Cause: causeOf(f.Code), Code: f.Code, Raw: raw})
	}
	if err != nil && faultOf(err).Code == codeBatchFull {
		return batchTooLarge()
	}
	return nil // any other error says that the number is not one to account for; the answer names the item all the same
}

// codeBatchFull is the builder's way to say that the frame is fine and the batch is not.
const codeBatchFull = "batch_full"

// causeOf is what the gap report will say about the number.
func causeOf(code string) frame.Cause {
	switch code {
	case "frame_too_large", "too_many_fields":
		return frame.CauseRejectedOversize
	default:
		return frame.CauseRejectedSchema
	}
}

// faultOf words an error of frame for the answer.
func faultOf(err error) *Fault {
	if err == nil {
		return nil // before invalid, which escapes to the heap
	}
	var invalid *frame.InvalidError
	if !errors.As(err, &invalid) {
		return &Fault{"bad_frame", clip(err.Error())}
	}
	code := invalid.Code
	if code == "duplicate_field" {
		code = "duplicate_key" // a field is a key to who writes JSON
	}
	message := clip(invalid.Message)
	if invalid.Hint != "" {
		message += ": " + invalid.Hint
	}
	return &Fault{code, message}
}

func batchTooLarge() error {
	return refuse(fasthttp.StatusRequestEntityTooLarge, "batch_too_large", "split the request into smaller ones",
		"the frames need more than the %d bytes or %d frames that one batch may have; nothing was stored", frame.MaxBatchBytes, frame.MaxBatchFrames)
}

func emptyBody() error {
	return refuse(fasthttp.StatusBadRequest, "empty_body", "send at least one frame, or the command's object", "there is nothing in the body")
}
