package gapless

import (
	"bufio"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/docs"
)

// description is docs/openapi.yaml, read.
type description struct {
	*openapi3.T
	operations map[string]operation // by method and path, "GET /v1/frames"
}

// operation is a method of a path.
type operation struct {
	*openapi3.Operation
	method, path string
	item         *openapi3.PathItem
}

func readDescription(t *testing.T) *description {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(docs.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &description{doc, map[string]operation{}}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			d.operations[method+" "+path] = operation{op, method, path, item}
		}
	}
	return d
}

// parameters are the names of an operation's parameters in query, path or header, ascending.
func (o operation) parameters(in string) (names []string) {
	for _, p := range slices.Concat(o.item.Parameters, o.Parameters) {
		if p.Value.In == in {
			names = append(names, p.Value.Name)
		}
	}
	slices.Sort(names)
	return names
}

// needs reports whether a request has to have a body, or a parameter behind the '?'.
func (o operation) needs() bool {
	return o.RequestBody != nil && o.RequestBody.Value.Required || slices.ContainsFunc(o.Parameters, func(p *openapi3.ParameterRef) bool {
		return p.Value.Required && p.Value.In == "query"
	})
}

// rest reports whether a parameter of the path is all that is left of it, slashes and all: {name...} in a route.
func (o operation) rest(name string) bool {
	for _, p := range slices.Concat(o.item.Parameters, o.Parameters) {
		if p.Value.In == "path" && p.Value.Name == name {
			return p.Value.Extensions["x-rest"] == true
		}
	}
	return false
}

// path is a route as the description writes it.
func (r *route) path() string {
	return "/" + strings.ReplaceAll(strings.Join(r.segments, "/"), rest, "}")
}

// TestDescriptionHasTheRoutes holds paths, methods, scopes and parameters of the description against those of the code.
func TestDescriptionHasTheRoutes(t *testing.T) {
	d, n := readDescription(t), startSingle(t, nil)
	seen := map[string]bool{}
	for i := range n.routes {
		r := &n.routes[i]
		name := r.method + " " + r.path()
		seen[name] = true
		op, ok := d.operations[name]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		if got, want := op.Extensions["x-scope"], r.scope.String(); got != want {
			t.Errorf("%s: x-scope is %v, the route needs %s", name, got, want)
		}
		if free := op.Security != nil && len(*op.Security) == 0; free != r.open {
			t.Errorf("%s: described as needing no token: %v, the route: %v", name, free, r.open)
		}
		if got, want := op.parameters("query"), slices.Sorted(slices.Values(r.params)); !slices.Equal(got, want) {
			t.Errorf("%s: described parameters\n%v, the route takes\n%v", name, got, want)
		}
		var inPath []string
		for _, s := range r.segments {
			if text, ok := strings.CutPrefix(s, "{"); ok {
				param := strings.TrimSuffix(strings.TrimSuffix(text, rest), "}")
				inPath = append(inPath, param)
				if takes := strings.HasSuffix(s, rest); takes != op.rest(param) {
					t.Errorf("%s: %s takes the rest of the path: %v, x-rest of its description: %v", name, param, takes, op.rest(param))
				}
			}
		}
		if got := op.parameters("path"); !slices.Equal(got, inPath) {
			t.Errorf("%s: described parameters of the path %v", name, got)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.operations)) {
		if !seen[name] {
			t.Errorf("%s is described, and there is no such route", name)
		}
	}
}

// TestDescriptionIsClosed looks for objects of answers that say neither what else they may have nor that they have nothing else.
func TestDescriptionIsClosed(t *testing.T) {
	d, closed := readDescription(t), 0
	for name, ref := range d.Components.Schemas {
		eachObject(ref, "schema "+name, func(where string, s *openapi3.Schema) {
			if s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
				t.Errorf("%s is an object, and may have anything", where)
			}
			closed++
		})
	}
	if closed < 100 {
		t.Errorf("only %d objects were found", closed)
	}
}

// eachObject calls fn for the objects in a schema, those behind a reference left out.
func eachObject(ref *openapi3.SchemaRef, where string, fn func(string, *openapi3.Schema)) {
	s := ref.Value
	if s.Type.Is("object") {
		fn(where, s)
	}
	parts := map[string]*openapi3.SchemaRef{"[]": s.Items, ".*": s.AdditionalProperties.Schema}
	for name, p := range s.Properties {
		parts["."+name] = p
	}
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, p := range list {
			parts[" of several"] = p
		}
	}
	for name, p := range parts {
		if p != nil && p.Ref == "" {
			eachObject(p, where+name, fn)
		}
	}
}

// TestDescriptionHolds sends every kind of request to a node, and holds requests and answers against the description.
func TestDescriptionHolds(t *testing.T) {
	a := newAPITest(t)
	a.kept["READER"] = a.tokens[auth.Read]
	questions := slices.Concat(questionCalls, seriesCalls, tailCalls)
	for _, c := range slices.Concat(completeCalls, frameCalls, registryCalls, questions, nodeCalls, influxCalls, proofCalls) {
		a.call(c)
	}
	eventually(t, func() bool { return a.node.shelf.Bytes() > 0 }, func() string { return "nothing is flushed" })
	for _, c := range questions { // the same of segments
		a.call(c)
	}
	a.call(apiCall{op: "GET /v1/storage"})
	for _, what := range a.unused() {
		t.Errorf("%s is described, and no call of the tests has it", what)
	}
}

// TestDescriptionOfGapEvents listens while a gap opens, gets a cause, and closes.
func TestDescriptionOfGapEvents(t *testing.T) {
	a := newAPITest(t)
	op := a.d.operations["GET /v1/gaps/events"]
	req, _ := a.request(op, &apiCall{})
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines, want := bufio.NewScanner(resp.Body), []string{"opened", "final", "closed"}
	for i := -1; len(want) > 0; i++ {
		if !lines.Scan() {
			t.Fatalf("the stream ended before %v: %v", want, lines.Err())
		}
		if err := checkLine(op.Responses.Status(200).Value.Content["application/x-ndjson"].Schema.Value, lines.Bytes()); err != nil {
			t.Errorf("%s: %v", lines.Bytes(), err)
		}
		if i < 0 { // it listens
			a.call(apiCall{op: "POST /v1/frames", body: `[{"device":"d","seq":0,"first":0},{"device":"d","seq":5}]`})
			a.call(apiCall{op: "POST /v1/devices/{device}/declare-lost", path: "d", body: `{"from":1,"to":2}`})
			a.call(apiCall{op: "POST /v1/frames", body: `{"device":"d","seq":2}`})
		}
		if strings.Contains(lines.Text(), `"event":"`+want[0]+`"`) {
			want = want[1:]
		}
	}
}

// TestDescriptionOfScopes sends a request to every path without a token, and with one that may do all but what the path needs.
func TestDescriptionOfScopes(t *testing.T) {
	a := newAPITest(t)
	for name, op := range a.d.operations {
		needs, _ := op.Extensions["x-scope"].(string)
		if needs == "none" {
			continue
		}
		scope, err := auth.ParseScopes(needs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := apiCall{op: name, status: http.StatusUnauthorized, code: "no_token", header: []string{"Authorization", ""}}
		c.bad = op.needs() // which is not there
		a.call(c)
		c.code, c.header = "bad_token", []string{"Authorization", "Bearer wrong"}
		a.call(c)
		c.status, c.code, c.header = http.StatusForbidden, "forbidden", []string{"Authorization", "Bearer " + a.tokens[auth.All&^scope]}
		a.call(c)
	}
}
