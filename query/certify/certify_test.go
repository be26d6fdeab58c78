package certify

import (
	"errors"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/query"
)

// TestSegmentsAreForOperators: the files hold frames of every tenant, so that who may only read his own does not get them.
func TestSegmentsAreForOperators(t *testing.T) {
	api := New(nil, Options{}) // refused before the node is asked for anything
	var post query.Route
	for _, r := range api.Routes() {
		if r.Method == fasthttp.MethodPost {
			post = r
		}
	}
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/v1/certificates?format=tar&segments=true")
	ctx.Request.SetBodyString(`{"prefix":""}`)
	err := post.Handle(&ctx, auth.Principal{Tenant: "acme", ID: "reader", Scopes: auth.Read | auth.Write})
	var refused *query.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden || refused.Code != "forbidden" {
		t.Errorf("without the scope admin: %v", err)
	}
}
