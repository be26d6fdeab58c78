package query

import (
	"slices"

	"github.com/gaplessdb/gapless/auth"
	"github.com/valyala/fasthttp"
)

// Route is one endpoint for the root's router. Parameters of the path ({device}) come as ctx.UserValue, unescaped. A returned error
// is written by the root: it has the method HTTPError, or it is a fault of the server.
type Route struct {
	Method, Path string
	Scope        auth.Scopes
	Params       []string // query parameters that it takes
	Handle       func(ctx *fasthttp.RequestCtx, p auth.Principal) error
}

// endpoint is a Route in the making: its handler and the query parameters it knows beside the common ones.
type endpoint struct {
	name   string // in metrics
	path   string
	params []string
	serve  func(*API, *request) error
}

var endpoints = []endpoint{
	{"devices", "/v1/devices", []string{"prefix", "system", "match", "group", "overdue", "limit", "cursor"}, (*API).devices},
	{"device", "/v1/devices/{device}", nil, (*API).device},
	{"latest", "/v1/latest", []string{"device", "prefix", "system", "match", "limit", "cursor"}, (*API).latest},
	{"frames", "/v1/frames", []string{"device", "prefix", "system", "match", "stream", "epoch", "from_seq", "to_seq", "from", "to", "fields",
		"raw", "format", "progress", "limit", "cursor"}, (*API).frames},
	{"gaps", "/v1/gaps", []string{"device", "prefix", "system", "match", "group", "stream", "epoch", "state", "cause", "from", "to", "min",
		"cadence", "limit", "cursor"}, (*API).gaps},
	{"device_gaps", "/v1/devices/{device}/gaps", []string{"stream", "epoch", "from", "to", "cadence"}, (*API).deviceGaps},
	{"coverage", "/v1/devices/{device}/coverage", []string{"stream", "epoch", "limit", "cursor"}, (*API).coverage},
	{"ledger", "/v1/ledger", nil, (*API).ledger},
	{"trace", "/v1/trace/{device}/{epoch}/{seq}", []string{"stream"}, (*API).trace},
	{seriesName, "/v1/query", seriesParams, (*API).series}, // by POST, too
}

// commonParams are understood by every endpoint.
var commonParams = []string{"consistency", "after", "require"}

// Routes returns the endpoints of this room.
func (a *API) Routes() []Route {
	routes := make([]Route, len(endpoints))
	for i, e := range endpoints {
		routes[i] = Route{
			Method: fasthttp.MethodGet, Path: e.path, Scope: auth.Read, Params: slices.Concat(e.params, commonParams), Handle: a.handler(e),
		}
		if e.name == seriesName {
			post := routes[i]
			post.Method = fasthttp.MethodPost
			routes = append(routes, post)
		}
	}
	return routes
}
