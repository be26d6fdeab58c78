package replay

import (
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/gaplessdb/gapless/frame"
)

// lanes is over how many batches under way the devices of a file are spread. It is no setting: batches must not depend on the number of connections.
const lanes = 32

// laneOf is the lane of a device.
func laneOf(device string) int {
	h := fnv.New32a()
	h.Write([]byte(device))
	return int(h.Sum32() % lanes)
}

// batchHeader is the same in every batch: the door that takes it writes its own, and a repeated batch must have the same bytes.
var batchHeader = frame.Header{Node: "", Listener: ""}

// batch is one request.
type batch struct {
	lane, number int // the number counts the batches of the lane, from 0
	body         []byte
	frames       int
	keyed        bool     // one of the frames has no number, or no epoch of its own: sent twice, it might not be recognised by them
	lines        []int64  // where each frame of the batch begins in the file
	devices      []string // of frames in it
	at           int64    // bytes of the file read so far
}

// laneBuilder fills one batch after the other with the frames of its devices.
type laneBuilder struct {
	lane    int
	number  int // of the batch at hand
	builder frame.Builder
	lines   []int64
	devices map[string]bool
	keyed   bool
	begun   bool
}

// add puts a frame into the batch at hand. full says that it did not fit: take the batch first.
func (l *laneBuilder) add(it *item) (full bool, err error) {
	if !l.begun {
		l.builder.Reset(batchHeader)
		l.lines, l.devices, l.keyed, l.begun = nil, map[string]bool{}, false, true
	}
	err = l.encode(it)
	var invalid *frame.InvalidError
	switch {
	case err == nil:
		l.lines = append(l.lines, it.line)
		l.devices[it.device] = true
		l.keyed = l.keyed || it.group.Unseq || it.group.Epoch == ""
		return false, nil
	case errors.As(err, &invalid) && invalid.Code == "batch_full" && len(l.lines) > 0:
		return true, nil
	case errors.As(err, &invalid):
		return false, badRow(it.line, invalid.Code, "%s", invalid.Message)
	}
	return false, err
}

func (l *laneBuilder) encode(it *item) error {
	if err := frame.ValidateClientName("device", it.device); err != nil {
		return err
	}
	if err := frame.ValidateClientName("stream", it.stream); err != nil {
		return err
	}
	id, err := l.builder.Stream(frame.StreamKey{Device: it.device, Stream: it.stream})
	if err != nil {
		return err
	}
	g := it.group
	g.Stream = id
	return l.builder.Add(g, &it.frame)
}

// take finishes the batch at hand; nil when it has no frame.
func (l *laneBuilder) take() (*batch, error) {
	if !l.begun || len(l.lines) == 0 {
		return nil, nil
	}
	body, err := l.builder.Finish(nil)
	if err != nil {
		return nil, fmt.Errorf("replay: batch %d of lane %d: %w", l.number, l.lane, err)
	}
	b := &batch{lane: l.lane, number: l.number, body: body, frames: len(l.lines), keyed: l.keyed, lines: make([]int64, len(l.lines))}
	for i, nth := range l.builder.Order() {
		b.lines[i] = l.lines[nth]
	}
	for device := range l.devices {
		b.devices = append(b.devices, device)
	}
	l.number++
	l.begun = false
	return b, nil
}
