package gapless

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/query"
)

// rest ends the last segment of a path, {name...}, that matches all that is left of one.
const rest = "...}"

// route is one path of the API: segments, of which {name} matches any text and is handed on unescaped.
type route struct {
	method   string
	segments []string
	open     bool // no token needed
	scope    auth.Scopes
	params   []string // query parameters that it takes
	handle   func(ctx *fasthttp.RequestCtx, p auth.Principal) error

	credentials func(ctx *fasthttp.RequestCtx) string                          // nil: the Authorization header
	fail        func(ctx *fasthttp.RequestCtx, status int, e ingest.ErrorBody) // nil: the API's error body
}

func newRoute(method, path string, scope auth.Scopes, handle func(*fasthttp.RequestCtx, auth.Principal) error) route {
	return route{method: method, segments: splitPath(path), scope: scope, handle: handle}
}

// taking names the query parameters of a route.
func (r route) taking(params ...string) route {
	r.params = params
	return r
}

func queryRoute(r query.Route) route {
	return newRoute(r.Method, r.Path, r.Scope, r.Handle).taking(r.Params...)
}

func ingestRoute(r ingest.Route) route {
	own := newRoute(r.Method, r.Path, r.Scope, r.Handle).taking(r.Params...)
	own.open, own.credentials, own.fail = r.Open, r.Credentials, r.Fail
	return own
}

// authorization is what the request says of who sends it.
func (r *route) authorization(ctx *fasthttp.RequestCtx) string {
	if r.credentials != nil {
		return r.credentials(ctx)
	}
	return string(ctx.Request.Header.Peek("Authorization"))
}

// takesBody reports whether the handler reads the body.
func (r *route) takesBody() bool {
	return r.method == fasthttp.MethodPost || r.method == fasthttp.MethodPut || r.method == fasthttp.MethodPatch
}

func splitPath(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// findRoute matches a request. The path is split before it is unescaped, so that a device may contain a slash, and nothing is
// normalised, so that `..` is only a name.
func (n *Node) findRoute(ctx *fasthttp.RequestCtx) (*route, error) {
	segments := splitPath(string(ctx.URI().PathOriginal()))
	method, known := string(ctx.Method()), []string(nil)
	for i := range n.routes {
		r := &n.routes[i]
		values, ok := r.match(segments)
		if !ok {
			continue
		}
		if r.method != method && !(r.method == fasthttp.MethodGet && method == fasthttp.MethodHead) {
			known = append(known, r.method)
			continue
		}
		for name, value := range values {
			text, err := url.PathUnescape(value)
			if err != nil {
				return nil, &httpError{fasthttp.StatusBadRequest, "bad_path", "the path has a broken escape: " + err.Error(), "escape names as in a URL"}
			}
			ctx.SetUserValue(name, text)
		}
		return r, nil
	}
	if known != nil {
		ctx.Response.Header.Set("Allow", strings.Join(known, ", "))
		return nil, &httpError{fasthttp.StatusMethodNotAllowed, "bad_method", "this path does not take " + method, "use " + strings.Join(known, " or ")}
	}
	return nil, &httpError{fasthttp.StatusNotFound, "unknown_path", "there is nothing at this path", "docs/http-api.md lists the paths"}
}

// refuseParams refuses a query parameter that the route does not take: one that is misspelt would be left out in silence, and something else be
// done than was asked for. Whoever watches over a node, and protocols of another house, may send what they like.
func (r *route) refuseParams(args *fasthttp.Args) error {
	if r.open || r.fail != nil {
		return nil
	}
	for name := range args.All() {
		if !slices.Contains(r.params, string(name)) {
			return &httpError{fasthttp.StatusBadRequest, "unknown_parameter", fmt.Sprintf("parameter %.100q is not known here", name),
				"known parameters: " + cmp.Or(strings.Join(r.params, ", "), "none")}
		}
	}
	return nil
}

func (r *route) match(segments []string) (values map[string]string, ok bool) {
	last := len(r.segments) - 1
	if strings.HasSuffix(r.segments[last], rest) && len(segments) > last {
		segments = append(slices.Clone(segments[:last]), strings.Join(segments[last:], "/"))
	}
	if len(segments) != len(r.segments) {
		return nil, false
	}
	for i, pattern := range r.segments {
		if name, isParam := strings.CutPrefix(pattern, "{"); isParam {
			if values == nil {
				values = map[string]string{}
			}
			values[strings.TrimSuffix(strings.TrimSuffix(name, rest), "}")] = segments[i]
		} else if pattern != segments[i] {
			return nil, false
		}
	}
	return values, true
}
