package tail

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// request is what GET /v1/tail was asked for.
type request struct {
	filter      filter
	show        query.Shown
	consistency query.Consistency
	consumer    string
	first       bool            // from the first retained frame on
	from        *frame.Position // behind this one; nil: from the first one, or from now
	until       bool            // ends at the state in which it began
	limit       int             // ends after so many frames, 0 for none
	events      bool
}

// maxMatchers is how many match parameters a request may have: a device has no more labels.
const maxMatchers = 64

var tailParams = []string{
	"from", "until", "limit", "device", "match", "stream", "class", "system", "fields", "raw", "consumer", "format", "consistency",
}

// parseTail reads the parameters.
func (a *API) parseTail(ctx *fasthttp.RequestCtx, who auth.Principal) (r *request, err error) {
	p, err := parseParams(ctx.QueryArgs(), tailParams)
	if err != nil {
		return nil, err
	}
	r = &request{filter: filter{tenant: who.Tenant}}
	var class, until string
	for _, read := range []func() error{
		func() (err error) { r.events, err = p.asEvents(ctx); return },
		func() (err error) { r.consistency, err = p.consistency(); return },
		func() (err error) { r.limit, err = p.count("limit"); return },
		func() (err error) { until, err = p.enum("until", "", "now"); return },
		func() (err error) { class, err = p.enum("class", "", "event", "snapshot"); return },
		func() (err error) { r.show, err = p.shown(); return },
		func() (err error) { r.consumer, err = p.given("consumer", "the name of a consumer"); return },
		func() error { return r.begin(p, ctx) },
		func() error { return r.filter.parse(p, a.opt.MaxDevices) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	r.until = until == "now"
	r.filter.class = map[string]frame.Class{"event": frame.ClassEvent, "snapshot": frame.ClassSnapshot}[class]
	return r, nil
}

// begin reads where to begin. What a browser says that it had last counts more than what the page asked for.
func (r *request) begin(p params, ctx *fasthttp.RequestCtx) error {
	name, from := "from", p.text("from")
	if last := ctx.Request.Header.Peek("Last-Event-ID"); len(last) > 0 {
		name, from = "Last-Event-ID", string(last)
		r.consumer = ""
	}
	switch {
	case from == "now", !p.has("from") && from == "":
		return nil
	case from == "first":
		r.first = true
		return nil
	}
	at, err := frame.ParsePosition(from)
	if err != nil {
		return badParameter(name, from, "a position exactly as an answer gave it, first or now")
	}
	r.from = &at
	return nil
}

// parse reads which frames are wanted.
func (f *filter) parse(p params, maxDevices int) (err error) {
	if f.stream, err = p.given("stream", "the name of a stream"); err != nil {
		return err
	}
	if f.system, err = p.bool("system", false); err != nil {
		return err
	}
	if n := len(p["device"]); n > maxDevices {
		return badParameter("device", p["device"][maxDevices], fmt.Sprintf("at most %d devices: select more by label, with match", maxDevices))
	}
	for _, device := range p["device"] {
		if device == "" {
			return badParameter("device", "", "the name of a device")
		}
		if f.devices == nil {
			f.devices = map[string]bool{}
		}
		f.devices[device] = true
	}
	if p.has("match") && f.devices != nil {
		return badParameter("match", p.text("match"), "label=value, and not together with device")
	}
	if n := len(p["match"]); n > maxMatchers {
		return badParameter("match", p["match"][maxMatchers], fmt.Sprintf("at most %d times label=value", maxMatchers))
	}
	for _, text := range p["match"] {
		m, err := registry.ParseMatcher(text)
		if err != nil {
			return badParameter("match", text, "label=value, where value is the whole value of the label")
		}
		f.match = append(f.match, m)
	}
	return nil
}

// shown reads the parameters fields and raw as GET /v1/frames does: an empty list is no fields at all.
func (p params) shown() (s query.Shown, err error) {
	raw, err := p.bool("raw", true)
	s.NoRaw = !raw
	if p.has("fields") {
		s.Fields = slices.DeleteFunc(strings.Split(p.text("fields"), ","), func(name string) bool { return name == "" })
		slices.Sort(s.Fields)
		s.Fields = slices.Compact(s.Fields)
	}
	return s, err
}

// start is where a tail begins.
type start struct {
	history uint64
	at      segment.Commit // everything up to here was given, or is not wanted
	until   segment.Commit // it ends here
}

// locate finds the place in a state.
func (r *request) locate(a *API, v *query.View) (s start, err error) {
	now := segment.EndOf(v.AsOf.Index)
	s = start{history: v.AsOf.History, at: now, until: segment.EndOf(math.MaxUint64)}
	if r.until {
		s.until = now
	}
	retained := a.opt.Retained(v)
	switch {
	case r.first:
		s.at = commitOf(retained)
	case r.from != nil:
		if r.from.History != s.history {
			return s, otherHistory(*r.from, s.history)
		}
		s.at = commitOf(*r.from)
		if s.at.Before(commitOf(retained)) {
			return s, &goneError{*r.from, retained}
		}
		if v.AsOf.Index < r.from.Index {
			return s, ahead(*r.from, v.AsOf)
		}
	}
	r.filter.look(v)
	return s, nil
}

func commitOf(p frame.Position) segment.Commit {
	return segment.Commit{Index: p.Index, Ordinal: p.Ordinal}
}

func positionOf(history uint64, c segment.Commit) frame.Position {
	return frame.Position{History: history, Index: c.Index, Ordinal: c.Ordinal}
}

// goneError is a position behind which not everything is there any more.
type goneError struct{ asked, retained frame.Position }

func (e *goneError) Error() string { return "tail: " + endRetained.message }

// asGone finds such an error.
func asGone(err error) (*goneError, bool) {
	var e *goneError
	return e, errors.As(err, &e)
}
