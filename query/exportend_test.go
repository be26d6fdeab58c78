package query

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// exportStore has frames of three devices in three segments and the head, all with a raw payload of a kilobyte.
func exportStore(t tester) *store {
	s := newStore(ledger.Policy{})
	for part := range uint64(4) {
		for _, device := range []string{"a", "b", "c"} {
			frames := make([]sent, 20)
			for n := range frames {
				frames[n] = sent{tenant: "t", device: device, stream: "0", seq: part*20 + uint64(n), Frame: frame.Frame{TimeNS: startMS*ms + int64(n),
					Fields: []frame.Field{{Name: "x", Value: frame.Int(int64(n))}}, Raw: []byte(strings.Repeat("r", 1000))}}
			}
			s.put(t, frames...)
		}
		if part < 3 {
			s.seal()
			s.flush(t)
		}
	}
	return s
}

// checkReleased holds that exports gave back their places and segments, when the server had time to see that their clients are gone.
func checkReleased(t *testing.T, srv *server) {
	t.Helper()
	released := func() bool {
		srv.store.mu.Lock()
		defer srv.store.mu.Unlock()
		return srv.store.opened == 0 && srv.api.exports.Load() == 0
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(10 * time.Second); !released(); <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d segments are open, %d exports under way", srv.store.opened, srv.api.exports.Load())
		}
	}
	if got := testutil.ToFloat64(srv.api.metrics.exports); got != 0 {
		t.Errorf("gapless_query_exports is %v", got)
	}
}

// TestExportBreaksOff makes segments unreadable after an export began: each format ends without its end, and NDJSON says why.
func TestExportBreaksOff(t *testing.T) {
	for format, view := range map[string]int{"ndjson": 30, "csv": 30, "arrow": 92} { // when the second device is under way
		s := exportStore(t)
		srv := newServer(t, s, Options{LockRows: 1})
		views := 0
		s.between = func() {
			if views++; views == view {
				s.failing = errors.New("the disk is gone")
			}
		}
		x := srv.export(t, "format="+format+"&raw=true&fields=x")
		if x.status != 200 || x.err == nil || x.whole {
			t.Errorf("%s: %d, the connection: %v, an end: %v", format, x.status, x.err, x.whole)
		}
		lines := strings.Split(strings.TrimSuffix(string(x.body), "\n"), "\n")
		said := strings.HasPrefix(lines[len(lines)-1], `{"error":{"status":503,"code":"segment_damaged"`)
		if said != (format == "ndjson") || format != "arrow" && len(lines) < 30 {
			t.Errorf("%s: %d lines, the last is %.300s", format, len(lines), lines[len(lines)-1])
		}
		checkReleased(t, srv)
		if got := testutil.ToFloat64(srv.api.metrics.requests.WithLabelValues("export", "segment_damaged")); got != 1 {
			t.Errorf("%s: counted %v times", format, got)
		}
	}
}

// TestExportOfMergedSegments merges segments away while an export is between the state that names them and opening them: it goes on with
// those that have their rows now. One that stays away for good ends it.
func TestExportOfMergedSegments(t *testing.T) {
	for _, format := range []string{"ndjson", "csv", "arrow"} {
		s := exportStore(t)
		srv := newServer(t, s, Options{LockRows: 7})
		views, most := 0, 0
		s.between = func() {
			if views++; views%5 == 1 && views < 60 {
				s.rewrite(t)
			}
			s.mu.Lock()
			most = max(most, s.opened)
			s.mu.Unlock()
		}
		x := srv.export(t, "format="+format)
		if x.status != 200 || x.err != nil || !x.whole || x.trailer.Rows != 240 {
			t.Errorf("%s: %d %v, %d rows: %s", format, x.status, x.err, x.trailer.Rows, x.body[max(0, len(x.body)-500):])
		}
		if most > 3+2 { // those of the state, and what the last merges took away
			t.Errorf("%s: %d segments were open at once", format, most)
		}
		checkReleased(t, srv)
	}
}

// TestExportBalances takes rows away that the ledger knows: an export notices before its end, one of a single piece before its beginning.
func TestExportBalances(t *testing.T) {
	s := exportStore(t)
	s.view.Manifest = (*segment.Manifest)(nil).With(s.view.Manifest.Segments()[1:]...)
	x := newServer(t, s, Options{LockRows: 7}).export(t, "format=ndjson&raw=false")
	if x.err == nil || x.whole || !strings.Contains(string(x.body), `{"error":{"status":500,"code":"internal"`) {
		t.Errorf("%v %v %s", x.err, x.whole, x.body[max(0, len(x.body)-300):])
	}
	if x := newServer(t, s, Options{}).export(t, "format=csv"); x.status != 500 ||
		!strings.Contains(string(x.body), "240 stored frames found 180") {
		t.Errorf("%d %s", x.status, x.body)
	}
}

// slowClient asks for an export, reads its status, and takes no more of it than fits on the way.
func slowClient(t *testing.T, srv *server) net.Conn {
	t.Helper()
	conn, err := srv.client.Transport.(*http.Transport).DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "GET /v1/frames?format=ndjson HTTP/1.1\r\nHost: gapless\r\nAuthorization: t\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 200" {
		t.Fatalf("%s %v", status, err)
	}
	return conn
}

// TestExportStalls ends exports whose clients take nothing, or are gone, and counts them.
func TestExportStalls(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		stall      time.Duration
		leave      func(net.Conn) error
		limited    float64
	}{
		{"takes nothing", "stalled", 20 * time.Millisecond, func(net.Conn) error { return nil }, 1},
		{"hangs up", "disconnected", time.Hour, net.Conn.Close, 0},
	} {
		srv := newServer(t, exportStore(t), Options{Stall: tt.stall})
		conn := slowClient(t, srv)
		if err := tt.leave(conn); err != nil {
			t.Error(err)
		}
		checkReleased(t, srv)
		if got := testutil.ToFloat64(srv.api.metrics.requests.WithLabelValues("export", tt.code)); got != 1 {
			t.Errorf("%s: counted %v times as %s", tt.name, got, tt.code)
		}
		if got := testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues("query.stall")); got != tt.limited {
			t.Errorf("%s: query.stall counted %v times", tt.name, got)
		}
		conn.Close()
	}
}

// TestMaxExports holds a place with an export that nobody takes: the next one is refused until it is gone; pages are not exports.
func TestMaxExports(t *testing.T) {
	srv := newServer(t, exportStore(t), Options{MaxExports: 1})
	conn := slowClient(t, srv)
	x := srv.export(t, "format=csv")
	if a := decode(t, string(x.body)); x.status != 429 || a.Error.Code != "too_many_exports" ||
		!strings.Contains(a.Error.Message, "query.max_exports of 1") {
		t.Errorf("%d %s", x.status, x.body)
	}
	if got := testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues("query.max_exports")); got != 1 {
		t.Errorf("counted %v times", got)
	}
	srv.ok(t, "t", "/v1/frames", "device", "a", "limit", "3")
	conn.Close()
	checkReleased(t, srv)
	if x := srv.export(t, "format=csv"); x.status != 200 || !x.whole {
		t.Errorf("%d %s", x.status, x.body)
	}
}
