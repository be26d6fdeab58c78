package query

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"
)

// seriesParams are the parameters of /v1/query, beside the common ones.
var seriesParams = []string{"device", "prefix", "system", "match", "stream", "fields", "from", "to", "step", "tz", "agg", "group", "fill",
	"format", "limit", "cursor"}

// seriesLists are those of them that may come several times. Of some a value may hold several names, too.
var seriesLists = map[string]string{"device": "", "match": "", "stream": "", "fields": ",", "agg": ",", "group": ","}

// arguments reads the parameters of a request: of the address, and where the endpoint takes one, of the body.
func (e endpoint) arguments(r *fasthttp.RequestCtx, maxBody int) (params, error) {
	if e.name != seriesName {
		return parseParams(r.QueryArgs(), e.params)
	}
	var body []byte
	if r.IsPost() { // first of all: what is not read of it would be the next request
		var err error
		if body, err = readBody(r, maxBody); err != nil {
			return nil, err
		}
	}
	p := params{}
	for k, v := range r.QueryArgs().All() {
		if err := p.addSeries(string(k), string(v)); err != nil {
			return nil, err
		}
	}
	if !r.IsPost() {
		return p, nil
	}
	kind, _, err := mime.ParseMediaType(string(r.Request.Header.ContentType()))
	switch {
	case err == nil && kind == "application/json":
		return p, p.addJSON(body)
	case err == nil && kind == "application/x-www-form-urlencoded":
		return p, p.addForm(body)
	}
	return nil, &Error{
		Status: http.StatusUnsupportedMediaType, Code: "unknown_content_type",
		Message: fmt.Sprintf("the body is %.100q", r.Request.Header.ContentType()),
		Hint:    "send the parameters as application/x-www-form-urlencoded or application/json",
	}
}

// readBody reads a body of at most so many bytes. What is left of a larger one is not read: the connection ends with the answer.
func readBody(r *fasthttp.RequestCtx, most int) ([]byte, error) {
	tooLarge := &Error{
		Status: http.StatusRequestEntityTooLarge, Code: "body_too_large",
		Message: fmt.Sprintf("the body is larger than the limit query.max_body_bytes of %d", most),
		Hint:    "select devices with match or prefix instead of by name", limit: "query.max_body_bytes",
	}
	stream := r.RequestBodyStream()
	if stream == nil {
		if body := r.Request.Body(); len(body) <= most {
			return body, nil
		}
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(stream, int64(most)+1))
	switch {
	case err != nil:
		r.SetConnectionClose()
		return nil, &Error{
			Status: http.StatusBadRequest, Code: "broken_body", Message: "the body ended early: " + err.Error(), Hint: "send the request again",
		}
	case len(body) > most:
		r.SetConnectionClose()
		return nil, tooLarge
	}
	return body, nil
}

// addSeries adds one value. Lists that are written with commas are taken apart.
func (p params) addSeries(name, value string) error {
	if !slices.Contains(seriesParams, name) && !slices.Contains(commonParams, name) {
		return unknownParameter(name, seriesParams)
	}
	separator, list := seriesLists[name]
	switch {
	case !list && p.has(name):
		return badParameter(name, value, "one value, and it was given twice")
	case separator != "":
		p[name] = append(p[name], strings.Split(value, separator)...)
	default:
		p[name] = append(p[name], value)
	}
	return nil
}

func (p params) addForm(body []byte) error {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return badBody("it is not a form: " + err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			if err := p.addSeries(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// addJSON adds the members of an object: a text, number or bool each, or a list of texts where several values may be given. A text
// in a list is one value, whatever commas it has.
func (p params) addJSON(body []byte) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil { // it refuses a member that comes twice, and what is not UTF-8
		return badBody("it is not a JSON object: " + err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := p.addMember(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func (p params) addMember(name string, v jsontext.Value) error {
	if _, list := seriesLists[name]; list && v.Kind() == '[' {
		var texts []string
		if err := json.Unmarshal(v, &texts); err != nil {
			return badParameter(name, string(v), "a list of texts")
		}
		p[name] = append(p[name], texts...)
		return nil
	}
	text := string(v)
	switch v.Kind() {
	case '"':
		if err := json.Unmarshal(v, &text); err != nil {
			return badParameter(name, string(v), "a text")
		}
	case '0', 't', 'f':
	default:
		text = ""
	}
	if err := p.addSeries(name, text); err != nil {
		return err
	}
	if text == "" && v.Kind() != '"' {
		return badParameter(name, string(v), "a text, a number or a bool; device, match, stream, fields, agg and group also a list of texts")
	}
	return nil
}

func badBody(why string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "bad_body", Message: "the body cannot be read: " + why,
		Hint: `send the parameters as a form, or as one JSON object such as {"device":["a","b"],"from":"-1h","step":"1m","agg":["avg"]}`,
	}
}

// seriesQuery turns the parameters into a question, and says in which format the answer is to be.
func (r *request) seriesQuery() (*SeriesQuery, string, error) {
	return r.seriesQueryOf(r.http.Request.Header.Peek("Accept"))
}

func (r *request) seriesQueryOf(accept []byte) (*SeriesQuery, string, error) {
	p := r.args
	q := &SeriesQuery{
		Tenant: r.who.Tenant, Devices: p["device"], Prefix: p.text("prefix"), Match: p["match"], Streams: p["stream"], Fields: p["fields"],
		From: p.text("from"), To: p.text("to"), Step: p.text("step"), Zone: p.text("tz"), Aggregates: p["agg"], Group: p["group"],
		Cursor: p.text("cursor"), Consistency: r.consistency, After: r.after, Require: r.require,
	}
	for _, name := range []string{"from", "to", "step", "tz", "cursor"} {
		if p.has(name) && p.text(name) == "" {
			return nil, "", badParameter(name, "", "a value, or is left away")
		}
	}
	var err error
	if q.System, err = p.bool("system"); err != nil {
		return nil, "", err
	}
	fill, err := p.enum("fill", "none", "null")
	if err != nil {
		return nil, "", err
	}
	q.FillNull = fill == "null"
	if p.has("limit") {
		n, err := p.uint("limit", 0, 1<<31-1)
		if err != nil || n == 0 {
			return nil, "", badParameter("limit", p.text("limit"), "an integer above 0")
		}
		q.Limit = int(n)
	}
	format, err := p.enum("format", formatJSON, formatCSV)
	if err == nil && !p.has("format") && bytes.Contains(accept, []byte(csvType)) {
		format = formatCSV
	}
	return q, format, err
}
