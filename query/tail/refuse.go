package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

func otherHistory(asked frame.Position, history uint64) error {
	return &query.Error{
		Status: http.StatusConflict, Code: "other_history",
		Message: fmt.Sprintf("position %s belongs to history %d, this cluster is in history %d", asked, asked.History, history),
		Hint:    "the cluster was restored: start again without a position; for a consumer, reset it",
	}
}

// ahead says that nobody has committed anything at a position.
func ahead(asked frame.Position, now query.AsOf) error {
	newest := frame.Position{History: now.History, Index: now.Index}
	return &query.Error{
		Status: http.StatusConflict, Code: "position_ahead",
		Message: fmt.Sprintf("position %s is beyond everything that is committed, the newest is %s", asked, newest),
		Hint:    "use a position exactly as an answer of this cluster gave it",
	}
}

// tooMany says that the node has as many readers as it takes.
func tooMany(most int) error {
	return &query.Error{
		Status: http.StatusTooManyRequests, Code: "too_many_readers", Message: fmt.Sprintf("this node has tail.max_readers of %d already", most),
		Hint: "ask another node, or share one tail among those who need the same frames", Retry: time.Second,
	}
}

func late(deadline time.Duration) error {
	return &query.Error{
		Status: http.StatusGatewayTimeout, Code: "deadline", Message: fmt.Sprintf("the state was not there within tail.deadline of %s", deadline),
		Hint: "ask again, or with consistency=stale when the cluster has no leader", Retry: time.Second,
	}
}

// closing says that the node ends.
func closing() error {
	return &query.Error{
		Status: http.StatusServiceUnavailable, Code: "shutdown", Message: "this node ends", Hint: "ask another node, or this one when it is back",
		Retry: time.Second,
	}
}

// writeGone answers 410 with the position from which on everything is retained, as a member of its own: a client goes on there.
func writeGone(ctx *fasthttp.RequestCtx, e *goneError) error {
	body, err := json.Marshal(map[string]any{"error": map[string]string{
		"code":     endRetained.code,
		"message":  fmt.Sprintf("frames behind position %s are not retained any more, the first is behind %s", e.asked, e.retained),
		"hint":     "go on from `position`, or from=first: what lies between is lost to this reader",
		"position": e.retained.String(),
	}})
	if err != nil {
		return fmt.Errorf("tail: %w", err)
	}
	ctx.SetStatusCode(http.StatusGone)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(body, '\n'))
	return nil
}

// codeOf is the code of an error for the metrics.
func codeOf(err error) string {
	var coded interface {
		HTTPError() (status int, code, message, hint string)
	}
	if errors.As(err, &coded) {
		_, code, _, _ := coded.HTTPError()
		return code
	}
	return "internal"
}
