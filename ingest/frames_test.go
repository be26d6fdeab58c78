package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
)

const (
	eventBatch = "application/vnd.gapless.batch"
	lineJSON   = "application/x-ndjson"
)

func TestFrameObject(t *testing.T) {
	d := newDoor(t, doorOptions{})
	got := d.json(`{"device":"mill-07","stream":"axis","seq":17,"epoch":3,"bits":16,"first":5,"time":"2026-11-21T10:00:00.123456789+01:00","class":"snapshot",
		"fields":{"b":true,"a":1.10,"s":"é\u00e9\n","n":-7},"raw":"AAECAw=="}`)
	if got.status != 200 || got.answer.Accepted != 1 || got.answer.Delivery != DeliveryExactlyOnce || got.answer.Position == nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if pos, err := frame.ParsePosition(*got.answer.Position); err != nil || pos.Index != 1 {
		t.Errorf("position %v, %v", pos, err)
	}
	batch := d.proposer.last()
	wantHeader := frame.Header{ReceiveMS: testTime.UnixMilli(), Node: "n1", Listener: "http"}
	if batch.header != wantHeader || len(batch.frames) != 1 || len(batch.rejects) != 0 {
		t.Fatalf("%+v", batch)
	}
	f := batch.frames[0]
	if want := (frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "axis"}); f.key != want {
		t.Errorf("stream %+v", f.key)
	}
	if want := (frame.Group{Stream: 1, Epoch: "3", Bits: 16, HasFirst: true, First: 5}); f.group != want {
		t.Errorf("group %+v", f.group)
	}
	a, _ := frame.DecimalFloat(110, 2)
	want := frame.Frame{Seq: 17, TimeNS: time.Date(2026, 11, 21, 9, 0, 0, 123456789, time.UTC).UnixNano(), Class: frame.ClassSnapshot,
		Fingerprint: f.frame.Fingerprint, Raw: []byte{0, 1, 2, 3},
		Fields: []frame.Field{{Name: "a", Value: a}, {Name: "b", Value: frame.Bool(true)}, {Name: "n", Value: frame.Int(-7)}, {Name: "s", Value: frame.String("éé\n")}}}
	if diff := cmp.Diff(want, f.frame); diff != "" {
		t.Error(diff)
	}
}

func TestDefaults(t *testing.T) {
	d := newDoor(t, doorOptions{})
	if got := d.json(`{"device":"d","seq":0}`); got.status != 200 || string(got.body) !=
		`{"position":"`+*got.answer.Position+`","accepted":1,"duplicate":0,"conflict":0,"unverified":0,"rejected":[],"delivery":"exactly_once"}` {
		t.Fatalf("%d %s", got.status, got.body)
	}
	f := d.proposer.last().frames[0]
	if f.key.Stream != "0" || f.group != (frame.Group{Stream: 1, Bits: 64}) || !f.frame.NoTime || f.frame.Class != frame.ClassEvent ||
		f.frame.TimeNS != testTime.UnixNano() {
		t.Errorf("%+v", f)
	}
}

func TestDelivery(t *testing.T) {
	d := newDoor(t, doorOptions{})
	for _, test := range []struct{ body, key, want string }{
		{`{"device":"d","seq":1}`, "", DeliveryExactlyOnce},
		{`{"device":"d"}`, "", DeliveryAtLeastOnce},
		{`[{"device":"d","seq":1},{"device":"d"}]`, "", DeliveryAtLeastOnce},
		{`{"device":"d","fields":{"a":1}}`, "k1", DeliveryExactlyOnce},
		{`[{"device":"d","seq":1},{"device":"d","fields":{"a":null}}]`, "", DeliveryExactlyOnce}, // the one without a number was not accepted
	} {
		got := d.send(request{body: []byte(test.body), headers: map[string]string{"Idempotency-Key": test.key}})
		if got.status != 200 || got.answer.Delivery != test.want {
			t.Errorf("%s: %d %s", test.body, got.status, got.body)
		}
	}
	d.proposer.refuse = []uint64{0} // a frame without a number has 0
	if got := d.json(`[{"device":"d","seq":1},{"device":"d","fields":{"a":2}}]`); got.answer.Delivery != DeliveryExactlyOnce || len(got.answer.Rejected) != 1 {
		t.Errorf("the frame without number was refused in apply: %s", got.body)
	}
}

// Frames of several streams change places in the batch; what apply says of a place must come back for the right item.
func TestOrderOfRefusals(t *testing.T) {
	d := newDoor(t, doorOptions{})
	d.proposer.refuse = []uint64{10, 21}
	got := d.json(`[{"device":"a","seq":1},{"device":"b","seq":10},{"device":"a","seq":true},{"device":"a","seq":2},{"device":"b","seq":11},
		{"device":"c","seq":21},{"device":"b","seq":1,"fields":{"x":null}}]`)
	var items []string
	for _, r := range got.answer.Rejected {
		items = append(items, fmt.Sprint(r.Item, " ", r.Code))
	}
	if diff := cmp.Diff([]string{"1 too_many_streams", "2 bad_seq", "5 too_many_streams", "6 bad_field"}, items); diff != "" || got.answer.Accepted != 3 {
		t.Errorf("%s\n%s", diff, got.body)
	}
	if now := d.balance(); now.Received != 7 || now.Rejected != 4 || now.Accepted != 3 {
		t.Errorf("%+v", now)
	}
}

func TestRejectsAreAccounted(t *testing.T) {
	d := newDoor(t, doorOptions{})
	long := `{"device":"a","seq":4,"epoch":"e","bits":32,"stream":"s","raw":"` + strings.Repeat("A", 2<<20) + `"}`
	got := d.ndjson(strings.Join([]string{
		`{"fields":{"x":[1]},"seq":2,"device":"a"}`, // the fault comes before the name
		`{"device":"a","seq":3,"colour":"red","class":"event"}`,
		long,
		`{"device":"a","seq":-5}`,             // no number to account for
		`{"device":"_audit","seq":6}`,         // not the client's to speak of
		`{"device":"a","device":"b","seq":7}`, // whose?
		`{"device":"a","seq":8,"seq":9}`,      // which?
		`{"device":"a","seq":300,"bits":8,"fields":{"x":{}}}`, // does not exist
		`{"device":"a","fields":{"x":null}}`,                  // never had a number
		`{"device":"a","seq":10`,
		`{"device":"a","seq":1}`,
	}, "\n"))
	if got.status != 200 || got.answer.Accepted != 1 || len(got.answer.Rejected) != 10 {
		t.Fatalf("%d %.2000s", got.status, got.body)
	}
	batch := d.proposer.last()
	var rejects []string
	for _, r := range batch.rejects {
		rejects = append(rejects, fmt.Sprint(r.key.Device, "/", r.key.Stream, "/", r.reject.Group.Epoch, " ", r.reject.Seq, " ", r.reject.Cause, " ", r.reject.Code, " ", len(r.reject.Raw)))
	}
	want := []string{"a/0/ 2 rejected.schema bad_field 41", "a/0/ 3 rejected.schema unknown_key 53", "a/s/e 4 rejected.oversize frame_too_large 4096"}
	if diff := cmp.Diff(want, rejects); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(batch.rejects[2].reject.Raw, []byte(long[:frame.MaxRejectBytes])) {
		t.Error("the evidence is not the beginning of the item")
	}
}

// Evidence must not push good frames out of the batch: beyond its share rejects are recorded bare.
func TestEvidenceIsBounded(t *testing.T) {
	d := newDoor(t, doorOptions{})
	var body strings.Builder
	body.WriteString(`{"device":"a","seq":0}` + "\n")
	for i := range 2000 {
		fmt.Fprintf(&body, `{"device":"a","seq":%d,"fields":{"x":[%q]}}`+"\n", i+1, strings.Repeat("x", 5000))
	}
	got := d.ndjson(body.String())
	if got.status != 200 || got.answer.Accepted != 1 || len(got.answer.Rejected) != 2000 {
		t.Fatalf("%d %.300s", got.status, got.body)
	}
	total := 0
	rejects := d.proposer.last().rejects
	for _, r := range rejects {
		total += len(r.reject.Raw)
	}
	if len(rejects) != 2000 || total != maxEvidenceBytes {
		t.Errorf("%d rejects with %d bytes of evidence, want 2000 with %d", len(rejects), total, maxEvidenceBytes)
	}
}

func TestAllRejected(t *testing.T) {
	d := newDoor(t, doorOptions{})
	got := d.json(`[{"device":"a","seq":1,"class":"x"},{"device":"a","seq":2,"class":"y"}]`)
	if got.status != 422 || got.code != "all_rejected" || len(got.answer.Rejected) != 2 || got.answer.Position == nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(d.proposer.last().rejects) != 2 {
		t.Error("the numbers were not recorded")
	}
	// Nothing to record: nothing is proposed, and there is no position.
	got = d.json(`["x"]`)
	if got.status != 422 || got.answer.Position != nil || len(d.proposer.requests) != 1 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestNDJSON(t *testing.T) {
	d := newDoor(t, doorOptions{})
	got := d.ndjson("{\"device\":\"a\",\"seq\":1}\r\n\n  \n{\"device\":\"a\",\"seq\":2}{}\n{\"device\":\"a\",\"seq\":\n{\"device\":\"a\",\"seq\":3}\v\n{\"device\":\"a\",\"seq\":4}")
	if got.status != 200 || got.answer.Accepted != 2 || len(got.answer.Rejected) != 3 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for i, r := range got.answer.Rejected {
		if r.Item != i+1 || r.Code != "bad_json" {
			t.Errorf("%+v", r)
		}
	}
}

// One bad text costs one item, not its neighbours, and its number stays known.
func TestInvalidUTF8IsPerItem(t *testing.T) {
	d := newDoor(t, doorOptions{})
	got := d.json("[{\"device\":\"a\",\"seq\":1,\"fields\":{\"s\":\"\xff\"}},{\"device\":\"a\",\"seq\":2,\"fields\":{\"s\":\"\\ud800\"}},{\"device\":\"a\",\"seq\":3,\"fields\":{\"s\":\"\\ud83d\\ude00\"}}]")
	if got.status != 200 || got.answer.Accepted != 1 || len(got.answer.Rejected) != 2 || got.answer.Rejected[0].Code != "bad_utf8" || got.answer.Rejected[1].Code != "bad_utf8" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	batch := d.proposer.last()
	if len(batch.rejects) != 2 || batch.frames[0].frame.Fields[0].Value.Text() != "😀" {
		t.Errorf("%+v", batch)
	}
}

func TestIdempotency(t *testing.T) {
	d := newDoor(t, doorOptions{})
	send := func(body, key string) reply {
		return d.send(request{body: []byte(body), headers: map[string]string{"Idempotency-Key": key}})
	}
	first := send(`[{"device":"a"},{"device":"a","seq":1,"fields":{"x":null}}]`, "k")
	again := send(`[{"device":"a"},{"device":"a","seq":1,"fields":{"x":null}}]`, "k")
	if !again.answer.Replayed || first.answer.Replayed {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	again.answer.Replayed = false
	if diff := cmp.Diff(first.answer, again.answer); diff != "" {
		t.Errorf("the answer changed: %s", diff)
	}
	if got := send(`[{"device":"b"}]`, "k"); got.status != 422 || got.code != "idempotency_mismatch" {
		t.Errorf("%d %s", got.status, got.body)
	}
	otherFormat := d.send(request{body: []byte(`{"device":"a"}`), kind: lineJSON, headers: map[string]string{"Idempotency-Key": "k2"}})
	if got := send(`{"device":"a"}`, "k2"); otherFormat.status != 200 || got.code != "idempotency_mismatch" {
		t.Errorf("the same bytes in another format: %d %s", got.status, got.body)
	}
	packed := d.send(request{body: gz([]byte(`[{"device":"a"},{"device":"a","seq":1,"fields":{"x":null}}]`)),
		headers: map[string]string{"Idempotency-Key": "k", "Content-Encoding": "gzip"}})
	if !packed.answer.Replayed {
		t.Errorf("the same content, packed, is another request: %s", packed.body)
	}
	if now := d.balance(); now.Accepted != 2 || now.Duplicate != 2 || now.Rejected != 3 || now.Refused != 2 {
		t.Errorf("%+v", now)
	}
	for _, key := range []string{strings.Repeat("k", 129), "two words", "schlüssel", "tab\t."} {
		if got := send(`[{"device":"a"}]`, key); got.status != 400 || got.code != "bad_idempotency_key" {
			t.Errorf("key %q: %d %s", key, got.status, got.body)
		}
	}
	if got := send(`[{"device":"a"}]`, strings.Repeat("~", 128)); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestBinaryBatch(t *testing.T) {
	d := newDoor(t, doorOptions{})
	batch := buildBatch(t, frame.Header{ReceiveMS: 1, Node: "forged", Listener: "forged"}, "default", 3)
	got := d.send(request{body: batch, kind: eventBatch})
	if got.status != 200 || got.answer.Accepted != 3 || got.answer.Delivery != DeliveryExactlyOnce {
		t.Fatalf("%d %s", got.status, got.body)
	}
	out := d.proposer.last()
	if out.header != (frame.Header{ReceiveMS: testTime.UnixMilli(), Node: "n1", Listener: "http"}) {
		t.Errorf("the client's header came through: %+v", out.header)
	}
	d.proposer.refuse = []uint64{1}
	if got := d.send(request{body: batch, kind: eventBatch}); got.answer.Duplicate != 2 || len(got.answer.Rejected) != 1 || got.answer.Rejected[0].Item != 1 {
		t.Errorf("%s", got.body)
	}
	if now := d.balance(); now.Received != 6 {
		t.Errorf("%+v", now)
	}
}

// A batch that names no tenant means the token's. Two tenants in one batch would become one, with two definitions of a stream.
func TestTenantOfBatch(t *testing.T) {
	d := newDoor(t, doorOptions{})
	post := func(streams ...frame.StreamKey) error {
		var b frame.Builder
		b.Reset(frame.Header{})
		for i, key := range streams {
			id, err := b.Stream(key)
			if err = errors.Join(err, b.Add(frame.Group{Stream: id, Bits: 64}, &frame.Frame{Seq: uint64(i), Class: frame.ClassEvent})); err != nil {
				t.Fatal(err)
			}
		}
		batch, err := b.Finish(nil)
		if err != nil {
			t.Fatal(err)
		}
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.SetContentType(eventBatch)
		ctx.Request.SetBodyRaw(batch)
		return d.handler.postFrames(&ctx, auth.Principal{Tenant: "acme", Scopes: auth.Write})
	}
	if err := post(frame.StreamKey{Device: "a"}); err != nil || d.proposer.last().frames[0].key.Tenant != "acme" {
		t.Errorf("%v %+v", err, d.proposer.last())
	}
	if err := post(frame.StreamKey{Tenant: "acme", Device: "a"}); err != nil {
		t.Error(err)
	}
	for _, streams := range [][]frame.StreamKey{
		{{Device: "a"}, {Tenant: "acme", Device: "a"}},
		{{Tenant: "other", Device: "a"}},
		{{Tenant: "acme", Device: "a"}, {Tenant: "acme", Device: "b", Stream: "_x"}},
	} {
		if err := post(streams...); err == nil {
			t.Errorf("%+v was taken", streams)
		}
	}
	d.balance()
}

// buildBatch is a client's batch of n frames with 8 fields.
func buildBatch(t testing.TB, h frame.Header, tenant string, n int) []byte {
	t.Helper()
	var b frame.Builder
	b.Reset(h)
	id, err := b.Stream(frame.StreamKey{Tenant: tenant, Device: "mill-07"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f := frame.Frame{Seq: uint64(i), TimeNS: int64(i) * 1_000_000, Class: frame.ClassEvent}
		for k := range 8 {
			v, _ := frame.DecimalFloat(int64(1000*k+i%100), 2)
			f.Fields = append(f.Fields, frame.Field{Name: fmt.Sprintf("value_%d", k), Value: v})
		}
		if err := b.Add(frame.Group{Stream: id, Bits: 64}, &f); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestProposerErrors(t *testing.T) {
	d := newDoor(t, doorOptions{})
	for _, test := range []struct {
		err                 error
		status              int
		code, header, value string
	}{
		{&OverloadError{RetryAfter: 7 * time.Second}, 429, "overloaded", "Retry-After", "7"},
		{fmt.Errorf("wrapped: %w", &OverloadError{}), 429, "overloaded", "Retry-After", "1"},
		{&NoLeaderError{Leader: "http://n2:7400"}, 503, "no_leader", "X-Gapless-Leader", "http://n2:7400"},
		{&NoLeaderError{}, 503, "no_leader", "X-Gapless-Leader", ""},
		{&OutcomeUnknownError{}, 503, "outcome_unknown", "Retry-After", ""},
		{fmt.Errorf("propose: %w", context.DeadlineExceeded), 503, "outcome_unknown", "Retry-After", ""},
		{&RefusedError{Code: "no_room", Message: "m", Hint: "h"}, 400, "no_room", "Retry-After", ""},
		{&RefusedError{Status: 409, Code: "stale", Message: "m"}, 409, "stale", "Retry-After", ""},
		{errors.New("disk on fire"), 500, "internal", "Retry-After", ""},
	} {
		d.proposer.fail = test.err
		got := d.json(`[{"device":"a","seq":1},{"device":"a","seq":"x"}]`)
		if got.status != test.status || got.code != test.code || string(got.header.Peek(test.header)) != test.value {
			t.Errorf("%v: %d %s %q", test.err, got.status, got.body, got.header.Peek(test.header))
		}
	}
	if now := d.balance(); now.Received != 18 || now.Refused != 18 {
		t.Errorf("%+v", now)
	}
}
