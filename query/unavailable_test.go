package query

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// threeSegments has device d in all of three segments, a hole in each, device e in the second one only, and the newest frames in the head.
func threeSegments(t tester) *store {
	s := newStore(ledger.Policy{})
	for i := range uint64(3) {
		s.put(t, measured("d", 100*i), measured("d", 100*i+1), measured("d", 100*i+3))
		if i == 1 {
			s.put(t, measured("e", 7))
		}
		s.seal()
		s.flush(t)
	}
	s.put(t, measured("d", 300), measured("d", 301))
	return s
}

// needing are questions that need the first segment of threeSegments; others do not.
var (
	needing = []question{
		{"frames", "", "device=d"},
		{"frames", "", "device=d&from_seq=1&to_seq=1"},
		{"frames", "", "device=d&from=2026-11-21T10:01:00Z&to=2026-11-21T10:01:00Z"},
		{"latest", "", ""},
		{"gaps", "", ""},
		{"gaps", "", "from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:02Z"},
		{"device_gaps", "d", ""},
		{"coverage", "d", ""},
		{"ledger", "", ""},
	}
	sparing = []question{
		{"devices", "", ""},
		{"device", "d", ""},
		{"frames", "", "device=e&require=complete_between_seen"},
		{"latest", "", "device=e"},
	}
)

// TestMissingSegment takes a segment away: what needs it is refused, with a word on when to come again, and never answered in part.
func TestMissingSegment(t *testing.T) {
	s := threeSegments(t)
	api := newAPI(t, s, Options{})
	first := s.view.Manifest.Segments()[0].Name
	for _, tt := range []struct {
		failure       error
		code, message string
		status        int
	}{
		{errors.New("gone fishing"), "segment_missing", "gone fishing", 503},
		{fmt.Errorf("moved away: %w", segment.ErrCorrupt), "segment_damaged", "moved away", 503},
		{fmt.Errorf("from tomorrow: %w", segment.ErrVersion), "segment_version", "from tomorrow", 503},
		{&Error{Status: 418, Code: "teapot", Message: "short"}, "teapot", "short", 418},
	} {
		s.broken[first] = tt.failure
		for _, q := range needing {
			body, err := api.ask(q, "t")
			var e *Error
			if !errors.As(err, &e) || e.Code != tt.code || e.Status != tt.status || !strings.Contains(e.Message, tt.message) || body != "" {
				t.Errorf("%+v with %v: %#v %s", q, tt.failure, err, body)
			}
			if e == nil || e.Status != http.StatusServiceUnavailable {
				continue
			}
			retry := e.RetryAfter() >= time.Second
			if e.Hint == "" || retry == (e.Code == "segment_version") || !strings.Contains(e.Message, first.String()) {
				t.Errorf("%+v: %+v", q, e)
			}
		}
	}
}

// TestSegmentsThatAreNotNeeded answers although segments are missing that the answer does not need.
func TestSegmentsThatAreNotNeeded(t *testing.T) {
	s := threeSegments(t)
	want := newAPI(t, s, Options{})
	var answers []string
	for _, q := range sparing {
		body, err := want.ask(q, "t")
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, placeless(body))
	}
	s.broken[s.view.Manifest.Segments()[0].Name] = errors.New("gone")
	for i, q := range sparing[:2] {
		if body, err := want.ask(q, "t"); err != nil || placeless(body) != answers[i] {
			t.Errorf("%+v: %v %s", q, err, body)
		}
	}
	if body, err := want.ask(sparing[3], "t"); err != nil || placeless(body) != answers[3] {
		t.Errorf("latest: %v %s", err, body)
	}
	s.broken = map[segment.Name]error{s.view.Manifest.Segments()[2].Name: errors.New("gone")}
	asOf := s.view.AsOf // of a listing from before the third segment's frames
	asOf.Index = s.view.Manifest.Segments()[2].FirstIndex - 1
	resume := cursor{asOf: asOf, digest: parsed(t, "device=d", "device").digest("t", "frames", ""), completeness: &completeness{verdict: 1}}
	body, err := want.ask(question{"frames", "", "device=d&cursor=" + resume.String()}, "t")
	if a := decode(t, body); err != nil || len(a.Frames) != 6 || a.Stats.Segments != 2 {
		t.Errorf("%v, %d frames, %+v", err, len(a.Frames), a.Stats)
	}
}

// TestDamagedSegment flips every byte of a segment, one after the other: an answer is the right one or an error that says damage.
func TestDamagedSegment(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, measured("d", 0), measured("d", 2), everyKind("d"), measured("e", 1))
	s.put(t, sent{tenant: "t", device: "d", stream: "0", seq: 5, Frame: frame.Frame{TimeNS: 1, Raw: []byte("payload")}})
	s.seal()
	s.flush(t)
	api := newAPI(t, s, Options{})
	info := s.view.Manifest.Segments()[0]
	var want []string
	for _, q := range needing {
		body, err := api.ask(q, "t")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, body)
	}
	f, err := s.fs.OpenReadWrite(info.Name.FileName())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	refused := 0
	for at := range info.Bytes {
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		for i, q := range needing {
			if q.endpoint == "ledger" {
				continue // counted once: what it remembers is not read again
			}
			body, err := api.ask(q, "t")
			var e *Error
			switch {
			case err == nil && body == want[i]:
			case errors.As(err, &e) && (e.Code == "segment_damaged" || e.Code == "segment_version") && body == "":
				refused++
			default:
				t.Fatalf("byte %d of %d: %+v: %v %s", at, info.Bytes, q, err, body)
			}
		}
		b[0] ^= 1
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("no damage was ever found")
	}
}

// TestNumberThatNoBlockHas makes a segment's index promise a number that its blocks do not hold: that is damage, wherever it is found.
func TestNumberThatNoBlockHas(t *testing.T) {
	s := threeSegments(t)
	g := reading{ctx: t.Context(), opener: s, maxBlocks: 100, maxBytes: 1 << 20}
	defer g.release()
	of := target{id: s.id(t, "t", "d", "0"), tenant: "t", key: epochKey{device: "d", stream: "0", ordinal: 1}}
	l := layers{g: &g, manifest: s.view.Manifest}
	f, err := l.file(s.view.Manifest.Segments()[0].Name, &of)
	if err != nil {
		t.Fatal(err)
	}
	f.runs = []ledger.Run{{First: 0, Last: 3}} // of which 2 was never stored
	_, err = f.point(2, 10)
	checkError(t, "a time", err, "segment_damaged", "lists number 2 of epoch 1 of d/0", "another node")
	_, err = readRow(f, 2, &segment.Record{})
	checkError(t, "a row", err, "segment_damaged", "lists number 2 of epoch 1 of d/0", "another node")
}
