package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// Error is how a request failed as a whole. The root writes the error body from it.
type Error struct {
	Status              int    // HTTP status
	Code, Message, Hint string // Code is stable; Hint says what to do
	retryAfter          time.Duration
	cause               error
}

// Error prints the code and the message.
func (e *Error) Error() string { return "ingest: " + e.Code + ": " + e.Message }

// Unwrap returns what the Proposer said, nil when the door refused by itself.
func (e *Error) Unwrap() error { return e.cause }

// HTTPError is what the root puts into the status line and the error body.
func (e *Error) HTTPError() (status int, code, message, hint string) {
	return e.Status, e.Code, e.Message, e.Hint
}

// RetryAfter is the Retry-After header, 0 for none.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// refuse builds an Error; it returns the interface so that callers cannot make a typed nil of it.
func refuse(status int, code, hint, format string, args ...any) error {
	return &Error{Status: status, Code: code, Message: clip(fmt.Sprintf(format, args...)), Hint: hint}
}

// maxMessageBytes keeps a client's own bytes from filling the answer.
const maxMessageBytes = 300

// clip shortens a message that quotes what a client sent.
func clip(message string) string {
	if len(message) <= maxMessageBytes {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessageBytes], "") + "..."
}

// OverloadError turns a request away for now: nothing of it is stored, and the same request may succeed later.
type OverloadError struct {
	RetryAfter time.Duration // at least one second is told to the client
	Limit      string        // the name of the limit that is reached, "" when there is no single one
}

func (e *OverloadError) Error() string {
	if e.Limit == "" {
		return "ingest: this node takes no more at the moment"
	}
	return "ingest: limit " + e.Limit + " of this node is reached"
}

// NoLeaderError says that the cluster cannot commit now, or that this node cannot reach the one that can. Nothing was stored.
type NoLeaderError struct {
	Leader string // HTTP address (http://host:port) of the leader if one is known, else ""
}

func (e *NoLeaderError) Error() string {
	if e.Leader == "" {
		return "ingest: no leader"
	}
	return "ingest: not the leader, which is " + e.Leader
}

// OutcomeUnknownError says that the batch was proposed and the answer was lost: it may be stored or not.
type OutcomeUnknownError struct{}

func (e *OutcomeUnknownError) Error() string { return "ingest: outcome unknown" }

// RefusedError is a Proposer's refusal of a whole request for what it is, such as idempotency_mismatch. Nothing was stored.
type RefusedError struct {
	Code, Message, Hint string
	Status              int // HTTP status, 0 is 400
}

func (e *RefusedError) Error() string { return "ingest: refused: " + e.Code + ": " + e.Message }

// leaderHeader carries the address of the node that a client should talk to.
const leaderHeader = "X-Gapless-Leader"

// fromProposer turns a Proposer's error into what the client is told, and sets the header that goes with it. Errors that are none of
// the four above pass as they are: the root answers them with 500.
func fromProposer(ctx *fasthttp.RequestCtx, err error) error {
	var overload *OverloadError
	var leader *NoLeaderError
	var unknown *OutcomeUnknownError
	var refused *RefusedError
	switch {
	case errors.As(err, &overload):
		return overloaded(overload)
	case errors.As(err, &leader):
		if leader.Leader != "" {
			ctx.Response.Header.Set(leaderHeader, leader.Leader)
		}
		return &Error{Status: fasthttp.StatusServiceUnavailable, Code: "no_leader",
			Message: "the cluster has no leader that this node can reach; nothing was stored",
			Hint:    "send the same request again, to the node in X-Gapless-Leader if there is one", cause: err}
	case errors.As(err, &unknown), errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: fasthttp.StatusServiceUnavailable, Code: "outcome_unknown",
			Message: "the answer of the cluster was lost: the request may have taken effect or not",
			Hint:    "retry with the same numbers or Idempotency-Key: what is stored already will count as duplicate", cause: err}
	case errors.As(err, &refused):
		status := refused.Status
		if status == 0 {
			status = fasthttp.StatusBadRequest
		}
		return &Error{Status: status, Code: refused.Code, Message: clip(refused.Message), Hint: refused.Hint, cause: err}
	default:
		return err
	}
}

func overloaded(e *OverloadError) error {
	return &Error{Status: fasthttp.StatusTooManyRequests, Code: "overloaded",
		Message: strings.TrimPrefix(e.Error(), "ingest: ") + "; nothing was stored",
		Hint:    "wait as long as Retry-After says, then send the same request again",
		cause:   e, retryAfter: max(e.RetryAfter, time.Second)}
}
