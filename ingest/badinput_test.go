package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of bad inputs into docs/http-api.md")

const docsPage = "../docs/http-api.md"

// badInput is one way to send rubbish, and the exact answer to it.
type badInput struct {
	name   string
	send   request
	token  string // "" is the right one, "none" sends none
	status int
	code   string // of the request, or of the item when single is set
	item   bool   // the code is the item's
	record string // what the gap report will say of the number
	counts int    // how much it adds to `received`
}

func oneFrame(members string) []byte { return []byte(`{"device":"a","seq":1,` + members + `}`) }

// badInputs are built once: some are large.
var badInputs = sync.OnceValue(func() []badInput {
	whole := func(name string, status int, code string, r request) badInput {
		return badInput{name: name, send: r, status: status, code: code, counts: 1}
	}
	item := func(name, code, record string, r request) badInput {
		return badInput{name: name, send: r, status: 422, code: code, item: true, record: record, counts: 1}
	}
	json := func(body string) request { return request{body: []byte(body)} }
	batch := func(change func(b []byte) []byte) request {
		return request{body: change(clientBatch()), kind: eventBatch}
	}
	packed := func(name string, body []byte) request {
		return request{body: body, headers: map[string]string{"Content-Encoding": name}}
	}
	const schema, oversize = "rejected.schema", "rejected.oversize"
	list := []badInput{
		whole("broken JSON", 400, "bad_json", json(`[{"device":"a","seq":1},{"device"`)),
		whole("two JSON documents", 400, "bad_json", json(`{"device":"a"}{"device":"b"}`)),
		whole("a JSON number", 400, "bad_json", json(`17`)),
		whole("a million `[`", 400, "bad_json", json(strings.Repeat("[", 1<<20))),
		whole("NaN", 400, "bad_json", json(`{"device":"a","seq":1,"fields":{"x":NaN}}`)),
		whole("Infinity", 400, "bad_json", json(`[{"device":"a","seq":1,"fields":{"x":-Infinity}}]`)),
		whole("the number 01", 400, "bad_json", json(`{"device":"a","seq":01}`)),
		item("NaN in a line of NDJSON", "bad_json", "", request{body: oneFrame(`"fields":{"x":NaN}`), kind: lineJSON}),
		item("the number 1e400", "number_out_of_range", schema, request{body: oneFrame(`"fields":{"x":1e400}`)}),
		item("the integer 2^64", "number_out_of_range", schema, request{body: oneFrame(`"fields":{"x":18446744073709551616}`)}),
		item("seq 2^63", "seq_out_of_range", "", json(`{"device":"a","seq":9223372036854775808}`)),
		item("seq 256 of an 8-bit counter", "seq_out_of_range", "", json(`{"device":"a","seq":256,"bits":8}`)),
		item("seq 1.0", "bad_seq", "", json(`{"device":"a","seq":1.0}`)),
		item("a time in year 1", "time_out_of_range", schema, request{body: oneFrame(`"time":"0001-01-01T00:00:00Z"`)}),
		item("no device", "device_required", "", json(`{"seq":1}`)),
		item("a device name of 1 MiB", "name_too_long", "", json(`{"seq":1,"device":"`+strings.Repeat("d", 1<<20)+`"}`)),
		item("device `_audit`", "name_reserved", "", json(`{"device":"_audit","seq":1}`)),
		item("invalid UTF-8", "bad_utf8", schema, request{body: oneFrame("\"fields\":{\"x\":\"\xff\xfe\"}")}),
		item("half a surrogate pair", "bad_utf8", schema, request{body: oneFrame(`"fields":{"x":"\ud800"}`)}),
		item("a key twice", "duplicate_key", "", json(`{"device":"a","seq":1,"seq":2}`)),
		item("a field twice", "duplicate_key", schema, request{body: oneFrame(`"fields":{"x":1,"\u0078":2}`)}),
		item("an unknown key", "unknown_key", schema, request{body: oneFrame(`"colour":"red"`)}),
		item("a field that is null", "bad_field", schema, request{body: oneFrame(`"fields":{"x":null}`)}),
		item("a field that is an array", "bad_field", schema, request{body: oneFrame(`"fields":{"x":[1]}`)}),
		item("10,000 fields", "too_many_fields", oversize, request{body: oneFrame(`"fields":{` + manyFields(10_000) + `}`)}),
		item("a frame of 2 MiB", "frame_too_large", oversize, request{body: oneFrame(`"fields":{"x":"` + strings.Repeat("x", 2<<20) + `"}`)}),
		item("raw that is not base64", "bad_raw", schema, request{body: oneFrame(`"raw":"AA"`)}),
		{name: "10,001 bad items", send: json("[1" + strings.Repeat(",1", maxRejected) + "]"), status: 400, code: "too_many_rejected", counts: 1},
		whole("frames for more than one batch", 413, "batch_too_large", json(`[`+strings.Repeat(string(oneFrame(`"raw":"`+strings.Repeat("A", 1<<20)+`"`))+",", 6)+`1]`)),
		whole("batch: wrong CRC", 400, "bad_batch", batch(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })),
		whole("batch: cut short", 400, "bad_batch", batch(func(b []byte) []byte { return b[:len(b)-1] })),
		whole("batch: version 9", 400, "batch_version", batch(func(b []byte) []byte { b[4] = 9; return b })),
		whole("batch: forged fingerprint", 400, "bad_fingerprint", batch(forged)),
		whole("batch: with a reject", 400, "bad_batch", request{body: batchWithReject(), kind: eventBatch}),
		whole("batch: without a frame", 400, "empty_body", request{body: emptyBatch(), kind: eventBatch}),
		whole("batch: another tenant's", 403, "wrong_tenant", request{body: otherBatch("acme", "a"), kind: eventBatch}),
		whole("batch: device `_audit`", 400, "name_reserved", request{body: otherBatch("default", "_audit"), kind: eventBatch}),
		whole("batch: JSON", 400, "bad_batch", request{body: oneFrame(`"raw":""`), kind: eventBatch}),
		whole("a gzip bomb (32 MiB of blanks in 32 KiB)", 413, "unpacked_too_large", packed("gzip", gz(bytes.Repeat([]byte(" "), 32<<20)))),
		whole("a zstd bomb (32 MiB of blanks in 3 KiB)", 413, "unpacked_too_large", packed("zstd", zs(bytes.Repeat([]byte(" "), 32<<20)))),
		whole("gzip that is none", 400, "bad_encoding", packed("gzip", []byte(`{"device":"a"}`))),
		whole("gzip cut short", 400, "bad_encoding", packed("gzip", gz(oneFrame(`"raw":""`))[:20])),
		whole("Content-Encoding `br`", 415, "unknown_encoding", packed("br", []byte(`x`))),
		whole("unknown Content-Type", 415, "unknown_content_type", request{body: oneFrame(`"raw":""`), kind: "text/csv"}),
		whole("no Content-Type", 415, "unknown_content_type", request{body: oneFrame(`"raw":""`), kind: "none"}),
		whole("empty body", 400, "empty_body", json("")),
		whole("blanks", 400, "empty_body", json(" \n ")),
		whole("an empty array", 400, "empty_body", json("[]")),
		whole("a body beyond the limit", 413, "body_too_large", json(strings.Repeat(" ", badInputBody+1))),
		whole("an Idempotency-Key with a blank", 400, "bad_idempotency_key",
			request{body: oneFrame(`"raw":""`), headers: map[string]string{"Idempotency-Key": "a b"}}),
		{name: "no token", send: json(`{"device":"a"}`), token: "none", status: 401, code: "no_token"},
		{name: "a wrong token", send: json(`{"device":"a"}`), token: "wrong", status: 401, code: "bad_token"},
		{name: "device `../../etc` (legal: a name is only text)", send: json(`{"device":"../../etc","seq":1}`), status: 200, counts: 1},
	}
	return list
})

// badInputBody is max_body_bytes in these tests; what it unpacks to may be twice as long.
const badInputBody = 8 << 20

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"f%d":%d,`, i, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// forged has one bit of the frame's fingerprint turned, and a checksum that fits.
func forged(batch []byte) []byte {
	var r frame.Reader
	if err := r.Reset(batch); err != nil {
		panic(err)
	}
	var g frame.Group
	var it frame.Item
	r.NextGroup(&g)
	r.Next(&it)
	at := bytes.Index(batch, binary.LittleEndian.AppendUint32(nil, it.Fingerprint))
	batch[at] ^= 1
	return repaired(batch)
}

func batchWithReject() []byte {
	var b frame.Builder
	b.Reset(frame.Header{})
	id, err := b.Stream(frame.StreamKey{Device: "a"})
	g := frame.Group{Stream: id, Bits: 64}
	err = errors.Join(err, b.Add(g, &frame.Frame{Seq: 1, Class: frame.ClassEvent}),
		b.Reject(frame.Reject{Group: g, Seq: 2, Cause: frame.CauseRejectedCRC, Code: "crc"}))
	batch, err2 := b.Finish(nil)
	if err := errors.Join(err, err2); err != nil {
		panic(err)
	}
	return batch
}

func emptyBatch() []byte {
	var b frame.Builder
	b.Reset(frame.Header{})
	batch, err := b.Finish(nil)
	if err != nil {
		panic(err)
	}
	return batch
}

func clientBatch() []byte { return otherBatch("default", "a") }

// otherBatch is a well-formed client batch of one frame.
func otherBatch(tenant, device string) []byte {
	var b frame.Builder
	b.Reset(frame.Header{})
	id, err := b.Stream(frame.StreamKey{Tenant: tenant, Device: device})
	if err != nil {
		panic(err)
	}
	if err := b.Add(frame.Group{Stream: id, Bits: 64}, &frame.Frame{Seq: 1, Class: frame.ClassEvent, Raw: []byte("raw")}); err != nil {
		panic(err)
	}
	batch, err := b.Finish(nil)
	if err != nil {
		panic(err)
	}
	return batch
}

func newBadInputDoor(t testing.TB, stream bool) *door {
	return newDoor(t, doorOptions{secured: true, stream: stream, Options: Options{MaxBodyBytes: badInputBody, MaxUnpackedBytes: 2 * badInputBody}})
}

// sendBad sends one and says what differs from the answer that it must get.
func (d *door) sendBad(bad badInput) (reply, string) {
	r := bad.send
	if bad.token != "" {
		r.headers = map[string]string{"Authorization": "Bearer " + bad.token}
		if bad.token == "none" {
			r.headers["Authorization"] = ""
		}
	}
	got := d.send(r)
	code := got.code
	if bad.item {
		if len(got.answer.Rejected) != 1 || got.code != "all_rejected" {
			return got, fmt.Sprintf("%d %.300s", got.status, got.body)
		}
		code = got.answer.Rejected[0].Code
	}
	if got.status != bad.status || code != bad.code {
		return got, fmt.Sprintf("got %d %s, want %d %s: %.300s", got.status, code, bad.status, bad.code, got.body)
	}
	return got, ""
}

func TestBadInputs(t *testing.T) {
	table := &strings.Builder{}
	fmt.Fprintln(table, "| what comes in | answer | what it says | in the gap report |\n|---|---|---|---|")
	for _, stream := range []bool{false, true} {
		d := newBadInputDoor(t, stream)
		want := uint64(0)
		for _, bad := range badInputs() {
			before := len(d.proposer.requests)
			got, diff := d.sendBad(bad)
			if diff != "" {
				t.Errorf("%s: %s", bad.name, diff)
				continue
			}
			if record := d.recorded(before); record != bad.record {
				t.Errorf("%s: recorded %q, want %q", bad.name, record, bad.record)
			}
			if want += uint64(bad.counts); d.balance().Received != want {
				t.Errorf("%s: received is %d, want %d", bad.name, d.balance().Received, want)
			}
			if !stream {
				tableRow(table, bad, got)
			}
		}
	}
	t.Log("\n" + table.String())
	checkDocs(t, table.String())
}

// recorded is the cause under which the newest request's number was recorded, "" for none.
func (d *door) recorded(before int) string {
	if len(d.proposer.requests) == before {
		return ""
	}
	batch := d.proposer.last()
	if len(batch.rejects) == 0 {
		return ""
	}
	return batch.rejects[0].reject.Cause.String()
}

func tableRow(table *strings.Builder, bad badInput, got reply) {
	answer, says := fmt.Sprintf("%d `%s`", bad.status, bad.code), ""
	switch {
	case bad.item:
		answer, says = fmt.Sprintf("%d, item `%s`", bad.status, bad.code), got.answer.Rejected[0].Message
	case got.answer.Error != nil:
		says = got.answer.Error.Message
	default:
		answer, says = "200", "accepted"
	}
	if says = strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(says); len(says) > 150 {
		says = says[:150] + "..."
	}
	fmt.Fprintf(table, "| %s | %s | %s | %s |\n", bad.name, answer, says, bad.record)
}

// checkDocs holds the page to the table, or writes it there.
func checkDocs(t *testing.T, table string) {
	const begin, end = "<!-- bad input: written by `go test ./ingest -run TestBadInputs -update` -->\n", "<!-- end of bad input -->"
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	old, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", docsPage)
	}
	if *update {
		if err := os.WriteFile(docsPage, []byte(head+begin+table+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, old); diff != "" {
		t.Errorf("%s says something else (-update writes it): %s", docsPage, diff)
	}
}

// Whatever comes in, from many at once and with a store that fails now and then: every item has exactly one outcome.
func TestBalanceUnderFire(t *testing.T) {
	d := newBadInputDoor(t, true)
	fails := []error{nil, &OverloadError{}, &NoLeaderError{}, nil, &OutcomeUnknownError{}, &RefusedError{Code: "no"}}
	var mu sync.Mutex
	want := uint64(0)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i, bad := range badInputs() {
				if len(bad.send.body) > 4<<20 {
					continue
				}
				d.proposer.mu.Lock()
				d.proposer.fail = fails[(i+worker)%len(fails)]
				d.proposer.mu.Unlock()
				sum := bad.counts + 1
				d.sendBad(bad)
				d.send(request{body: []byte(fmt.Sprintf(`{"device":"w%d","seq":%d}`, worker, i))})
				mu.Lock()
				want += uint64(sum)
				mu.Unlock()
				d.balance()
			}
		})
	}
	wg.Wait()
	if now := d.balance(); now.Received != want {
		t.Errorf("received %d of %d: %+v", now.Received, want, now)
	}
}
