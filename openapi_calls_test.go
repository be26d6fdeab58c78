package gapless

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
)

// completeCalls are about a device that is complete, and about nothing else: only then is the ledger, too.
var completeCalls = []apiCall{
	{op: "POST /v1/frames", body: `[{"device":"full","seq":0,"epoch":"e","first":0,"time":"2026-11-21T10:00:00Z","fields":{"x":1}},{"device":"full","seq":1,"epoch":"e","fields":{"x":2.5}}]`},
	{op: "POST /v1/devices/{device}/seal", path: "full", body: `{"epoch":"e","last_seq":1,"count":2}`},
	{op: "GET /v1/devices", query: "require=complete"},
	{op: "GET /v1/devices/{device}", path: "full", query: "require=complete"},
	{op: "GET /v1/latest", query: "require=complete"},
	{op: "GET /v1/frames", query: "device=full&require=complete"},
	{op: "GET /v1/query", query: "device=full&require=complete&agg=avg"},
	{op: "POST /v1/query", query: "require=complete", body: `{"device":"full","agg":"avg"}`},
	{op: "GET /v1/gaps", query: "require=complete"},
	{op: "GET /v1/devices/{device}/gaps", path: "full", query: "require=complete"},
	{op: "GET /v1/devices/{device}/coverage", path: "full", query: "require=complete"},
	{op: "GET /v1/ledger", query: "require=complete_between_seen"},
}

// frameCalls store what later calls ask about: mill-07 has numbers, a gap, a loss declared and a number rejected; door-3 has no numbers.
var frameCalls = []apiCall{
	{op: "POST /v1/frames", body: `[{"device":"mill-07","seq":0,"epoch":17,"first":0,"time":"2026-11-21T10:00:00Z","fields":{"rpm":1500,"temp":20.5,"ok":true,"state":"run"}},
		{"device":"mill-07","seq":1,"epoch":"17","time":"2026-11-21T10:00:01.25Z","fields":{"temp":21.5},"raw":"AAEC"},
		{"device":"mill-07","seq":2,"epoch":17,"time_ms":1795255202000,"class":"snapshot","fields":{"temp":22.5,"big":18446744073709551615}},
		{"device":"mill-07","seq":5,"epoch":17,"time":"2026-11-21T10:00:05Z","fields":{"temp":-0.0}},
		{"device":"mill-07","seq":9,"epoch":17,"time":"2026-11-21T10:00:09Z","fields":{"temp":1e300}}]`, keep: []string{"POS=position"}},
	{op: "POST /v1/frames", body: `{"device":"mill-07","seq":0,"epoch":17,"first":0,"time":"2026-11-21T10:00:00Z","fields":{"rpm":1500,"temp":20.5,"ok":true,"state":"run"}}`},
	{op: "POST /v1/frames", body: `{"device":"mill-07","seq":0,"epoch":17,"fields":{"rpm":1}}`},
	{op: "POST /v1/frames", kind: "application/x-ndjson", body: "{\"device\":\"mill-07\",\"seq\":7,\"epoch\":17,\"fields\":{\"temp\":null}}\n{\"device\":\"hall/3\",\"stream\":\"s\",\"seq\":250,\"bits\":8,\"fields\":{\"x\":1}}\n"},
	{op: "POST /v1/frames", body: `{"device":"door-3","fields":{"open":true}}`, header: []string{"Idempotency-Key", "a"}},
	{op: "POST /v1/frames", body: `{"device":"door-3","fields":{"open":true}}`, header: []string{"Idempotency-Key", "a"}},
	{op: "POST /v1/frames", body: `{"device":"door-3","fields":{"open":false}}`, header: []string{"Idempotency-Key", "a"}, status: 422, code: "idempotency_mismatch"},
	{op: "POST /v1/frames", body: `{"device":"door-3","fields":{"open":1}}`},
	{op: "POST /v1/frames", body: `{"device":"x","colour":1}`, status: 422, code: "all_rejected", bad: true},
	{op: "POST /v1/frames", body: `{"device":`, status: 400, code: "bad_json", bad: true},
	{op: "POST /v1/frames", body: `[]`, status: 400, code: "empty_body"},
	{op: "POST /v1/frames", kind: "text/csv", body: `a`, status: 415, code: "unknown_content_type", bad: true},
	{op: "POST /v1/frames", kind: "application/json", body: `{}`, header: []string{"Content-Encoding", "br"}, status: 415, code: "unknown_encoding", bad: true},
	{op: "POST /v1/frames", kind: "application/vnd.gapless.batch", body: `x`, status: 400, code: "bad_batch"},
	{op: "POST /v1/frames", query: "dry=1", body: `{"device":"x"}`, status: 400, code: "unknown_parameter"},

	{op: "POST /v1/devices/{device}/heartbeat", body: `{"epoch":17,"next_seq":13,"first":0,"time":"2026-11-21T10:00:10Z"}`},
	{op: "POST /v1/devices/{device}/heartbeat", path: "fresh", body: `{"epoch":"b","next_seq":3,"prev_epoch":"a","prev_last_seq":9}`},
	{op: "POST /v1/devices/{device}/heartbeat", body: `{"epoch":17,"next_seq":4,"first":2}`},
	{op: "POST /v1/devices/{device}/heartbeat", body: `{"first":0}`, status: 400, code: "key_required", bad: true},
	{op: "POST /v1/devices/{device}/heartbeat", body: `{"next_seq":1,"colour":1}`, status: 400, code: "unknown_key", bad: true},
	{op: "POST /v1/devices/{device}/heartbeat", path: "_audit", body: `{"next_seq":1}`, status: 400, code: "name_reserved"},
	{op: "POST /v1/devices/{device}/heartbeat", kind: "text/plain", body: `{"next_seq":1}`, status: 415, code: "unknown_content_type", bad: true},
	{op: "POST /v1/devices/{device}/heartbeat", path: "door-3", body: `{"next_seq":9}`, status: 422, code: "no_numbers"},
	{op: "POST /v1/devices/{device}/declare-lost", body: `{"epoch":17,"from":6,"to":8,"reason":"ring overflow"}`},
	{op: "POST /v1/devices/{device}/declare-lost", body: `{"epoch":17,"from":8,"to":6}`, status: 422, code: "bad_range"},
	{op: "POST /v1/devices/{device}/declare-lost", body: `{"epoch":17,"from":8}`, status: 400, code: "key_required", bad: true},
	{op: "POST /v1/devices/{device}/seal", path: "sealed", body: `{"last_seq":4,"count":6}`},
	{op: "POST /v1/devices/{device}/seal", path: "sealed", body: `{"last_seq":4,"count":6}`},
	{op: "POST /v1/devices/{device}/seal", path: "sealed", body: `{"last_seq":3}`, status: 422, code: "contradiction"},
	{op: "POST /v1/devices/{device}/seal", body: `{}`, status: 400, code: "key_required", bad: true},
}

// registryCalls register devices: mill-07 with everything, quiet, which never says anything, and two at once.
var registryCalls = []apiCall{
	{op: "PUT /v1/devices/{device}", query: "expect=0", body: `{"labels":{"hall":"3","line":"b"},"type":"mill","cadence_ms":1000,"class":"event","first":0,
		"rule":{"restart_below":5,"restart_drop":100,"misorder_window":10,"protocol_zero":true}}`, keep: []string{"REV=device.revision"}},
	{op: "PATCH /v1/devices/{device}", query: "expect=$REV", body: `{"labels":{"line":null,"old":"1"},"rule":{"protocol_zero":null}}`},
	{op: "PATCH /v1/devices/{device}", query: "expect=$REV", body: `{"type":"press"}`, status: 409, code: "revision_changed"},
	{op: "PATCH /v1/devices/{device}", path: "quiet", body: `{"labels":{"hall":"4"},"cadence_ms":1000}`},
	{op: "PATCH /v1/devices/{device}", body: `{"colour":"red"}`, status: 400, code: "bad_json", bad: true},
	{op: "PATCH /v1/devices/{device}", query: "expct=1", body: `{}`, status: 400, code: "unknown_parameter"},
	{op: "PUT /v1/devices/{device}", query: "expect=x", body: `{}`, status: 400, code: "bad_parameter", bad: true},
	{op: "PUT /v1/devices/{device}", body: `{"class":"loud"}`, status: 400, code: "bad_class", bad: true},
	{op: "PUT /v1/devices/{device}", kind: "text/plain", body: `x`, status: 415, code: "unknown_content_type", bad: true},
	{op: "POST /v1/devices", query: "do=patch", body: `[{"device":"a","labels":{"hall":"4"}},{"device":"b","type":"pump"}]`},
	{op: "POST /v1/devices", kind: "application/x-ndjson", body: "{\"device\":\"a\",\"labels\":{\"hall\":\"5\"}}\n"},
	{op: "POST /v1/devices", body: `[{"device":"a"},{"device":"a"}]`, status: 400, code: "duplicate_device"},
	{op: "POST /v1/devices", query: "do=drop", body: `{"device":"a"}`, status: 400, code: "bad_parameter", bad: true},
	{op: "POST /v1/devices", body: `{"labels":{}}`, status: 400, code: "device_required", bad: true},
	{op: "GET /v1/devices/{device}", path: "b", keep: []string{"REV=registry.revision"}},
	{op: "DELETE /v1/devices/{device}", path: "b", query: "expect=$REV"},
	{op: "DELETE /v1/devices/{device}", path: "b", status: 404, code: "unknown_device"},
	{op: "DELETE /v1/devices/{device}", path: "a", query: "expect=1", status: 409, code: "revision_changed"},
	{op: "DELETE /v1/devices/{device}", path: "a", query: "expect=9x", status: 400, code: "bad_parameter", bad: true},
}

// questionCalls ask, on what is in memory.
var questionCalls = []apiCall{
	{op: "GET /v1/devices", query: "limit=1&consistency=linearizable", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/devices", query: "cursor=$CURSOR&after=$POS"},
	{op: "GET /v1/devices", query: "system=true&group=hall"},
	{op: "GET /v1/devices", query: "prefix=m&overdue=true"},
	{op: "GET /v1/devices", query: "match=hall=3&match=old=1"},
	{op: "GET /v1/devices", query: "require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/devices", query: "limit=0", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/devices", query: "cursor=x", status: 400, code: "bad_cursor"},
	{op: "GET /v1/devices", query: "prefix=a&cursor=$CURSOR", status: 400, code: "foreign_cursor"},
	{op: "GET /v1/devices", query: "match=floor=1", status: 404, code: "unknown_label"},
	{op: "GET /v1/devices/{device}", query: "consistency=stale&after=$POS"},
	{op: "GET /v1/devices/{device}", path: "quiet"},
	{op: "GET /v1/devices/{device}", path: "hall/3"},
	{op: "GET /v1/devices/{device}", path: "sealed", query: "require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/devices/{device}", path: "nobody", status: 404, code: "unknown_device"},
	{op: "GET /v1/devices/{device}", query: "limit=1", status: 400, code: "unknown_parameter"},

	{op: "GET /v1/latest", query: "device=mill-07&device=door-3"},
	{op: "GET /v1/latest", query: "prefix=mill&limit=1&consistency=leader&after=$POS&system=false"},
	{op: "GET /v1/latest", query: "limit=1", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/latest", query: "cursor=$CURSOR"},
	{op: "GET /v1/latest", query: "match=hall=3"},
	{op: "GET /v1/latest", query: "device=nobody", status: 404, code: "unknown_device"},
	{op: "GET /v1/latest", query: "device=mill-07&require=complete", status: 409, code: "incomplete"},

	{op: "GET /v1/frames", query: "device=mill-07&limit=2&raw=true&format=json", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/frames", query: "device=mill-07&limit=2&raw=true&format=json&cursor=$CURSOR"},
	{op: "GET /v1/frames", query: "device=mill-07&stream=0&epoch=1&from_seq=1&to_seq=5&fields=temp,rpm&consistency=linearizable&after=$POS"},
	{op: "GET /v1/frames", query: "device=mill-07&from=2026-11-21T10:00:01Z&to=2026-11-21T10:00:05Z&fields="},
	{op: "GET /v1/frames", query: "device=mill-07&limit=2", header: []string{"Accept", "application/x-ndjson"}},
	{op: "GET /v1/frames", query: "format=ndjson&progress=2"},
	{op: "GET /v1/frames", query: "format=ndjson&match=hall=3"},
	{op: "GET /v1/frames", query: "prefix=mill&system=false&format=csv"},
	{op: "GET /v1/frames", query: "device=mill-07&device=door-3&format=arrow"},
	{op: "GET /v1/frames", query: "limit=2", status: 400, code: "bad_parameter"},
	{op: "GET /v1/frames", query: "device=mill-07&format=xml", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/frames", query: "device=mill-07&from=yesterday", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/frames", query: "device=mill-07&stream=x", status: 404, code: "unknown_stream"},
	{op: "GET /v1/frames", query: "device=mill-07&epoch=9", status: 404, code: "unknown_epoch"},
	{op: "GET /v1/frames", query: "device=mill-07&format=csv&require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/frames", query: "device=mill-07&after=00000000000090000000000008000000", status: 409, code: "other_history"},

	{op: "GET /v1/gaps", query: "limit=1", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/gaps", query: "limit=1&cursor=$CURSOR"},
	{op: "GET /v1/gaps", query: "device=mill-07&stream=0&epoch=1&state=FINAL&cause=declared_lost&min=1"},
	{op: "GET /v1/gaps", query: "device=mill-07&state=OPEN&from=2026-11-21T10:00:00Z&to=2026-11-21T11:00:00Z"},
	{op: "GET /v1/gaps", query: "prefix=m&system=true&consistency=stale&after=$POS"},
	{op: "GET /v1/gaps", query: "match=hall=3&group=hall&cadence=registered"},
	{op: "GET /v1/gaps", query: "group=type&cadence=1s"},
	{op: "GET /v1/gaps", query: "state=LOST", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/gaps", query: "epoch=1", status: 400, code: "bad_parameter"},
	{op: "GET /v1/gaps", query: "group=floor", status: 404, code: "unknown_label"},
	{op: "GET /v1/gaps", query: "require=complete", status: 409, code: "incomplete"},

	{op: "GET /v1/devices/{device}/gaps", query: "stream=0&epoch=1&consistency=leader&after=$POS"},
	{op: "GET /v1/devices/{device}/gaps", query: "cadence=500ms&from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:12Z"},
	{op: "GET /v1/devices/{device}/gaps", path: "quiet"},
	{op: "GET /v1/devices/{device}/gaps", path: "sealed"},
	{op: "GET /v1/devices/{device}/gaps", path: "fresh", query: "cadence=none"},
	{op: "GET /v1/devices/{device}/gaps", path: "door-3"},
	{op: "GET /v1/devices/{device}/gaps", path: "nobody", status: 404, code: "unknown_device"},
	{op: "GET /v1/devices/{device}/gaps", query: "cadence=often", status: 400, code: "bad_parameter"},
	{op: "GET /v1/devices/{device}/gaps", query: "require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/devices/{device}/coverage", query: "limit=1&stream=0&epoch=1", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/devices/{device}/coverage", query: "limit=1&stream=0&epoch=1&cursor=$CURSOR&consistency=stale&after=$POS"},
	{op: "GET /v1/devices/{device}/coverage", path: "fresh"},
	{op: "GET /v1/devices/{device}/coverage", path: "nobody", status: 404, code: "unknown_device"},
	{op: "GET /v1/devices/{device}/coverage", query: "require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/ledger", query: "consistency=linearizable&after=$POS"},
	{op: "GET /v1/ledger", query: "require=complete", status: 409, code: "incomplete"},
	{op: "GET /v1/ledger", header: []string{"Authorization", "Bearer $READER"}},
}

// seriesCalls ask for aggregates and points.
var seriesCalls = []apiCall{
	{op: "GET /v1/query", query: "device=mill-07&stream=0&fields=temp,rpm&from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:10Z&step=5s&tz=Europe/Paris&agg=avg,count,p99.9,last&fill=null"},
	{op: "GET /v1/query", query: "device=mill-07&agg=max&format=csv&consistency=stale&after=$POS"},
	{op: "GET /v1/query", query: "device=mill-07&agg=sum,min,first,stddev,rate,delta,nan"},
	{op: "GET /v1/query", query: "match=hall=3&group=hall&agg=count"},
	{op: "GET /v1/query", query: "prefix=m&system=true&group=all&agg=count"},
	{op: "GET /v1/query", query: "group=stream&stream=*&agg=count&from=-1h&step=P1D"},
	{op: "GET /v1/query", query: "device=mill-07&limit=2", keep: []string{"CURSOR=next"}},
	{op: "GET /v1/query", query: "device=mill-07&limit=2&cursor=$CURSOR"},
	{op: "GET /v1/query", query: "device=mill-07&limit=2&format=csv"},
	{op: "GET /v1/query", query: "device=nobody", status: 404},
	{op: "GET /v1/query", query: "device=mill-07&fields=state&agg=avg", status: 400, code: "not_a_number"},
	{op: "GET /v1/query", query: "agg=median", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/query", query: "step=1m&agg=avg", status: 400, code: "bad_parameter"},
	{op: "GET /v1/query", query: "device=mill-07&agg=avg&require=complete", status: 409, code: "incomplete"},
	{op: "POST /v1/query", body: `{"device":["mill-07","door-3"],"agg":["avg","count"],"from":"2026-11-21T10:00:00Z","step":"1m","system":false}`},
	{op: "POST /v1/query", kind: "application/x-www-form-urlencoded", body: `device=mill-07&agg=avg&format=csv`},
	{op: "POST /v1/query", query: "device=mill-07&stream=0&fields=temp&from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:10Z&step=5s&tz=UTC&agg=avg&group=device&fill=none&format=json&consistency=leader&after=$POS", body: `{}`},
	{op: "POST /v1/query", query: "prefix=m&system=true", body: `{"agg":"count"}`},
	{op: "POST /v1/query", query: "match=hall=3", body: `{"agg":"count"}`},
	{op: "POST /v1/query", query: "limit=2", body: `{"device":"mill-07"}`, keep: []string{"CURSOR=next"}},
	{op: "POST /v1/query", query: "limit=2&cursor=$CURSOR", body: `{"device":"mill-07"}`},
	{op: "POST /v1/query", body: `{"colour":1}`, status: 400, code: "unknown_parameter", bad: true},
	{op: "POST /v1/query", body: `[]`, status: 400, code: "bad_body", bad: true},
	{op: "POST /v1/query", kind: "text/plain", body: `x`, status: 415, code: "unknown_content_type", bad: true},
	{op: "POST /v1/query", body: `{"prefix":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: "body_too_large"},
}

// tailCalls follow, and keep places.
var tailCalls = []apiCall{
	{op: "GET /v1/tail", query: "from=first&until=now&system=true"},
	{op: "GET /v1/tail", query: "from=$POS&until=now&format=sse&stream=0&class=event&fields=temp&raw=false&consistency=linearizable"},
	{op: "GET /v1/tail", query: "from=first&limit=2&device=mill-07&device=door-3&format=ndjson"},
	{op: "GET /v1/tail", query: "from=first&until=now&match=hall=3", header: []string{"Accept", "text/event-stream"}},
	{op: "GET /v1/tail", query: "until=now", header: []string{"Last-Event-ID", "$POS"}},
	{op: "GET /v1/tail", lines: 1},
	{op: "GET /v1/tail", query: "from=yesterday", status: 400, code: "bad_parameter"},
	{op: "GET /v1/tail", query: "until=first", status: 400, code: "bad_parameter", bad: true},
	{op: "GET /v1/tail", query: "after=$POS", status: 400, code: "unknown_parameter"},
	{op: "GET /v1/tail", query: "consumer=nobody", status: 404, code: "unknown_consumer"},
	{op: "GET /v1/tail", query: "from=00000000000090000000000008000000", status: 409, code: "other_history"},
	{op: "GET /v1/gaps/events", lines: 1},
	{op: "GET /v1/gaps/events", query: "device=mill-07&stream=0&system=true&format=sse&consistency=stale", lines: 2},
	{op: "GET /v1/gaps/events", query: "match=hall=3", lines: 1},
	{op: "GET /v1/gaps/events", query: "format=csv", status: 400, code: "bad_parameter", bad: true},

	{op: "PUT /v1/consumers/{name}", body: `{"position":"$POS"}`},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"$POS"}`},
	{op: "GET /v1/tail", query: "consumer=billing&until=now"},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"00000000000000000000000000000000"}`, status: 409, code: "other_history"},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"x"}`, status: 400, code: "bad_parameter", bad: true},
	{op: "PUT /v1/consumers/{name}", body: `{}{}`, status: 400, code: "bad_json", bad: true},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"` + strings.Repeat("x", 1<<13) + `"}`, status: 413, code: "body_too_large", bad: true},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"00000000000090000000000008000000"}`, status: 409, code: "other_history"},
	{op: "POST /v1/consumers/{name}/reset", body: `{"position":"first"}`},
	{op: "POST /v1/consumers/{name}/reset", body: `{"position":"now"}`},
	{op: "PUT /v1/consumers/{name}", body: `{"position":"$POS"}`, status: 409, code: "position_back"},
	{op: "POST /v1/consumers/{name}/reset", body: `{"position":"soon"}`, status: 400, code: "bad_parameter"},
	{op: "POST /v1/consumers/{name}/reset", path: "a\nb", body: `{"position":"now"}`, status: 400, code: "bad_name"},
	{op: "GET /v1/consumers", query: "consistency=linearizable"},
	{op: "GET /v1/consumers", query: "limit=1", status: 400, code: "unknown_parameter"},
	{op: "GET /v1/consumers/{name}", query: "consistency=stale"},
	{op: "GET /v1/consumers/{name}", path: "nobody", status: 404, code: "unknown_consumer"},
	{op: "DELETE /v1/consumers/{name}"},
	{op: "DELETE /v1/consumers/{name}", status: 404, code: "unknown_consumer"},
}

// nodeCalls are about the node, its cluster and its settings.
var nodeCalls = []apiCall{
	{op: "GET /v1/policy", keep: []string{"REVISION=revision"}},
	{op: "PUT /v1/policy", query: "note=tests", body: `{"revision":$REVISION,"ledger":{"grace_ms":20000},"merge":{"fan_in":8}}`},
	{op: "PUT /v1/policy", body: `{"revision":$REVISION}`, status: 409, code: "policy_changed"},
	{op: "PUT /v1/policy", body: `{"colour":1}`, status: 400, code: "bad_policy", bad: true},
	{op: "PUT /v1/policy", query: "note=a%0Ab", body: `{"revision":$REVISION}`, status: 400, code: "bad_note"},
	{op: "PUT /v1/policy", query: "nte=x", body: `{"revision":$REVISION}`, status: 400, code: "unknown_parameter"},
	{op: "PUT /v1/policy", body: `"` + strings.Repeat("x", 1<<20) + `"`, status: 413, code: "body_too_large", bad: true},
	{op: "GET /v1/policy/history", query: "limit=5"},
	{op: "GET /v1/policy/history", query: "limit=0", status: 400, code: "bad_parameter", bad: true},

	{op: "GET /v1/cluster"},
	{op: "POST /v1/cluster/raise"},
	{op: "POST /v1/cluster/transfer", body: `{"to":"n1"}`},
	{op: "POST /v1/cluster/transfer", body: `{"to":"n9"}`, status: 404, code: "unknown_node"},
	{op: "POST /v1/cluster/transfer", body: `{"to":`, status: 400, code: "bad_json", bad: true},
	{op: "POST /v1/cluster/members/{node}/join"},
	{op: "POST /v1/cluster/members/{node}/join", path: "n9", body: `{"address":"127.0.0.1:1"}`, status: 202},
	{op: "POST /v1/cluster/members/{node}/join", path: "n9", status: 400, code: "no_address"},
	{op: "POST /v1/cluster/members/{node}/join", path: "N 9", status: 400, code: "bad_node"},
	{op: "POST /v1/cluster/members/{node}/join", body: `{"address":"x"}`, status: 400, code: "bad_address"},
	{op: "POST /v1/cluster/members/{node}/promote"},
	{op: "POST /v1/cluster/members/{node}/promote", path: "n9", status: 404, code: "unknown_node"},
	{op: "POST /v1/cluster/members/{node}/replace"},
	{op: "POST /v1/cluster/members/{node}/replace", path: "n9", status: 404, code: "unknown_node"},
	{op: "POST /v1/cluster/members/{node}/remove", path: "n9"},
	{op: "POST /v1/cluster/members/{node}/remove", status: 409, code: "last_voter"},
	{op: "POST /v1/cluster/flush"},
	{op: "GET /v1/storage"},
	{op: "GET /v1/merges"},
	{op: "GET /healthz"},
	{op: "GET /readyz"},
	{op: "GET /openapi.yaml"},
	{op: "GET /metrics", query: "name[]=gapless_query_requests_total"},
	{op: "GET /debug/pprof/{profile}", query: "debug=1"},
	{op: "GET /debug/pprof/{profile}", path: "heap", query: "gc=1"},
	{op: "GET /debug/pprof/{profile}", path: "allocs", query: "seconds=1"},
	{op: "GET /debug/pprof/{profile}", path: "nothing", status: 404, code: "unknown_profile"},
}

// influxCalls come from writers of line protocol.
var influxCalls = []apiCall{
	{op: "GET /ping", status: 204},
	{op: "GET /health"},
	{op: "POST /query", query: "q=CREATE+DATABASE+d"},
	{op: "POST /query", kind: "application/x-www-form-urlencoded", body: "q=CREATE+DATABASE+d"},
	{op: "POST /query", query: "q=SELECT", status: 400, code: "unknown_statement"},
	{op: "POST /write", query: "db=d&rp=r&precision=s&consistency=any&device_tag=host&u=x&p=$TOKEN", kind: "text/plain", body: "m,host=a x=1 1795255200", status: 204},
	{op: "POST /write", kind: "text/plain", body: "m,device=a x=1", header: []string{"Authorization", "Token $TOKEN"}, status: 204},
	{op: "POST /write", kind: "text/plain", body: "m,device=a x=1\nm x=", status: 400},
	{op: "POST /write", kind: "text/plain", body: "m,device=a x=", status: 400},
	{op: "POST /write", query: "precision=d", kind: "text/plain", body: "m,device=a x=1", status: 400, code: "bad_precision", bad: true},
	{op: "POST /write", query: "consistency=all", kind: "text/plain", body: "m,device=a x=1", status: 400, code: "bad_consistency", bad: true},
	{op: "POST /write", query: "presicion=s", kind: "text/plain", body: "m,device=a x=1", status: 400, code: "unknown_parameter"},
	{op: "POST /write", kind: "text/plain", body: "m,device=a x=1", header: []string{"Content-Encoding", "br"}, status: 415, code: "unknown_encoding", bad: true},
	{op: "POST /api/v2/write", query: "org=o&orgID=i&bucket=b&bucketID=c&precision=ms&consistency=one&device_tag=host", kind: "text/plain", body: "m,host=a x=1", status: 204},
	{op: "POST /api/v2/write", kind: "text/plain", body: "m,device=a x=1", header: []string{"Authorization", "Token $TOKEN", "Idempotency-Key", "b"}, status: 204},
	{op: "POST /api/v2/write", kind: "text/plain", body: "m,device=a x=2", header: []string{"Idempotency-Key", "b"}, status: 422, code: "idempotency_mismatch"},
	{op: "POST /api/v2/write", kind: "text/plain", body: "m,device=a x=1\nm x=", status: 400},
	{op: "POST /api/v2/write", query: "precision=m", kind: "text/plain", body: "m,device=a x=1", status: 400, code: "bad_precision", bad: true},
	{op: "POST /api/v2/write", kind: "text/plain", body: "#", status: 400, code: "empty_body"},
}

// TestDescriptionHolds sends every kind of request to a node, and holds requests and answers against the description.
func TestDescriptionHolds(t *testing.T) {
	a := newAPITest(t)
	a.kept["READER"] = a.tokens[auth.Read]
	questions := slices.Concat(questionCalls, seriesCalls, tailCalls)
	for _, c := range slices.Concat(completeCalls, frameCalls, registryCalls, questions, nodeCalls, influxCalls) {
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
		c := apiCall{op: name, status: http.StatusUnauthorized, code: "no_token", header: []string{"Authorization", ""}, bad: op.RequestBody != nil && op.RequestBody.Value.Required}
		a.call(c)
		c.code, c.header = "bad_token", []string{"Authorization", "Bearer wrong"}
		a.call(c)
		c.status, c.code, c.header = http.StatusForbidden, "forbidden", []string{"Authorization", "Bearer " + a.tokens[auth.All&^scope]}
		a.call(c)
	}
}
