package query

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/answers.txt from what the code answers")

const (
	ms     = int64(1e6)
	second = int64(1e9)
)

// scenario is a small plant: mill-07 with a declared epoch, a heartbeat, and a hole of each kind; a device with a slash in its name and
// every kind of value; a source without numbers; a device of the store; another tenant.
func scenario(t testing.TB) *store {
	s := newStore(ledger.Policy{})
	at := startMS * ms
	mill := func(seq uint64) sent {
		return sent{tenant: "t1", device: "mill-07", stream: "0", epoch: "17", seq: seq, Frame: frame.Frame{
			TimeNS: at + int64(seq)*second, Fields: []frame.Field{{Name: "rpm", Value: frame.Float(float64(seq) + 0.5)}},
		}}
	}
	first := mill(0)
	first.group = frame.Group{HasFirst: true}
	s.put(t, first, mill(1), mill(2), mill(5), mill(6))
	s.put(t, mill(10))
	s.change(func(l *ledger.Ledger) {
		id := s.id(t, "t1", "mill-07", "0")
		lost := ledger.DeclareLost{Subject: ledger.Subject{ID: id, Epoch: "17"}, From: 7, To: 8, Reason: "ring overflow"}
		if _, err := l.DeclareLost(s.commitMS, &lost); err != nil {
			t.Fatal(err)
		}
		l.Reject(&frame.Group{Stream: id, Epoch: "17", Bits: 64}, 9, s.commitMS, s.commitMS, frame.CauseRejectedSchema)
	})
	s.settle()
	s.put(t, mill(4)) // late: 3 stays lost
	s.change(func(l *ledger.Ledger) {
		beat := ledger.Heartbeat{Subject: ledger.Subject{ID: s.id(t, "t1", "mill-07", "0"), Epoch: "17"}, Next: 13}
		if _, err := l.Heartbeat(s.commitMS, &beat); err != nil {
			t.Fatal(err)
		}
	})
	s.put(t, everyKind("hall/3 <ü>"))
	s.put(t, unnumbered("t1", "_audit", "login"), unnumbered("t1", "scale", "weight"))
	s.put(t, sent{tenant: "t2", device: "mill-07", stream: "0", seq: 3, Frame: frame.Frame{TimeNS: at}})
	return s
}

func everyKind(device string) sent {
	return sent{tenant: "t1", device: device, stream: "main", seq: 1 << 53, Frame: frame.Frame{
		TimeNS: startMS*ms + 1, Class: frame.ClassSnapshot, Raw: []byte{0, 1, 254, 255},
		Fields: []frame.Field{
			{Name: "bool", Value: frame.Bool(true)},
			{Name: "bytes", Value: frame.Bytes([]byte("gapless"))},
			{Name: "float", Value: frame.Float(21)},
			{Name: "int", Value: frame.Int(math.MinInt64)},
			{Name: "max", Value: frame.Uint(math.MaxUint64)},
			{Name: "minus zero", Value: frame.Float(math.Copysign(0, -1))},
			{Name: "nan", Value: frame.Float(math.NaN())},
			{Name: "text", Value: frame.String("\"<ü>\"\n")},
		},
	}}
}

func unnumbered(tenant, device, field string) sent {
	return sent{tenant: tenant, device: device, stream: "0", group: frame.Group{Unseq: true}, Frame: frame.Frame{
		Fields: []frame.Field{{Name: field, Value: frame.Int(1)}},
	}}
}

// TestAnswers holds every answer against testdata/answers.txt, which people can read.
func TestAnswers(t *testing.T) {
	srv := newServer(t, scenario(t), Options{BalanceB: func() any {
		return map[string]any{"listeners": []string{"http"}, "balance": 0}
	}})
	var got strings.Builder
	for _, q := range []struct{ tenant, path, query string }{
		{"t1", "/v1/devices", ""},
		{"t1", "/v1/devices", "system=true&prefix=_"},
		{"t1", "/v1/devices/hall%2F3%20%3C%C3%BC%3E", ""},
		{"t1", "/v1/devices/_audit", ""},
		{"t1", "/v1/latest", ""},
		{"t1", "/v1/latest", "device=scale&device=mill-07"},
		{"t1", "/v1/frames", "device=mill-07&from_seq=1&to_seq=5"},
		{"t1", "/v1/frames", "device=mill-07&from=2026-11-21T10:00:01Z&to=2026-11-21T10:00:02.5Z"},
		{"t1", "/v1/frames", "device=hall%2F3+%3C%C3%BC%3E"},
		{"t1", "/v1/gaps", ""},
		{"t1", "/v1/gaps", "device=mill-07&cause=never_arrived"},
		{"t1", "/v1/devices/mill-07/gaps", ""},
		{"t1", "/v1/devices/mill-07/coverage", ""},
		{"t1", "/v1/trace/mill-07/1/3", ""},
		{"t1", "/v1/trace/mill-07/current/5", ""},
		{"t1", "/v1/trace/mill-07/1/13", "stream=0"},
		{"t1", "/v1/ledger", ""},
		{"admin t1", "/v1/ledger", ""},
		{"t2", "/v1/frames", "device=mill-07"},
		{"t3", "/v1/devices", ""},
	} {
		status, kind, body := srv.do(q.tenant, q.path, q.query, "")
		fmt.Fprintf(&got, "%s: GET %s?%s\n%d %s\n%s\n\n", q.tenant, q.path, q.query, status, kind, indented(t, body))
	}
	_, kind, body := srv.do("t1", "/v1/frames", "device=mill-07&limit=2", ndjsonType)
	fmt.Fprintf(&got, "t1: GET /v1/frames?device=mill-07&limit=2 as %s\n%s\n%s", ndjsonType, kind, body)
	golden(t, "testdata/answers.txt", got.String())
}

// golden holds text against a file line by line.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Error(d)
	}
}

func indented(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", " "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return b.String()
}
