package gapless

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/gaplessdb/gapless/auth"
)

// apiCall is a request and what is to come of it. $NAME in path and body is what an earlier answer had.
type apiCall struct {
	op     string // operation, "GET /v1/frames"
	query  string // behind the ?
	path   string // of parameters, by default those of pathValues; values of several in their alphabetical order, with blanks between them
	body   string
	kind   string   // Content-Type of the body, by default application/json
	header []string // name, value, ...
	status int      // 0 is 200
	code   string   // of an error
	bad    bool     // the request is not as described, and the description has to say so
	keep   []string // "NAME=member.of.the.answer"
	lines  int      // of a stream without an end: how many to read
}

// pathValues are the values of parameters of paths in calls that name none.
var pathValues = map[string]string{"device": "mill-07", "name": "billing", "node": "n1", "profile": "goroutine", "epoch": "1", "seq": "5", "path": "0/000.p/1"}

// apiTest drives a node and holds requests and answers against the description.
type apiTest struct {
	t      *testing.T
	d      *description
	node   *Node
	tokens map[auth.Scopes]string
	kept   map[string]string

	used map[string]bool // operations, parameters and types of answers that a good call had
}

func newAPITest(t *testing.T) *apiTest {
	a := &apiTest{t: t, d: readDescription(t), tokens: map[auth.Scopes]string{}, kept: map[string]string{}, used: map[string]bool{}}
	var file []byte
	for scopes := auth.Scopes(1); scopes <= auth.All; scopes++ {
		token, line, err := auth.NewToken(auth.Principal{Tenant: "default", ID: "test-" + strings.ReplaceAll(scopes.String(), ",", "-"), Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		a.tokens[scopes], file = token, append(append(file, line...), '\n')
	}
	a.kept["TOKEN"] = a.tokens[auth.All]
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	a.node = startSingle(t, func(c *Config) { c.TokenFile, c.Version = path, "v0.4.0" })
	return a
}

func (a *apiTest) expand(s string) string {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(a.kept))) { // longer names first
		s = strings.ReplaceAll(s, "$"+name, a.kept[name])
	}
	return s
}

// request makes the HTTP request of a call.
func (a *apiTest) request(op operation, c *apiCall) (*http.Request, map[string]string) {
	a.t.Helper()
	values, path := map[string]string{}, op.path
	names, given := op.parameters("path"), []string{c.path}
	if len(names) > 1 {
		given = strings.Split(c.path, " ")
	}
	for i, name := range names {
		values[name] = pathValues[name]
		if c.path != "" {
			values[name] = given[i]
		}
		value := url.PathEscape(values[name])
		if op.rest(name) {
			value = strings.ReplaceAll(value, "%2F", "/")
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if c.query != "" {
		path += "?" + a.expand(c.query)
	}
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(a.expand(c.body))
	}
	req, err := http.NewRequestWithContext(a.t.Context(), op.method, "http://"+a.node.HTTPAddr()+path, body)
	if err != nil {
		a.t.Fatal(err)
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	req.Header.Set("Authorization", "Bearer "+a.tokens[auth.All])
	for i := 0; i < len(c.header); i += 2 {
		if req.Header.Set(c.header[i], a.expand(c.header[i+1])); c.header[i+1] == "" {
			req.Header.Del(c.header[i])
		}
	}
	return req, values
}

// call makes a call, and holds both ways of it against the description.
func (a *apiTest) call(c apiCall) {
	a.t.Helper()
	op, ok := a.d.operations[c.op]
	if !ok {
		a.t.Fatalf("%s is not described", c.op)
	}
	what := fmt.Sprintf("%s ?%s %.100s", c.op, c.query, c.body)
	req, values := a.request(op, &c)
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: values,
		Route:   &routers.Route{Spec: a.d.T, Path: op.path, PathItem: op.item, Method: op.method, Operation: op.Operation},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, IncludeResponseStatus: true},
	}
	in.Options.WithCustomSchemaErrorFunc(inShort)
	if body := op.RequestBody; body != nil && body.Value.Content.Get(c.kind) != nil { // of other types the package knows nothing
		in.Options.ExcludeRequestBody = c.kind != "application/json" && c.kind != "application/x-www-form-urlencoded"
	}
	if err := openapi3filter.ValidateRequest(a.t.Context(), in); (err != nil) != c.bad {
		a.t.Errorf("%s: the description says of the request: %v", what, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatalf("%s: %v", what, err)
	}
	defer resp.Body.Close()
	body := a.read(resp, c.lines)
	if want := max(c.status, 200); resp.StatusCode != want {
		a.t.Errorf("%s: %d %s, want %d", what, resp.StatusCode, body, want)
		return
	}
	a.check(what, in, resp, body)
	if said := errorCode(body); c.code != "" && said != c.code {
		a.t.Errorf("%s: code %q, want %q: %s", what, said, c.code, body)
	}
	if resp.StatusCode < 300 {
		a.use(op, req, resp)
	}
	for _, keep := range c.keep {
		name, path, _ := strings.Cut(keep, "=")
		a.kept[name] = member(a.t, body, path)
	}
}

// read reads an answer, or some lines of one that has no end.
func (a *apiTest) read(resp *http.Response, lines int) []byte {
	a.t.Helper()
	if lines == 0 {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			a.t.Fatal(err)
		}
		return body
	}
	var b []byte
	for r := bufio.NewReader(resp.Body); lines > 0; lines-- {
		line, err := r.ReadBytes('\n')
		if err != nil {
			a.t.Fatal(err)
		}
		b = append(b, line...)
	}
	return b
}

// use notes what a good call had.
func (a *apiTest) use(op operation, req *http.Request, resp *http.Response) {
	name := op.method + " " + op.path
	a.used[name] = true
	for parameter := range req.URL.Query() {
		a.used[name+" ?"+parameter] = true
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	a.used[name+" "+kind] = true
}

// unused lists what is described and no good call had.
func (a *apiTest) unused() (list []string) {
	for name, op := range a.d.operations {
		wants := []string{name}
		for _, p := range op.parameters("query") {
			wants = append(wants, name+" ?"+p)
		}
		if ok := op.Responses.Status(200); ok != nil {
			for kind := range ok.Value.Content {
				wants = append(wants, name+" "+kind)
			}
		}
		for _, want := range wants {
			if !a.used[want] {
				list = append(list, want)
			}
		}
	}
	slices.Sort(list)
	return list
}
