package gapless

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// check holds an answer against the description: status, headers, type, every member, and the code of an error.
func (a *apiTest) check(what string, in *openapi3filter.RequestValidationInput, resp *http.Response, body []byte) {
	a.t.Helper()
	described := in.Route.Operation.Responses.Status(resp.StatusCode)
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if described == nil {
		a.t.Errorf("%s: status %d is not described: %s", what, resp.StatusCode, body)
		return
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
	content := described.Value.Content.Get(kind)
	switch {
	case len(body) == 0 && len(described.Value.Content) > 0, len(body) > 0 && content == nil:
		a.t.Errorf("%s: %d bytes of %q are not described: %.200s", what, len(body), kind, body)
		return
	case kind == "application/json" || kind == "application/yaml":
		out.SetBodyBytes(body)
	default: // of other types the package knows nothing
		options := *in.Options
		options.ExcludeResponseBody = true
		out.Options = &options
	}
	if err := openapi3filter.ValidateResponse(a.t.Context(), out); err != nil {
		a.t.Errorf("%s: answer %d %s\n%v", what, resp.StatusCode, body, err)
	}
	for _, line := range linesOf(kind, body) {
		if err := checkLine(content.Schema.Value, line); err != nil {
			a.t.Errorf("%s: line %s\n%v", what, line, err)
		}
	}
	if kind == "text/csv" {
		if _, err := csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil { // lines of different lengths are an error
			a.t.Errorf("%s: %v", what, err)
		}
	}
	a.checkHeaders(what, resp)
	if code := errorCode(body); code != "" && resp.StatusCode >= 400 && !strings.Contains(*described.Value.Description, "`"+code+"`") {
		a.t.Errorf("%s: %d is not described as possibly %s", what, resp.StatusCode, code)
	}
}

// checkHeaders holds headers that are JSON against the description. One of them is a trailer: it is there where the body was read to its end.
func (a *apiTest) checkHeaders(what string, resp *http.Response) {
	a.t.Helper()
	texts := map[string]string{
		"AsOf": resp.Header.Get("X-Gapless-As-Of"), "Completeness": resp.Header.Get("X-Gapless-Completeness"),
		"StreamEnd": resp.Trailer.Get("X-Gapless-End"),
	}
	if announced := resp.Trailer != nil; announced != (texts["StreamEnd"] != "") {
		a.t.Errorf("%s: trailers %v", what, resp.Trailer)
	}
	for schema, text := range texts {
		if text == "" {
			continue
		}
		if err := checkLine(a.d.Components.Schemas[schema].Value, []byte(text)); err != nil {
			a.t.Errorf("%s: header %s: %v", what, text, err)
		}
	}
}

// linesOf are the documents of a stream.
func linesOf(kind string, body []byte) (lines [][]byte) {
	for line := range bytes.Lines(body) {
		line = bytes.TrimSpace(line)
		switch kind {
		case "application/x-ndjson":
			lines = append(lines, line)
		case "text/event-stream":
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				lines = append(lines, data)
			}
		}
	}
	return lines
}

func checkLine(schema *openapi3.Schema, line []byte) error {
	var v any
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	return schema.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.SetSchemaErrorMessageCustomizer(inShort))
}

// inShort leaves the schema out of an error.
func inShort(err *openapi3.SchemaError) string {
	return fmt.Sprintf("at /%s: %s %s", strings.Join(err.JSONPointer(), "/"), err.Reason, errors.Unwrap(err))
}

// The texts of InfluxDB's error bodies begin with the code.
var influxCode = regexp.MustCompile(`^\{(?:"error":|"code":"[a-z ]+","message":)"([a-z_0-9]+): `)

// errorCode is the code of an error body, "" for none.
func errorCode(body []byte) string {
	var b struct{ Error struct{ Code string } }
	if json.Unmarshal(body, &b) == nil && b.Error.Code != "" {
		return b.Error.Code
	}
	if m := influxCode.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	return ""
}

// member is a member of a JSON document, by the names and places that lead to it.
func member(t *testing.T, body []byte, path string) string {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%.200s: %v", body, err)
	}
	for _, name := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(in) {
				t.Fatalf("%.200s has no %s", body, path)
			}
			v = in[i]
		}
	}
	if v == nil {
		t.Fatalf("%.200s has no %s", body, path)
	}
	return fmt.Sprint(v)
}
