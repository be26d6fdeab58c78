package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTailStopsAtItsLimit: neither a connection that breaks behind the last frame, nor a commit that has to be repeated, makes it print more.
func TestTailStopsAtItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name    string
		end     bool // the last line comes
		refused int  // commits that the cluster does not take now
		want    string
	}{
		{"everything comes", true, 0, ""},
		{"the last line is cut off", false, 0, ""},
		{"the commit is repeated", true, 2, "again in"},
	} {
		asked, commits := 0, 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				if commits++; commits <= tt.refused {
					w.WriteHeader(http.StatusServiceUnavailable)
					fmt.Fprint(w, `{"error":{"code":"no_leader","message":"no leader"}}`)
					return
				}
				fmt.Fprint(w, `{"changed":true}`)
				return
			}
			asked++
			limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
			if err != nil {
				limit = 100
			}
			for i := range limit {
				fmt.Fprintf(w, `{"device":"d","stream":"0","epoch":1,"seq":%d,"received":"R","position":%q}`+"\n", i, tailPosition(i+1))
			}
			if tt.end {
				fmt.Fprintf(w, `{"end":{"code":"limit","message":"done","position":%q}}`+"\n", tailPosition(limit))
			}
		}))
		var out, says bytes.Buffer
		o := tailOptions{format: "ndjson", raw: true, limit: 3, consumer: "erp", commitEvery: 1 << 30, commitAfter: time.Hour}
		tl := &tail{o: &o, c: &client{url: srv.URL, timeout: 5 * time.Second}, out: &out, says: &says}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // one that goes on would do so for ever
		err := tl.run(ctx)
		cancel()
		srv.Close()
		if lines := strings.Count(out.String(), "\n"); err != nil || lines != 3 || asked != 1 || commits != 1+tt.refused {
			t.Errorf("%s: %v, %d lines from %d connections, %d commits", tt.name, err, lines, asked, commits)
		}
		if !strings.Contains(says.String(), tt.want) {
			t.Errorf("%s: it says %q", tt.name, &says)
		}
	}
}

// TestTailOfSomethingElse: who answers as no node does is not asked for ever, unless it may be one that stands between and is busy.
func TestTailOfSomethingElse(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(map[bool]int{true: http.StatusBadGateway, false: http.StatusNotFound}[asked == 1])
		fmt.Fprint(w, "<html>")
	}))
	defer srv.Close()
	var out, says bytes.Buffer
	tl := &tail{o: &tailOptions{format: "ndjson", commitEvery: 1, commitAfter: time.Hour}, c: &client{url: srv.URL, timeout: 5 * time.Second}, out: &out, says: &says}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := tl.run(ctx); err == nil || err.Error() != `status 404: "<html>"` || asked != 2 || !strings.Contains(says.String(), "again in") {
		t.Errorf("%v after %d attempts; it says %s", err, asked, &says)
	}
}
