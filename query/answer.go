package query

import (
	"fmt"
	"net/http"
)

const ndjsonType = "application/x-ndjson"

// deadlineEvery is how many rows are written between two looks at the deadline.
const deadlineEvery = 256

// full reports whether a page has reached the limit of bytes, and counts that. It has at least one row then.
func (r *request) full(a *API) bool {
	if r.rows == 0 || len(r.w.b) < a.opt.MaxAnswerBytes {
		return false
	}
	a.metrics.limited.WithLabelValues("query.max_answer_bytes").Inc()
	return true
}

// writeState appends as_of and, where there is one, completeness.
func (r *request) writeState(asOf AsOf, c *completeness) {
	w := &r.w
	w.key("as_of")
	w.asOf(asOf)
	if c != nil {
		w.key("completeness")
		c.write(w)
	}
}

// asOf writes a state. It is a list, because a node may have several partitions.
func (w *writer) asOf(asOf AsOf) {
	w.open('[')
	w.open('{')
	w.key("partition")
	w.uint(uint64(asOf.Partition))
	w.key("history")
	w.uint(asOf.History)
	w.key("index")
	w.uint(asOf.Index)
	w.key("time")
	w.timeMS(asOf.TimeMS)
	w.close('}')
	w.close(']')
}

// next appends the cursor of the next page, null on the last one.
func (w *writer) next(c *cursor) {
	w.key("next")
	if c == nil {
		w.null()
		return
	}
	w.str(c.String())
}

// requireComplete refuses an incomplete answer where the client asked for that.
func (r *request) requireComplete(c *completeness) error {
	if c.verdict >= r.require {
		return nil
	}
	return &Error{
		Status: http.StatusConflict,
		Code:   "incomplete",
		Message: fmt.Sprintf("the answer is %s, %s was required: %d of %d expected frames are stored, %d are missing",
			c.verdict, r.require, c.stored, c.expected, c.missing()),
		Hint: "GET /v1/devices/{device}/gaps says what is missing and why the verdict is not better; " +
			"without require the data is returned as it is",
	}
}

// stateGone says that the state a listing shows is of a history that a restore ended.
func stateGone(want, got AsOf) error {
	return &Error{
		Status: http.StatusConflict,
		Code:   "cursor_expired",
		Message: fmt.Sprintf("the cursor belongs to history %d, and the store is in history %d since a restore",
			want.History, got.History),
		Hint: "start again without a cursor",
	}
}
