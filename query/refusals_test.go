package query

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/valyala/fasthttp"
)

// refusals are questions asked wrongly. FIRST stands for the cursor of a first page of mill-07's frames.
var refusals = []struct {
	path, query   string
	status        int
	code          string
	message, hint string
}{
	{"/v1/devices", "colour=red", 400, "unknown_parameter", "colour", "prefix, system, match, group, overdue, limit, cursor, consistency, after, require"},
	{"/v1/devices/mill-07", "limit=3", 400, "unknown_parameter", "limit", "consistency, after, require"},
	{"/v1/devices", "limit=0", 400, "bad_parameter", "limit", "from 1 to 50"},
	{"/v1/devices", "limit=51", 400, "bad_parameter", "limit", "from 1 to 50"},
	{"/v1/devices", "limit=many", 400, "bad_parameter", "limit", "from 1 to 50"},
	{"/v1/devices", "limit=1&limit=2", 400, "bad_parameter", "limit", "given twice"},
	{"/v1/devices", "system=yes", 400, "bad_parameter", "system", "true or false"},
	{"/v1/devices", "consistency=strong", 400, "bad_parameter", "consistency", "linearizable, leader, stale"},
	{"/v1/devices", "require=all", 400, "bad_parameter", "require", "complete, complete_between_seen"},
	{"/v1/devices", "after=now", 400, "bad_parameter", "after", "exactly as an answer gave it"},
	{"/v1/devices", "cursor=zzz", 400, "bad_cursor", "not one that an answer gave", "start again"},
	{"/v1/devices/nobody", "", 404, "unknown_device", "nobody", "GET /v1/devices"},
	{"/v1/devices/nobody/gaps", "", 404, "unknown_device", "nobody", "GET /v1/devices"},
	{"/v1/devices/nobody/coverage", "", 404, "unknown_device", "nobody", "GET /v1/devices"},
	{"/v1/devices/mill-07/gaps", "stream=9", 404, "unknown_stream", "9", "lists its streams"},
	{"/v1/devices/mill-07/gaps", "epoch=9", 404, "unknown_epoch", "epoch 9", "server's ordinal"},
	{"/v1/latest", "device=mill-07&device=nobody", 404, "unknown_device", "nobody", ""},
	{"/v1/latest", "device=", 400, "bad_parameter", "device", "name of a device"},
	{"/v1/latest", "device=a&prefix=b", 400, "bad_parameter", "prefix", "not together with device"},
	{"/v1/latest", "device=a&device=b&prefix=b", 400, "bad_parameter", "prefix", "not together with device"},
	{"/v1/latest", "device=a&device=", 400, "bad_parameter", "device", "name of a device"},
	{"/v1/frames", "", 400, "bad_parameter", "device", "it is required"},
	{"/v1/frames", "device=a&device=b", 400, "bad_parameter", "device", "given twice"},
	{"/v1/frames", "device=nobody", 404, "unknown_device", "nobody", ""},
	{"/v1/frames", "device=mill-07&stream=", 400, "bad_parameter", "stream", "name of a stream"},
	{"/v1/frames", "device=mill-07&epoch=0", 400, "bad_parameter", "epoch", "from 1"},
	{"/v1/frames", "device=mill-07&from_seq=-1", 400, "bad_parameter", "from_seq", "an integer from 0 to 18446744073709551615"},
	{"/v1/frames", "device=mill-07&from_seq=5&to_seq=4", 400, "bad_parameter", "to_seq", "not below from_seq"},
	{"/v1/frames", "device=mill-07&from=yesterday", 400, "bad_parameter", "from", "RFC 3339"},
	{"/v1/frames", "device=mill-07&from=2026-11-21T10:00:00+01:00", 400, "bad_parameter", "from", "write + as %2B"},
	{"/v1/frames", "device=mill-07&from=3000-01-01T00:00:00Z", 400, "bad_parameter", "from", "from 1678 to 2261"},
	{"/v1/frames", "device=mill-07&from=2026-11-21T10:00:00Z&to=2026-11-21T09:00:00Z", 400, "bad_parameter", "to", "not before from"},
	{"/v1/frames", "device=mill-07&stream=0&cursor=FIRST", 400, "foreign_cursor", "other parameters", "repeat the parameters"},
	{"/v1/gaps", "state=LOST", 400, "bad_parameter", "state", "OPEN, REQUESTED, FINAL, CLOSED, EXPIRED"},
	{"/v1/gaps", "cause=rain", 400, "bad_parameter", "cause", "declared_lost, rejected.crc"},
	{"/v1/gaps", "epoch=1", 400, "bad_parameter", "epoch", "together with device"},
	{"/v1/gaps", "cursor=FIRST", 400, "foreign_cursor", "other parameters", ""},
	{"/v1/frames", "device=mill-07&require=complete", 409, "incomplete", "7 of 13 expected frames are stored, 6 are missing",
		"GET /v1/devices/{device}/gaps"},
}

// TestRefusals asks wrongly in every way and holds status, code, and that message and hint name what is wrong and what is right.
func TestRefusals(t *testing.T) {
	srv := newServer(t, scenario(t), Options{PageRows: 5, MaxPageRows: 50})
	first := srv.ok(t, "t1", "/v1/frames", "device", "mill-07", "limit", "1")
	for _, tt := range refusals {
		query := strings.ReplaceAll(tt.query, "FIRST", *first.Next)
		status, _, body := srv.do("t1", tt.path, query, "")
		a := decode(t, body)
		if status != tt.status || a.Error.Code != tt.code || !strings.Contains(a.Error.Message, tt.message) ||
			!strings.Contains(a.Error.Hint, tt.hint) || a.Error.Message == "" || a.Error.Hint == "" {
			t.Errorf("%s?%s: %d %+v, want %d %s with %q and %q", tt.path, tt.query, status, a.Error, tt.status, tt.code, tt.message, tt.hint)
		}
	}
}

// TestErrorsHaveNoBody checks that an answer which fails after its beginning was written leaves nothing behind.
func TestErrorsHaveNoBody(t *testing.T) {
	api, err := New(scenario(t), nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range endpoints {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/?require=complete&device=mill-07")
		ctx.SetUserValue("device", "mill-07")
		ctx.SetUserValue("epoch", "1")
		ctx.SetUserValue("seq", "3")
		if e.name != "frames" && e.name != "latest" && e.name != "gaps" {
			ctx.Request.SetRequestURI("/?require=complete")
		}
		err := api.handler(e)(&ctx, auth.Principal{Tenant: "t1"})
		checkError(t, e.name, err, "incomplete", "", "")
		if body := ctx.Response.Body(); len(body) > 0 {
			t.Errorf("%s: %s", e.name, body)
		}
	}
}
