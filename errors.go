package gapless

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/raft"
	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm"
)

// httpError is an error of the node's own routes. Rooms have their own with the same method.
type httpError struct {
	status              int
	code, message, hint string
}

func (e *httpError) Error() string { return "gapless: " + e.code + ": " + e.message }

func (e *httpError) HTTPError() (status int, code, message, hint string) {
	return e.status, e.code, e.message, e.hint
}

// errorBody is the body of every answer that is not a success.
type errorBody struct {
	Error errorText `json:"error"`
}

type errorText struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// writeError answers with the error body, or as the route does; r is nil when there is none. An error without HTTPError is the node's own
// fault: its text goes to the log as well.
func (n *Node) writeError(ctx *fasthttp.RequestCtx, r *route, err error) {
	status, text := http.StatusInternalServerError, errorText{"internal", err.Error(), "look into the node's log; report it with the code and the time"}
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if errors.As(err, &shaped) {
		status, text.Code, text.Message, text.Hint = shaped.HTTPError()
	} else {
		n.log.Error("request failed", "method", string(ctx.Method()), "path", string(ctx.Path()), "err", err)
	}
	var pause interface{ RetryAfter() time.Duration }
	if errors.As(err, &pause) && pause.RetryAfter() > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(max(1, int(pause.RetryAfter().Seconds()))))
	}
	if r != nil && r.fail != nil {
		ctx.Response.ResetBody()
		r.fail(ctx, status, ingest.ErrorBody(text))
		return
	}
	body, err := json.Marshal(errorBody{text})
	if err != nil {
		body = []byte(`{"error":{"code":"internal","message":"the error has no text"}}`)
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
}

// authError is a request without a valid token, or without the scope it needs.
func authError(err error) error {
	if errors.Is(err, auth.ErrNoToken) || errors.Is(err, auth.ErrBadToken) {
		code := "bad_token"
		if errors.Is(err, auth.ErrNoToken) {
			code = "no_token"
		}
		return &httpError{http.StatusUnauthorized, code, err.Error(), "send the header `Authorization: Bearer TOKEN`; `gapless ctl token new` makes tokens"}
	}
	return err
}

// adminError shapes what proposing said for the node's own routes.
func adminError(err error) error {
	var none *ingest.NoLeaderError
	var unknown *ingest.OutcomeUnknownError
	var overload *ingest.OverloadError
	var refused *ingest.RefusedError
	var ofProof *proof.Refusal
	switch {
	case errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return &httpError{http.StatusConflict, "transfer_in_progress", err.Error(), "wait until it has ended"}
	case errors.As(err, &none), errors.Is(err, raftfsm.ErrNotLeader), errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost):
		return &httpError{http.StatusServiceUnavailable, "no_leader", "the cluster has no leader that this node can reach", "wait for an election, or read with consistency=stale"}
	case errors.As(err, &unknown):
		return &httpError{http.StatusServiceUnavailable, "outcome_unknown", "the answer of the cluster was lost: the request may have taken effect or not", "read the state before you repeat it"}
	case errors.As(err, &overload):
		return &httpError{http.StatusTooManyRequests, "overloaded", err.Error(), "repeat the request later"}
	case errors.As(err, &refused):
		return &httpError{cmp.Or(refused.Status, http.StatusBadRequest), refused.Code, refused.Message, refused.Hint}
	case errors.As(err, &ofProof):
		status := http.StatusBadRequest
		if ofProof.Conflict {
			status = http.StatusConflict
		}
		return &httpError{status, ofProof.Code, ofProof.Message, ofProof.Hint}
	}
	return err
}

// refusalMessages says in words why apply refused a frame, by the ledger's code.
var refusalMessages = map[string]string{
	ledger.CodeUnknownStream:   "the cluster holds as many streams as policy max_streams allows: raise it, or use fewer device names",
	ledger.CodeTooManyEpochs:   "the stream has as many epochs as policy max_epochs allows: look why the counter restarts so often",
	ledger.CodeTooManyRuns:     "the epoch has as many separate runs of numbers as policy max_runs allows",
	ledger.CodeTooManyCauses:   "the epoch has as many recorded causes of loss as policy max_runs allows",
	ledger.CodeSeqOutOfRange:   "the number is above 2^63-1 or does not fit its width",
	ledger.CodeImplausibleJump: "the number jumps further than policy max_jump allows: declare a new epoch, or raise it",
	ledger.CodeBadBits:         "bits is 8, 16, 32 or 64",
	ledger.CodeBadEpoch:        "the epoch value is longer than 64 bytes",
	ledger.CodeNameReserved:    "the device's name starts with '_', which is reserved for the store's own devices",
}

func refusalMessage(code string) string {
	if m, ok := refusalMessages[code]; ok {
		return m
	}
	return "the ledger refused the frame: " + code
}
