package influx

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/valyala/fasthttp"
)

// version is what differs between the two write APIs.
type version struct {
	database   string                   // the parameter that names where to write
	parameters []string                 // all that are known
	units      map[string]time.Duration // of ?precision=
	unitList   string                   // for people
	// credentials is the Authorization that package auth understands.
	credentials func(ctx *fasthttp.RequestCtx) string
	// fail writes an error as the version's clients expect it.
	fail func(ctx *fasthttp.RequestCtx, status int, e ingest.ErrorBody)
	// partial writes the answer to a request with bad lines, the first of them being line.
	partial func(ctx *fasthttp.RequestCtx, message string, line int)
}

var version1 = version{
	database:   "db",
	parameters: []string{"db", "rp", "precision", "consistency", "u", "p", deviceTagParameter},
	units: map[string]time.Duration{"n": 1, "ns": 1, "u": time.Microsecond, "us": time.Microsecond, "µ": time.Microsecond,
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour},
	unitList:    "n, ns, u, us, ms, s, m or h",
	credentials: credentials1,
	fail:        func(ctx *fasthttp.RequestCtx, status int, e ingest.ErrorBody) { write1(ctx, status, sentence(e)) },
	partial:     func(ctx *fasthttp.RequestCtx, message string, _ int) { write1(ctx, http.StatusBadRequest, message) },
}

var version2 = version{
	database:    "bucket",
	parameters:  []string{"org", "orgID", "bucket", "bucketID", "precision", "consistency", deviceTagParameter},
	units:       map[string]time.Duration{"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second},
	unitList:    "ns, us, ms or s",
	credentials: credentials2,
	fail: func(ctx *fasthttp.RequestCtx, status int, e ingest.ErrorBody) {
		write2(ctx, status, body2{Message: sentence(e)})
	},
	partial: func(ctx *fasthttp.RequestCtx, message string, line int) {
		write2(ctx, http.StatusBadRequest, body2{Message: message, Line: line})
	},
}

// credentials1 is what version 1 lets a client send: u and p in the query before any header, Basic, or Token. The name is not looked at:
// the password is the token. A name without a password is a wrong token, not nobody.
func credentials1(ctx *fasthttp.RequestCtx) string {
	if q := ctx.QueryArgs(); q.Has("u") || q.Has("p") {
		return "Bearer " + string(q.Peek("p"))
	}
	header := string(ctx.Request.Header.Peek("Authorization"))
	if scheme, packed, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Basic") {
		pair, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(packed)) // what cannot be decoded has no password
		_, password, _ := strings.Cut(string(pair), ":")
		return "Bearer " + password
	}
	return credentials2(ctx)
}

// credentials2 takes `Token TOKEN` for `Bearer TOKEN`.
func credentials2(ctx *fasthttp.RequestCtx) string {
	header := string(ctx.Request.Header.Peek("Authorization"))
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Token") {
		return "Bearer " + token
	}
	return header
}

// sentence is an error of ours in one line, the stable code first.
func sentence(e ingest.ErrorBody) string {
	text := e.Code + ": " + e.Message
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// write1 answers as version 1 does.
func write1(ctx *fasthttp.RequestCtx, status int, message string) {
	if status == http.StatusUnauthorized {
		ctx.Response.Header.Set("WWW-Authenticate", `Basic realm="gapless"`)
	}
	writeJSON(ctx, status, struct {
		Error string `json:"error"`
	}{message})
}

// body2 is the error body of version 2.
type body2 struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"` // the first bad one
}

// codes2 are version 2's words for a status.
var codes2 = map[int]string{
	http.StatusBadRequest: "invalid", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden",
	http.StatusConflict: "conflict", http.StatusRequestEntityTooLarge: "request too large", http.StatusUnsupportedMediaType: "unsupported media type",
	http.StatusUnprocessableEntity: "unprocessable entity", http.StatusTooManyRequests: "too many requests",
	http.StatusServiceUnavailable: "unavailable",
}

// write2 answers as version 2 does.
func write2(ctx *fasthttp.RequestCtx, status int, body body2) {
	var known bool
	if body.Code, known = codes2[status]; !known {
		body.Code = "internal error"
	}
	writeJSON(ctx, status, body)
}

func writeJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte(`{"error":"the answer has no text"}`) // structs of text and numbers: cannot happen
	}
	// Clients of both versions wait as long as this says, and guess without it.
	retry := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
	if retry && len(ctx.Response.Header.Peek("Retry-After")) == 0 {
		ctx.Response.Header.Set("Retry-After", "1")
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(append(text, '\n'))
}
