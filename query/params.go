package query

import (
	"fmt"
	"hash/crc32"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// params are the query parameters of one request, copied from the request's buffers. Getters return errors that name the parameter and
// what it accepts.
type params map[string][]string

// repeatable are the parameters that may come several times.
var repeatable = []string{"device", "match"}

// parseParams refuses what the endpoint does not know: a misspelt filter that is ignored would give a wrong answer in silence.
func parseParams(args *fasthttp.Args, known []string) (params, error) {
	p := params{}
	for k, v := range args.All() {
		name := string(k)
		if !slices.Contains(known, name) && !slices.Contains(commonParams, name) {
			return nil, unknownParameter(name, known)
		}
		if len(p[name]) > 0 && !slices.Contains(repeatable, name) {
			return nil, badParameter(name, string(v), "one value, and it was given twice")
		}
		p[name] = append(p[name], string(v))
	}
	return p, nil
}

func unknownParameter(name string, known []string) error {
	all := slices.Concat(known, commonParams)
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "unknown_parameter",
		Message: fmt.Sprintf("parameter %.100q is not known here", name),
		Hint:    "known parameters: " + strings.Join(all, ", "),
	}
}

// text returns the parameter's value, "" when it is absent.
func (p params) text(name string) string {
	if v := p[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// has reports whether the parameter was given.
func (p params) has(name string) bool { return len(p[name]) > 0 }

// single returns the value of a parameter that this endpoint takes once.
func (p params) single(name string) (string, error) {
	if len(p[name]) > 1 {
		return "", badParameter(name, p[name][1], "one value, and it was given twice")
	}
	return p.text(name), nil
}

func (p params) uint(name string, absent, most uint64) (uint64, error) {
	if !p.has(name) {
		return absent, nil
	}
	v, err := strconv.ParseUint(p.text(name), 10, 64)
	if err != nil || v > most {
		return 0, badParameter(name, p.text(name), "an integer from 0 to "+strconv.FormatUint(most, 10))
	}
	return v, nil
}

// count is a number of things: at least 1.
func (p params) count(name string, absent, most int) (int, error) {
	if !p.has(name) {
		return absent, nil
	}
	v, err := strconv.Atoi(p.text(name))
	if err != nil || v < 1 || v > most {
		return 0, badParameter(name, p.text(name), "an integer from 1 to "+strconv.Itoa(most))
	}
	return v, nil
}

func (p params) bool(name string) (bool, error) {
	switch p.text(name) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if !p.has(name) {
			return false, nil
		}
	}
	return false, badParameter(name, p.text(name), "true or false")
}

// enum returns one of the accepted words, or "" when the parameter is absent.
func (p params) enum(name string, accepted ...string) (string, error) {
	if !p.has(name) || slices.Contains(accepted, p.text(name)) {
		return p.text(name), nil
	}
	return "", badParameter(name, p.text(name), strings.Join(accepted, ", "))
}

// timeNS reads a time of RFC 3339 as nanoseconds since the Unix epoch.
func (p params) timeNS(name string, absent int64) (int64, error) {
	if !p.has(name) {
		return absent, nil
	}
	t, err := time.Parse(time.RFC3339Nano, p.text(name))
	if err == nil {
		var ns int64
		if ns, err = frame.UnixNS(t); err == nil {
			return ns, nil
		}
	}
	return 0, badParameter(name, p.text(name), "a time of RFC 3339 from 1678 to 2261, such as 2026-11-21T10:00:00.5Z (write + as %2B)")
}

// timeRange reads from and to, both inclusive.
func (p params) timeRange() (from, to int64, err error) {
	if from, err = p.timeNS("from", math.MinInt64); err != nil {
		return 0, 0, err
	}
	if to, err = p.timeNS("to", math.MaxInt64); err != nil {
		return 0, 0, err
	}
	if from > to {
		return 0, 0, badParameter("to", p.text("to"), "a time not before from")
	}
	return from, to, nil
}

// epoch reads the server's ordinal of an epoch; 0 when it is absent.
func (p params) epoch() (uint32, error) {
	v, err := p.uint("epoch", 0, math.MaxUint32)
	if err == nil && p.has("epoch") && v == 0 {
		err = badParameter("epoch", "0", "the server's ordinal of the epoch, from 1")
	}
	return uint32(v), err
}

// cause reads the cause of a gap; 0 when it is absent.
func (p params) cause() (frame.Cause, error) {
	if !p.has("cause") {
		return 0, nil
	}
	if c, ok := frame.ParseCause(p.text("cause")); ok {
		return c, nil
	}
	var names []string
	for c := frame.Cause(1); c.Valid(); c++ {
		names = append(names, c.String())
	}
	return 0, badParameter("cause", p.text("cause"), strings.Join(names, ", "))
}

// filters are the parameters that change how an answer is given, not what it selects: a cursor outlives a change of them.
var filters = []string{"limit", "cursor", "consistency", "after", "require"}

// digest is a checksum of everything that selects: a cursor belongs to one selection.
func (p params) digest(tenant, route, device string) uint32 {
	names := make([]string, 0, len(p))
	for name := range p {
		if !slices.Contains(filters, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	b := []byte(route)
	for _, s := range []string{tenant, device} {
		b = appendText(b, s)
	}
	for _, name := range names {
		for _, v := range p[name] {
			b = appendText(appendText(b, name), v)
		}
	}
	return crc32.Checksum(b, castagnoli)
}
