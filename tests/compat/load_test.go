package compat

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// request is one thing that a device says, or the word to flush.
type request struct {
	path, body, key string         // key: Idempotency-Key
	want            map[string]any // members of the answer, which is 200; nil for one that is 422: nothing of it is stored
}

const flushPath = "/v1/cluster/flush"

// say sends a request, again while the cluster cannot take it, and compares the answer.
func (r request) say(t *testing.T, node string) {
	t.Helper()
	contentType := "application/json"
	if strings.Contains(r.body, "}\n") {
		contentType = "application/x-ndjson"
	}
	header := []string{}
	if r.key != "" {
		header = []string{"Idempotency-Key", r.key}
	}
	want, last := http.StatusOK, ""
	if r.want == nil {
		want = http.StatusUnprocessableEntity
	}
	cluster.Eventually(t, patience, func() bool {
		status, b, err := cluster.Post(node+r.path, contentType, r.body, header...)
		last = fmt.Sprintf("%d %.500s, %v", status, b, err)
		if err != nil || status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
			return false
		}
		var answer map[string]any
		if err := json.Unmarshal(b, &answer); status != want || err != nil {
			t.Fatalf("%s: %s, wanted %d", r.path, last, want)
		}
		for member, value := range r.want {
			if fmt.Sprint(answer[member]) != fmt.Sprint(value) {
				t.Errorf("%s: %s is %v, want %v, in %s", r.path, member, answer[member], value, last)
			}
		}
		return true
	}, func() string { return r.path + ": " + last })
}

func frames(n int, lines string) request {
	return request{path: "/v1/frames", body: lines, want: map[string]any{"accepted": n}}
}

// lines writes a frame for each number from first to last that is not left out; more adds members after the comma.
func lines(device string, first, last int, without func(n int) bool, more func(n int) string) request {
	var b strings.Builder
	count := 0
	for n := first; n <= last; n++ {
		if without(n) {
			continue
		}
		fmt.Fprintf(&b, `{"device":%q,%s}`+"\n", device, more(n))
		count++
	}
	return frames(count, b.String())
}

func all(int) bool     { return false }
func holes(n int) bool { return n%13 == 12 }
func at(n int) int64   { return base.UnixMilli() + int64(n)*1000 }
func raw(size int, b byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), size)))
}

// base is when the devices' time begins: now, so that it is not implausible; the old clock's is.
var base = time.Now().Truncate(time.Second)

// mill has every kind of value.
func mill(n int) string {
	return fmt.Sprintf(`"epoch":"17","first":0,"seq":%d,"time_ms":%d,"raw":%q,`+
		`"fields":{"rpm":%d.25,"on":%v,"text":"α-%d","i":%d,"u":18446744073709551615,"z":-0.0,"tiny":1e-300}`,
		n, at(n), raw(n%5, byte(n)), n, n%2 == 0, n, -n*1_000_000_007)
}

func plain(epoch string) func(n int) string {
	return func(n int) string {
		return fmt.Sprintf(`"epoch":%q,"first":0,"seq":%d,"time_ms":%d,"fields":{"v":%d}`, epoch, n, at(n), n)
	}
}

// narrow counts in 8 bits.
func narrow(n int) string {
	return fmt.Sprintf(`"bits":8,"seq":%d,"time_ms":%d,"fields":{"v":%d.5}`, n%256, at(n), n)
}

// bulk fills the log, so that it is cut, and packs well.
func bulk(n int) string {
	return fmt.Sprintf(`"seq":%d,"first":0,"time_ms":%d,"raw":%q`, n, at(n), raw(48<<10, byte(n)))
}

func snapshot(n int) string {
	return fmt.Sprintf(`"stream":"spindle","seq":%d,"class":"snapshot","time":"2020-01-01T00:00:%02dZ","fields":{"load":0.%d}`, n, n, n)
}

func say(path, body string) request { return request{path: path, body: body, want: map[string]any{}} }

// keyed has no numbers and a key instead.
func keyed() request {
	r := frames(2, `[{"device":"door","fields":{"open":true}},{"device":"door","fields":{"open":false}}]`)
	r.key = "door-1"
	return r
}

// load is what every frozen cluster was told, in order. A release without segments leaves the flushes out.
func load() []request {
	flush := say(flushPath, "")
	conflict := frames(0, `[{"device":"twice","epoch":"1","seq":3,"first":0,"fields":{"v":"other"}}]`)
	conflict.want["conflict"] = 1
	again := lines("twice", 5, 9, all, plain("1"))
	again.want = map[string]any{"accepted": 0, "duplicate": 5}
	return []request{
		lines("mill", 0, 99, holes, mill),
		lines("narrow", 250, 399, holes, narrow),
		lines("bulk", 0, 13, all, bulk),
		lines("bulk", 14, 27, all, bulk),
		lines("reboot", 0, 29, all, plain("a")),
		say("/v1/devices/reboot/seal", `{"epoch":"a","last_seq":31,"count":32}`),
		flush,
		lines("narrow", 400, 549, holes, narrow),
		lines("reboot", 4, 20, all, plain("b")),
		say("/v1/devices/reboot/heartbeat", `{"epoch":"b","next_seq":25,"first":0}`),
		lines("lossy", 0, 39, func(n int) bool { return n >= 10 && n < 20 }, plain("1")),
		say("/v1/devices/lossy/declare-lost", `{"epoch":"1","from":10,"to":14,"reason":"ring overflow"}`),
		lines("bad", 0, 4, all, plain("1")),
		{path: "/v1/frames", body: `[{"device":"bad","epoch":"1","seq":5,"first":0,"fields":{"x":1e400}}]`},
		lines("bad", 6, 6, all, plain("1")),
		lines("twice", 0, 9, all, plain("1")), conflict, again,
		keyed(),
		flush,
		lines("mill", 100, 199, holes, mill),
		lines("old/clock", 0, 30, holes, snapshot),
		frames(3, `[{"device":"door","fields":{"open":true}},{"device":"late","seq":7,"fields":{}},{"device":"late","seq":2,"fields":{}}]`),
		say("/v1/devices/mill/heartbeat", `{"epoch":"17","next_seq":205,"first":0}`),
	}
}
