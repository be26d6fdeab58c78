package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// target is a store under load.
type target struct {
	name    string
	formats []string // that it takes, the first by default
	write   string   // path and query of a write
	durable string   // what its acknowledgement means
	accept  func(status int, body []byte, frames int, again bool) error
	count   func(ctx context.Context, c *caller, s shape) (uint64, error) // frames of the fleet that it can show; nil: it cannot be asked
}

var targets = map[string]*target{
	"gapless": {
		name: "gapless", formats: []string{"binary", "json", "line"}, write: "/v1/frames", accept: acceptGapless, count: countGapless,
		durable: "synced by a majority of the nodes and readable",
	},
	"influx": {
		name: "influx", formats: []string{"line"}, write: "/write?db=" + measurement + "&precision=ms", accept: acceptLine, count: countInflux,
		durable: "synced by one node",
	},
	"victoria": {
		name: "victoria", formats: []string{"line"}, write: "/write?precision=ms", accept: acceptLine, count: countVictoria,
		durable: "in the memory of one node",
	},
}

// Targets names the stores that can be put under load.
const Targets = "gapless, influx, victoria"

// acceptGapless wants every frame to be stored, by this request or, where it was sent again after an answer that did not know, by an earlier one.
func acceptGapless(status int, body []byte, frames int, again bool) error {
	var a struct{ Accepted, Duplicate int }
	switch {
	case status == http.StatusNoContent:
		return nil
	case status == http.StatusOK && json.Unmarshal(body, &a) == nil && (a.Accepted == frames || again && a.Accepted+a.Duplicate == frames):
		return nil
	case status == http.StatusOK:
		return fmt.Errorf("bench: not every frame was new: %.300s\nhint: the store must have none of this fleet yet: empty it, or give another --start and --devices", body)
	}
	return fmt.Errorf("bench: answered %d %.300s", status, body)
}

func acceptLine(status int, body []byte, _ int, _ bool) error {
	if status/100 == 2 {
		return nil
	}
	return fmt.Errorf("bench: answered %d %.300s", status, body)
}

// caller sends requests to one store.
type caller struct {
	http  *http.Client
	base  string
	token string
}

func newCaller(base, token string, connections int) *caller {
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
	return &caller{http: &http.Client{Transport: transport, Timeout: time.Minute}, base: strings.TrimRight(base, "/"), token: token}
}

// do sends one request and reads its answer into buf. wait is what a busy store asks for.
func (c *caller) do(ctx context.Context, method, path, mime string, body []byte, buf *bytes.Buffer) (status int, wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	if mime != "" {
		req.Header.Set("Content-Type", mime)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	buf.Reset()
	if _, err := io.Copy(buf, resp.Body); err != nil {
		return 0, 0, err
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	return resp.StatusCode, wait, nil
}

// get asks for JSON.
func (c *caller) get(ctx context.Context, path string, into any) error {
	var buf bytes.Buffer
	status, _, err := c.do(ctx, http.MethodGet, path, "", nil, &buf)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("bench: %s answered %d %.300s", path, status, buf.Bytes())
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(buf.Bytes(), into)
}

// prepare makes what a store needs before the first write.
func (t *target) prepare(ctx context.Context, c *caller) error {
	if t.name != "influx" {
		return nil
	}
	var buf bytes.Buffer
	form := url.Values{"q": {"CREATE DATABASE " + measurement}}
	status, _, err := c.do(ctx, http.MethodPost, "/query", "application/x-www-form-urlencoded", []byte(form.Encode()), &buf)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("bench: making the database: %d %.300s", status, buf.Bytes())
	}
	return err
}

// countGapless is what the ledger has of the fleet; it must know of no gap.
func countGapless(ctx context.Context, c *caller, _ shape) (uint64, error) {
	var a struct {
		Completeness struct{ Stored, Expected uint64 }
	}
	if err := c.get(ctx, "/v1/gaps?prefix=bench-&limit=1", &a); err != nil {
		return 0, err
	}
	if a.Completeness.Stored != a.Completeness.Expected {
		return 0, fmt.Errorf("bench: %d frames were expected and %d are stored", a.Completeness.Expected, a.Completeness.Stored)
	}
	return a.Completeness.Stored, nil
}

func countInflux(ctx context.Context, c *caller, _ shape) (uint64, error) {
	var a struct {
		Results []struct {
			Series []struct{ Values [][]any }
		}
	}
	q := url.Values{"db": {measurement}, "q": {"SELECT count(f0) FROM " + measurement}}
	if err := c.get(ctx, "/query?"+q.Encode(), &a); err != nil {
		return 0, err
	}
	if len(a.Results) == 0 || len(a.Results[0].Series) == 0 || len(a.Results[0].Series[0].Values) == 0 {
		return 0, nil
	}
	n, ok := a.Results[0].Series[0].Values[0][1].(float64)
	if !ok {
		return 0, fmt.Errorf("bench: the count came back as %v", a.Results[0].Series[0].Values[0])
	}
	return uint64(n), nil
}

func countVictoria(ctx context.Context, c *caller, s shape) (uint64, error) {
	var a struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if err := c.get(ctx, "/internal/force_flush", nil); err != nil {
		return 0, err
	}
	q := url.Values{"query": {"sum(count_over_time(" + measurement + "_f0[10y]))"}, "time": {strconv.FormatInt(s.start/1000+86400*30, 10)}, "nocache": {"1"}}
	if err := c.get(ctx, "/api/v1/query?"+q.Encode(), &a); err != nil {
		return 0, err
	}
	if len(a.Data.Result) == 0 || len(a.Data.Result[0].Value) < 2 {
		return 0, nil
	}
	text, _ := a.Data.Result[0].Value[1].(string)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("bench: the count came back as %q", text)
	}
	return uint64(n), nil
}
