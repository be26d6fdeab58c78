package tail

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/query"
)

// params are the query parameters of a request, copied from its buffers.
type params map[string][]string

// repeatable are the parameters that may come several times.
var repeatable = []string{"device", "match"}

// parseParams refuses what a route does not know: a misspelt filter that is ignored would give other frames in silence.
func parseParams(args *fasthttp.Args, known []string) (params, error) {
	p := params{}
	for k, v := range args.All() {
		name := string(k)
		if !slices.Contains(known, name) {
			return nil, &query.Error{
				Status: http.StatusBadRequest, Code: "unknown_parameter", Message: fmt.Sprintf("parameter %.100q is not known here", name),
				Hint: "known parameters: " + strings.Join(known, ", "),
			}
		}
		if len(p[name]) > 0 && !slices.Contains(repeatable, name) {
			return nil, badParameter(name, string(v), "one value, and it was given twice")
		}
		p[name] = append(p[name], string(v))
	}
	return p, nil
}

func badParameter(name, value, accepted string) error {
	return &query.Error{
		Status: http.StatusBadRequest, Code: "bad_parameter", Message: fmt.Sprintf("parameter %s=%.100q is not valid", name, value),
		Hint: name + " accepts " + accepted,
	}
}

func (p params) has(name string) bool { return len(p[name]) > 0 }

func (p params) text(name string) string {
	if p.has(name) {
		return p[name][0]
	}
	return ""
}

// given is the value of a parameter that must not be empty, "" when it is absent.
func (p params) given(name, what string) (string, error) {
	if p.has(name) && p.text(name) == "" {
		return "", badParameter(name, "", what)
	}
	return p.text(name), nil
}

// enum returns one of the accepted words, the first one when the parameter is absent.
func (p params) enum(name string, accepted ...string) (string, error) {
	switch {
	case !p.has(name):
		return accepted[0], nil
	case slices.Contains(accepted, p.text(name)):
		return p.text(name), nil
	}
	return "", badParameter(name, p.text(name), strings.Join(slices.DeleteFunc(slices.Clone(accepted), func(s string) bool { return s == "" }), ", "))
}

func (p params) bool(name string, absent bool) (bool, error) {
	word, err := p.enum(name, strconv.FormatBool(absent), strconv.FormatBool(!absent))
	return word == "true", err
}

// count is a number of things: at least 1, and 0 when the parameter is absent.
func (p params) count(name string) (int, error) {
	if !p.has(name) {
		return 0, nil
	}
	n, err := strconv.Atoi(p.text(name))
	if err != nil || n < 1 {
		return 0, badParameter(name, p.text(name), "an integer from 1")
	}
	return n, nil
}

// consistency is how fresh the state must be in which a request begins.
func (p params) consistency() (query.Consistency, error) {
	word, err := p.enum("consistency", string(query.Leader), string(query.Linearizable), string(query.Stale))
	return query.Consistency(word), err
}

// asEvents reports whether a request wants Server-Sent Events.
func (p params) asEvents(ctx *fasthttp.RequestCtx) (bool, error) {
	word, err := p.enum("format", "", "ndjson", "sse")
	if word == "" {
		return bytes.Contains(ctx.Request.Header.Peek("Accept"), []byte(eventType)), err
	}
	return word == "sse", err
}
