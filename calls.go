package gapless

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// Operations between nodes (docs/format/command.md). Every payload is a JSON head, length first, and for opFrames the batch after it.
const (
	opStatus    byte = 1 // who are you, and how far did you get?
	opFrames    byte = 2 // commit this batch
	opCommand   byte = 3 // commit this command
	opReadIndex byte = 4 // up to where must I have applied?
	opTransfer  byte = 5 // hand leadership over
	opSegment   byte = 6 // a range of a segment file; the answer is the bytes themselves
	opFloor     byte = 7 // a range of a floor file, likewise
	opLeaves    byte = 8 // a range of a file of what it counted, likewise
)

// status is what a node says of itself.
type status struct {
	Node      string            `json:"node"`
	Server    string            `json:"server"`
	ClusterID string            `json:"cluster_id"` // of its disk, "" while that belongs to no cluster
	Empty     bool              `json:"empty"`      // never took part in a cluster
	Peers     map[string]string `json:"peers"`
	Servers   []string          `json:"servers"` // server ids of its Raft configuration
	HTTP      string            `json:"http"`
	Raft      string            `json:"raft"`
	State     string            `json:"state"`
	Term      uint64            `json:"term"`
	LastTerm  uint64            `json:"last_term"`  // of the last durable entry
	LastIndex uint64            `json:"last_index"` // of the last durable entry
	Commit    uint64            `json:"commit"`
	Applied   uint64            `json:"applied"`
	ClockMS   int64             `json:"clock_ms"`
	StartedMS int64             `json:"started_ms"` // when this life of the process began, 0 from releases that do not say
	Missing   int               `json:"missing"`    // segments of its manifest that it lacks
	Pressure  int               `json:"pressure"`   // how far its flusher is behind: State.Pressure
	Leader    string            `json:"leader"`     // server id, as it knows
	Waiting   string            `json:"waiting"`    // why it is not in its cluster yet, or not any more
}

func (st *status) logEnd() raftfsm.LogEnd {
	return raftfsm.LogEnd{Term: st.LastTerm, Index: st.LastIndex}
}

// running reports whether Raft runs.
func (st *status) running() bool { return st.State != stateWaiting }

// stateWaiting is the state of a node whose Raft does not run yet.
const stateWaiting = "Waiting"

type framesHead struct {
	Tenant    string `json:"tenant"`
	Key       string `json:"key,omitempty"`
	Sum       []byte `json:"sum,omitempty"`
	TimeoutMS int64  `json:"timeout_ms"`
}

type commandHead struct {
	Kind    uint16 `json:"kind"`
	Version uint8  `json:"version"`
	Body    []byte `json:"body"`
}

type readIndexHead struct {
	Verify bool `json:"verify"`
}

type transferHead struct {
	To string `json:"to"`
}

// callAnswer is every answer but a status: a result, or a fault by its class, so that the asking node treats it as its own.
type callAnswer struct {
	Fault   string               `json:"fault,omitempty"`
	Refused *ingest.RefusedError `json:"refused,omitempty"`
	Result  json.RawMessage      `json:"result,omitempty"`
}

// faults are the classes of errors that cross the port.
var faults = map[string]error{
	"not_leader": raftfsm.ErrNotLeader,
	"stale":      raftfsm.ErrStale,
	"overloaded": raftfsm.ErrOverloaded,
	"unknown":    raftfsm.ErrUnknown,
	"key_reused": raftfsm.ErrKeyMismatch,
}

// call asks another node. A fault before the request left this node is ErrNotLeader (nothing was proposed), one after it ErrUnknown.
func (n *Node) call(ctx context.Context, addr string, op byte, payload []byte, result any) error {
	out, err := n.port.Call(ctx, addr, op, payload)
	var notSent *port.NotSentError
	var remote *port.RemoteError
	switch {
	case errors.As(err, &notSent):
		return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
	case errors.As(err, &remote):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", raftfsm.ErrUnknown, err)
	}
	var a callAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		return fmt.Errorf("gapless: answer of %s to operation %d: %w", addr, op, err)
	}
	if a.Refused != nil {
		return a.Refused
	}
	if a.Fault != "" {
		if known, ok := faults[a.Fault]; ok {
			return fmt.Errorf("%w (%s)", known, addr)
		}
		return errors.New(a.Fault)
	}
	return json.Unmarshal(a.Result, result)
}

// answer serves another node's call.
func (n *Node) answer(ctx context.Context, op byte, payload []byte) ([]byte, error) {
	switch op {
	case opSegment:
		return n.serveSegment(payload)
	case opFloor:
		return n.serveFloor(payload)
	case opLeaves:
		return n.serveLeaves(payload)
	}
	result, err := n.answerOp(ctx, op, payload)
	if err == nil {
		raw, err := json.Marshal(result)
		if err != nil {
			return nil, err
		}
		return json.Marshal(callAnswer{Result: raw})
	}
	var refused *ingest.RefusedError
	if errors.As(err, &refused) {
		return json.Marshal(callAnswer{Refused: refused})
	}
	for class, known := range faults {
		if errors.Is(err, known) {
			return json.Marshal(callAnswer{Fault: class})
		}
	}
	return json.Marshal(callAnswer{Fault: err.Error()})
}

func (n *Node) answerOp(ctx context.Context, op byte, payload []byte) (any, error) {
	switch op {
	case opStatus:
		return n.ownStatus(), nil
	case opFrames:
		var head framesHead
		batch, err := splitHead(payload, &head)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(head.TimeoutMS)*time.Millisecond)
		defer cancel()
		part := &raftfsm.Part{Tenant: head.Tenant, Key: head.Key, Batch: batch}
		copy(part.Sum[:], head.Sum)
		return n.proposeHere(ctx, part)
	case opCommand:
		var head commandHead
		if _, err := splitHead(payload, &head); err != nil {
			return nil, err
		}
		if err := n.admitCommand(ctx, &head); err != nil {
			return nil, err
		}
		return n.commandHere(head.Kind, head.Version, head.Body)
	case opReadIndex:
		var head readIndexHead
		if _, err := splitHead(payload, &head); err != nil {
			return nil, err
		}
		return n.readIndexHere(ctx, head.Verify)
	case opTransfer:
		var head transferHead
		if _, err := splitHead(payload, &head); err != nil {
			return nil, err
		}
		return struct{}{}, n.transfer(head.To)
	}
	return n.answerMembership(ctx, op, payload)
}

// joinHead puts a JSON head, length first, before a body.
func joinHead(head any, body []byte) ([]byte, error) {
	raw, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, binary.MaxVarintLen32+len(raw)+len(body))
	out = binary.AppendUvarint(out, uint64(len(raw)))
	out = append(out, raw...)
	return append(out, body...), nil
}

func splitHead(payload []byte, head any) (body []byte, err error) {
	size, n := binary.Uvarint(payload)
	if n <= 0 || size > uint64(len(payload)-n) {
		return nil, errors.New("gapless: call without a head")
	}
	end := n + int(size)
	if err := json.Unmarshal(payload[n:end], head); err != nil {
		return nil, fmt.Errorf("gapless: head of a call: %w", err)
	}
	return payload[end:], nil
}

// commandAnswer is a committed command's result on the way between nodes.
type commandAnswer struct {
	Position frame.Position  `json:"position"`
	Result   json.RawMessage `json:"result,omitempty"`
}
