package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	d := newDoor(t, doorOptions{})
	subject := ledger.Subject{Key: frame.StreamKey{Tenant: "default", Device: "hall/3", Stream: "s"}, Epoch: "7", Bits: 16}
	plain := ledger.Subject{Key: frame.StreamKey{Tenant: "default", Device: "hall/3", Stream: "0"}, Bits: 64}
	for _, test := range []struct {
		path, body string
		kind       uint16
		want       any
	}{
		{"heartbeat", `{"next_seq":5}`, ledger.KindHeartbeat, ledger.Heartbeat{Subject: plain, Next: 5}},
		{"heartbeat", `{"stream":"s","epoch":7,"bits":16,"next_seq":65535,"first":0,"time_ms":1,"prev_last_seq":18446744073709551615,"prev_epoch":"6"}`,
			ledger.KindHeartbeat, ledger.Heartbeat{Subject: subject, Next: 65535, HasFirst: true, HasTime: true, TimeNS: 1e6,
				HasPrev: true, Prev: "6", PrevLast: 1<<64 - 1}},
		{"heartbeat", `{"next_seq":1,"time":"1970-01-01T00:00:00Z"}`, ledger.KindHeartbeat, ledger.Heartbeat{Subject: plain, Next: 1, HasTime: true}},
		{"seal", `{"last_seq":9}`, ledger.KindSeal, ledger.Seal{Subject: plain, Last: 9}},
		{"seal", `{"stream":"s","epoch":"7","bits":16,"last_seq":9,"count":10}`, ledger.KindSeal, ledger.Seal{Subject: subject, Last: 9, HasCount: true, Count: 10}},
		{"declare-lost", `{"from":3,"to":5}`, ledger.KindDeclareLost, ledger.DeclareLost{Subject: plain, From: 3, To: 5}},
		{"declare-lost", `{"to":5,"from":3,"reason":"über \u2211"}`, ledger.KindDeclareLost, ledger.DeclareLost{Subject: plain, From: 3, To: 5, Reason: "über ∑"}},
	} {
		got := d.send(request{path: "/v1/devices/hall%2F3/" + test.path, body: []byte(test.body)})
		if got.status != 200 || string(got.body) != `{"position":"`+*got.answer.Position+`","epoch":1}` {
			t.Errorf("%s %s: %d %s", test.path, test.body, got.status, got.body)
			continue
		}
		sent := d.proposer.commands[len(d.proposer.commands)-1]
		if sent.kind != test.kind || sent.version != ledger.CommandVersion {
			t.Errorf("%s: kind %d, version %d", test.path, sent.kind, sent.version)
		}
		if diff := cmp.Diff(test.want, parseCommand(t, sent)); diff != "" {
			t.Errorf("%s %s: %s", test.path, test.body, diff)
		}
	}
	if now := d.balance(); now.Received != 0 {
		t.Errorf("a command is no frame: %+v", now)
	}
}

func parseCommand(t *testing.T, c fakeCommand) (parsed any) {
	t.Helper()
	var err error
	switch c.kind {
	case ledger.KindHeartbeat:
		parsed, err = ledger.ParseHeartbeat(c.version, c.body)
	case ledger.KindSeal:
		parsed, err = ledger.ParseSeal(c.version, c.body)
	default:
		parsed, err = ledger.ParseDeclareLost(c.version, c.body)
	}
	if err != nil {
		t.Error(err)
	}
	return parsed
}

func TestBadCommands(t *testing.T) {
	d := newDoor(t, doorOptions{Options: Options{MaxBodyBytes: 4096}})
	for _, test := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"a/heartbeat", `{}`, 400, "key_required"},
		{"a/heartbeat", `{"next_seq":1,"prev_epoch":"x"}`, 400, "key_required"},
		{"a/heartbeat", `{"next_seq":-1}`, 400, "bad_next_seq"},
		{"a/heartbeat", `{"next_seq":1.5}`, 400, "bad_next_seq"},
		{"a/heartbeat", `{"next_seq":18446744073709551616}`, 400, "bad_next_seq"},
		{"a/heartbeat", `{"next_seq":1,"next_seq":1}`, 400, "duplicate_key"},
		{"a/heartbeat", `{"next_seq":1,"last_seq":1}`, 400, "unknown_key"},
		{"a/heartbeat", `{"next_seq":1,"time_ms":1,"time_us":1}`, 400, "bad_time"},
		{"a/heartbeat", `{"next_seq":1,"bits":12}`, 400, "bad_bits"},
		{"a/heartbeat", `{"next_seq":1,"stream":5}`, 400, "bad_stream"},
		{"a/heartbeat", `{"next_seq":1,"stream":"` + strings.Repeat("s", 257) + `"}`, 400, "bad_stream"},
		{"a/heartbeat", `{"next_seq":1,"epoch":"` + strings.Repeat("e", 65) + `"}`, 400, "name_too_long"},
		{"a/heartbeat", `{"next_seq":1,"epoch":null}`, 400, "bad_epoch"},
		{"a/heartbeat", "{\"next_seq\":1,\"stream\":\"\xff\"}", 400, "bad_utf8"},
		{"a/heartbeat", `{"next_seq":1`, 400, "bad_json"},
		{"a/heartbeat", `{"next_seq":1}}`, 400, "bad_json"},
		{"a/heartbeat", `[{"next_seq":1}]`, 400, "not_an_object"},
		{"a/heartbeat", ``, 400, "empty_body"},
		{"a/heartbeat", ` `, 400, "bad_json"},
		{"a/heartbeat", `{"next_seq":1,` + strings.Repeat(" ", 5000) + `"bits":8}`, 413, "body_too_large"},
		{"_audit/heartbeat", `{"next_seq":1}`, 400, "name_reserved"},
		{"/heartbeat", `{"next_seq":1}`, 400, "name_empty"},
		{"a%00/heartbeat", `{"next_seq":1}`, 400, "name_control"},
		{"%ff/heartbeat", `{"next_seq":1}`, 400, "bad_utf8"},
		{"a/seal", `{"count":1}`, 400, "key_required"},
		{"a/declare-lost", `{"from":1}`, 400, "key_required"},
		{"a/declare-lost", `{"from":1,"to":2,"reason":"` + strings.Repeat("r", 257) + `"}`, 400, "bad_reason"},
	} {
		got := d.send(request{path: "/v1/devices/" + test.path, body: []byte(test.body)})
		if got.status != test.status || got.code != test.code {
			t.Errorf("%s %.60s: %d %s", test.path, test.body, got.status, got.body)
		}
	}
	if got := d.send(request{path: "/v1/devices/a/seal", kind: lineJSON, body: []byte(`{"last_seq":1}`)}); got.status != 415 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(d.proposer.commands) != 0 {
		t.Errorf("%d commands came through", len(d.proposer.commands))
	}
	d.proposer.fail = &OverloadError{RetryAfter: 2 * time.Second}
	if got := d.send(request{path: "/v1/devices/a/seal", body: []byte(`{"last_seq":1}`)}); got.status != 429 || string(got.header.Peek("Retry-After")) != "2" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if now := d.balance(); now.Received != 0 {
		t.Errorf("%+v", now)
	}
}

func TestResultIsSpliced(t *testing.T) {
	d := newDoor(t, doorOptions{})
	for result, want := range map[string]string{
		`{}`:                             `{"position":"` + frame.Position{History: 1, Index: 1}.String() + `"}`,
		` { } `:                          `{"position":"` + frame.Position{History: 1, Index: 1}.String() + `"}`,
		`{"epoch":1,"gaps":[{"a":"}"}]}`: `{"position":"` + frame.Position{History: 1, Index: 1}.String() + `","epoch":1,"gaps":[{"a":"}"}]}`,
	} {
		d.handler.proposer = &resultProposer{nullProposer{}, result}
		if got := d.send(request{path: "/v1/devices/a/seal", body: []byte(`{"last_seq":1}`)}); got.status != 200 || strings.ReplaceAll(string(got.body), " ", "") != want {
			t.Errorf("%s: %d %s", result, got.status, got.body)
		}
	}
	d.handler.proposer = &resultProposer{nullProposer{}, "17"}
	if got := d.send(request{path: "/v1/devices/a/seal", body: []byte(`{"last_seq":1}`)}); got.status != 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

type resultProposer struct {
	nullProposer
	result string
}

func (p *resultProposer) ProposeCommand(context.Context, uint16, uint8, []byte) (frame.Position, []byte, error) {
	return frame.Position{History: 1, Index: 1}, []byte(p.result), nil
}
