package query

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
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
