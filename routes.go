package gapless

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
)

// route is one path of the API: segments, of which {name} matches any text and is handed on unescaped.
type route struct {
	method   string
	segments []string
	open     bool // no token needed
	scope    auth.Scopes
	handle   func(ctx *fasthttp.RequestCtx, p auth.Principal) error
}

func newRoute(method, path string, scope auth.Scopes, handle func(*fasthttp.RequestCtx, auth.Principal) error) route {
	return route{method: method, segments: splitPath(path), scope: scope, handle: handle}
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

func (r *route) match(segments []string) (values map[string]string, ok bool) {
	if len(segments) != len(r.segments) {
		return nil, false
	}
	for i, pattern := range r.segments {
		if name, isParam := strings.CutPrefix(pattern, "{"); isParam {
			if values == nil {
				values = map[string]string{}
			}
			values[strings.TrimSuffix(name, "}")] = segments[i]
		} else if pattern != segments[i] {
			return nil, false
		}
	}
	return values, true
}
