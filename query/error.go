package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Error is a refused question. The root writes it as the error body.
type Error struct {
	Status  int
	Code    string // stable, snake_case
	Message string // what is wrong, with the value
	Hint    string // what to do about it
	Retry   time.Duration
	limit   string // the setting that was reached, for the metrics
}

func (e *Error) Error() string { return "query: " + e.Code + ": " + e.Message }

// HTTPError gives the parts of the error body.
func (e *Error) HTTPError() (status int, code, message, hint string) {
	return e.Status, e.Code, e.Message, e.Hint
}

// RetryAfter is how long the client should wait, 0 when waiting does not help.
func (e *Error) RetryAfter() time.Duration { return e.Retry }

func badParameter(name, value, accepted string) error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "bad_parameter",
		Message: fmt.Sprintf("parameter %s=%.100q is not valid", name, value),
		Hint:    name + " accepts " + accepted,
	}
}

func unknownDevice(device string) error {
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "unknown_device",
		Message: fmt.Sprintf("no frame, heartbeat or loss of device %.256q is known", device),
		Hint:    "GET /v1/devices lists the devices of this tenant",
	}
}

func unknownStream(device, stream string) error {
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "unknown_stream",
		Message: fmt.Sprintf("device %.256q has no stream %.256q", device, stream),
		Hint:    "GET /v1/devices/{device} lists its streams",
	}
}

func unknownEpoch(device string, ordinal uint32) error {
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "unknown_epoch",
		Message: fmt.Sprintf("no selected stream of device %.256q has an epoch %d", device, ordinal),
		Hint:    "epoch is the server's ordinal, from 1; GET /v1/devices/{device}/gaps lists the epochs",
	}
}

// limitError says that an answer would pass a limit. It names the limit as it stands in the settings.
func limitError(limit string, value int, hint string) error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "limit_exceeded",
		Message: fmt.Sprintf("the answer would pass the limit %s of %d", limit, value),
		Hint:    hint,
		limit:   limit,
	}
}

// segmentRetry is how long a client should wait before it asks again for a segment that this node cannot read: a replica sends it.
const segmentRetry = 5 * time.Second

// missingSegment says that a segment of the state cannot be opened on this node now. The rest of the answer is not given: it would look
// whole.
func missingSegment(name segment.Name, err error) error {
	if passes(err) || errors.Is(err, segment.ErrCorrupt) || errors.Is(err, segment.ErrVersion) {
		return damagedSegment(name, err)
	}
	return &Error{
		Status:  http.StatusServiceUnavailable,
		Code:    "segment_missing",
		Message: fmt.Sprintf("segment %s is part of the answer and is not on this node now: %v", name, err),
		Hint:    "ask another node, or this one later: it gets the segment from a replica, and /readyz says when it has all of them",
		Retry:   segmentRetry,
	}
}

// damagedSegment says that a segment of the state could not be read. nil stays nil.
func damagedSegment(name segment.Name, err error) error {
	if err == nil || passes(err) {
		return err
	}
	e := &Error{
		Status:  http.StatusServiceUnavailable,
		Code:    "segment_damaged",
		Message: fmt.Sprintf("segment %s is part of the answer and cannot be read here: %v", name, err),
		Hint:    "ask another node, or this one later: it gets a good copy from a replica, and /readyz says when it has all segments",
		Retry:   segmentRetry,
	}
	if errors.Is(err, segment.ErrVersion) {
		e.Code, e.Hint, e.Retry = "segment_version", "this node runs an older release than the one that wrote the segment: upgrade it", 0
	}
	return e
}

// passes reports whether an error says itself how it is to be answered, or is the end of the request's time.
func passes(err error) bool {
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	return errors.As(err, &shaped) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// timeoutError replaces the context's error when a question ran into its deadline; other errors stay as they are.
func timeoutError(err error, deadline time.Duration) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{
		Status:  http.StatusGatewayTimeout,
		Code:    "deadline",
		Message: fmt.Sprintf("the answer was not ready within the limit query.deadline of %s", deadline),
		Hint:    "ask for less (a device, a narrower range, a smaller limit), or with consistency=stale when the cluster has no leader",
		Retry:   time.Second,
		limit:   "query.deadline",
	}
}

// codeOf is the error's code for the metrics.
func codeOf(err error) string {
	var coded interface {
		HTTPError() (status int, code, message, hint string)
	}
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &coded):
		_, code, _, _ := coded.HTTPError()
		return code
	default:
		return "internal"
	}
}
