package tail

import (
	"context"
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/segment"
)

// end says why a stream ended: the last line that a reader gets, where one can be sent.
type end struct {
	code    string
	message string
	mute    bool // nothing more can be sent
}

func (e *end) Error() string { return "tail: " + e.code + ": " + e.message }

// The ends that are not faults of reading.
var (
	endLimit    = &end{code: "limit", message: "as many frames as asked for were given"}
	endUntil    = &end{code: "until", message: "everything that was committed when this tail began was given"}
	endSlow     = &end{code: "slow_reader", message: "the buffer was not taken within tail.stall: read faster, or go on from this position"}
	endShutdown = &end{code: "shutdown", message: "this node ends: go on from this position at another one, or here when it is back"}
	endHistory  = &end{code: "other_history", message: "the cluster was restored, and positions of before mean nothing: start again without one"}
	endRetained = &end{code: "position_gone", message: "frames behind this position are not retained any more"}
	endGone     = &end{code: "client_gone", message: "the client closed the connection", mute: true}
	endStuck    = &end{code: "slow_reader", message: "the client takes nothing", mute: true}
)

// endOf turns an error into what the reader is told. What has a code of its own keeps it.
func endOf(err error) *end {
	var own *end
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &shaped):
		_, code, message, hint := shaped.HTTPError()
		if hint != "" {
			message += ": " + hint
		}
		return &end{code: code, message: message}
	case errors.Is(err, context.Canceled):
		return endShutdown
	}
	return &end{code: "internal", message: err.Error()}
}

// segmentEnd says that a segment cannot be read here: another node, or this one later, goes on.
func segmentEnd(name segment.Name, err error) error {
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	code := "segment_missing"
	switch {
	case err == nil || errors.As(err, &shaped) || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, segment.ErrCorrupt):
		code = "segment_damaged"
	case errors.Is(err, segment.ErrVersion):
		code = "segment_version"
	}
	const hint = "go on from this position at another one, or here later"
	return &end{code: code, message: fmt.Sprintf("segment %s cannot be read on this node: %v: %s", name, err, hint)}
}
