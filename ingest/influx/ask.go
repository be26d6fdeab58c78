package influx

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/valyala/fasthttp"
)

// Name and Imitates are what a client learns of whom it talks to: who we are, and whose version 1 the paths without a number have.
const (
	Name     = "gapless"
	Imitates = "1.8.10"
)

// getPing is how version 1 asks whether the server is there.
func (d *Door) getPing(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	ctx.Response.Header.Set("X-Influxdb-Build", Name)
	ctx.Response.Header.Set("X-Influxdb-Version", Imitates+"+"+Name+buildOf(d.opt.Version))
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// buildOf is our version as the build part of a semantic version: clients parse it.
func buildOf(version string) string {
	if version == "" {
		return ""
	}
	return "-" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' {
			return r
		}
		return '-'
	}, version)
}

// getHealth is how version 2 asks whether the server takes writes.
func (d *Door) getHealth(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	health := struct {
		Name    string `json:"name"`
		Message string `json:"message"`
		Status  string `json:"status"`
		Version string `json:"version"`
	}{Name, "ready for queries and writes", "pass", d.opt.Version}
	if err := d.opt.Ready(); err != nil {
		health.Message, health.Status = err.Error(), "fail"
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	text, err := json.Marshal(health)
	if err != nil {
		return fmt.Errorf("influx: health: %w", err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(text, '\n'))
	return nil
}

// maxQueryBytes bounds the body of a query.
const maxQueryBytes = 64 << 10

// createDatabase is the one statement that is understood: writers of version 1 send it before the first line. A retention that it asks for
// could not be promised, so that form is refused like all others.
var createDatabase = regexp.MustCompile(`(?i)^\s*CREATE\s+DATABASE\s+(?:"(?:[^"\\]|\\.)+"|[\pL_][\pL\pN_]*)\s*;?\s*$`)

// postQuery answers CREATE DATABASE, and does nothing for it: databases are no namespace here.
func (d *Door) postQuery(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	statement, err := readQuery(ctx)
	if err != nil {
		return err
	}
	if !createDatabase.MatchString(statement) {
		return badRequest("unknown_statement", "read through GET /v1/query and /v1/frames; retention is policy",
			"only CREATE DATABASE without options is understood, not %.200q", statement)
	}
	ctx.SetContentType("application/json")
	ctx.SetBodyString(`{"results":[{"statement_id":0}]}` + "\n")
	return nil
}

// readQuery finds q where version 1 allows it: in the query, or in a form.
func readQuery(ctx *fasthttp.RequestCtx) (string, error) {
	var body []byte
	if stream := ctx.RequestBodyStream(); stream == nil {
		body = ctx.Request.Body() // which would read a stream to its end, however long it is
	} else {
		var err error
		if body, err = io.ReadAll(io.LimitReader(stream, maxQueryBytes+1)); err != nil {
			ctx.SetConnectionClose()
			return "", badRequest("broken_body", "send the request again", "the body ended early: %v", err)
		}
	}
	if len(body) > maxQueryBytes {
		ctx.SetConnectionClose() // what is left of the body is not read
		return "", &ingest.Error{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Hint: "send only the statement",
			Message: fmt.Sprintf("the body is larger than %d bytes", maxQueryBytes)}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", badRequest("bad_form", "send q=CREATE+DATABASE+name", "the body is no form: %v", err)
	}
	if q := ctx.QueryArgs().Peek("q"); len(q) > 0 {
		return string(q), nil
	}
	return form.Get("q"), nil
}
