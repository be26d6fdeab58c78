package fleet

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// request is one HTTP request, ready to be sent any number of times.
type request struct {
	path, contentType, contentEncoding string
	body                               []byte
	fresh, repeats, conflicts          int // frames in it, by role
}

// envelope holds what is told apart only by the counter: it travels in frames and in messages about them.
type envelope struct {
	Stream string `json:"stream,omitempty"`
	Epoch  any    `json:"epoch,omitempty"`
	Bits   uint8  `json:"bits,omitempty"`
}

func (s *source) envelope(life int) envelope {
	e := envelope{Stream: s.stream}
	if s.stream == frame.DefaultStream {
		e.Stream = ""
	}
	if v := s.lives[life].epoch; v != "" {
		e.Epoch = v
		if s.kind.encoding == encodeLines || s.kind.encoding == encodeZipped {
			e.Epoch = json.Number(v) // devices may send it as a number
		}
	}
	return e
}

// request encodes one op.
func (s *source) request(o *op) (*request, error) {
	switch o.kind {
	case opHeartbeat:
		return s.message("heartbeat", s.heartbeat(o))
	case opSeal:
		return s.message("seal", struct {
			envelope
			LastSeq uint64 `json:"last_seq"`
		}{s.envelope(o.life), o.next - 1})
	case opDeclare:
		return s.message("declare-lost", struct {
			envelope
			From   uint64 `json:"from"`
			To     uint64 `json:"to"`
			Reason string `json:"reason"`
		}{s.envelope(o.life), o.from, o.to, declareReason})
	}
	return s.frames(o)
}

// declareReason is what devices say of frames they lost themselves.
const declareReason = "ring overflow on the device"

// heartbeat is the body of one: every number below next_seq exists.
type heartbeat struct {
	envelope
	NextSeq     uint64     `json:"next_seq"`
	First       *uint64    `json:"first,omitempty"`
	Time        *time.Time `json:"time,omitempty"`
	PrevEpoch   any        `json:"prev_epoch,omitempty"`
	PrevLastSeq *uint64    `json:"prev_last_seq,omitempty"`
}

func (s *source) heartbeat(o *op) heartbeat {
	l := &s.lives[o.life]
	at := s.timeOf(o.life, o.next)
	h := heartbeat{envelope: s.envelope(o.life), NextSeq: o.next, Time: &at}
	first := l.first
	if s.kind.lowBits {
		h.Bits, h.NextSeq, first = s.kind.bits, s.wire(o.next), s.wire(first)
	}
	if s.kind.declares {
		h.First = &first
	}
	if o.previous {
		h.PrevEpoch, h.PrevLastSeq = s.lives[o.life-1].epoch, &s.lives[o.life-1].last
	}
	return h
}

func (s *source) message(what string, body any) (*request, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("fleet: %s of %s: %w", what, s.device, err)
	}
	return &request{path: "/v1/devices/" + url.PathEscape(s.device) + "/" + what, contentType: "application/json", body: b}, nil
}

// frames encodes the frames of an op in the way of its kind.
func (s *source) frames(o *op) (*request, error) {
	r := &request{path: "/v1/frames"}
	for _, f := range o.frames {
		switch {
		case f.withheld:
		case f.role == roleRepeat:
			r.repeats++
		case f.role == roleConflict:
			r.conflicts++
		default:
			r.fresh++
		}
	}
	var err error
	switch s.kind.encoding {
	case encodeBatch:
		r.contentType = "application/vnd.gapless.batch"
		r.body, err = s.batch(o)
	case encodeLines:
		r.contentType = "application/x-ndjson"
		r.body, err = s.json(o, "", "\n", "\n")
	default:
		r.contentType = "application/json"
		r.body, err = s.json(o, "[", ",", "]")
	}
	if err == nil && s.kind.encoding == encodeZipped {
		r.contentEncoding = "gzip"
		r.body, err = zipped(r.body)
	}
	if err != nil {
		return nil, fmt.Errorf("fleet: frames of %s: %w", s.device, err)
	}
	return r, nil
}

// batch builds the client form of the binary batch.
func (s *source) batch(o *op) ([]byte, error) {
	var b frame.Builder
	b.Reset(frame.Header{})
	id, err := b.Stream(frame.StreamKey{Device: s.device, Stream: s.stream})
	if err != nil {
		return nil, err
	}
	l := &s.lives[o.life]
	group := frame.Group{Stream: id, Epoch: l.epoch, Bits: s.kind.bits}
	if s.kind.declares {
		group.HasFirst, group.First = true, l.first
	}
	for _, r := range o.frames {
		if r.withheld {
			continue
		}
		f := s.frame(o.life, r)
		if err := b.Add(group, &f); err != nil {
			return nil, err
		}
	}
	return b.Finish(nil)
}

func zipped(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
