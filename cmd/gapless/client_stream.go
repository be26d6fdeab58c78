package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// stream asks a path whose answer may be of any length. The client's timeout is the longest wait for the next bytes.
func (c *client) stream(ctx context.Context, path string, params url.Values) (*http.Response, error) {
	if c.consistency != "" {
		params = cloneValues(params)
		params.Set("consistency", c.consistency)
	}
	return c.open(ctx, http.MethodGet, path, params, nil)
}

// open sends a request, with a JSON body unless it is nil, whose answer may be of any length.
func (c *client) open(ctx context.Context, method, path string, params url.Values, body []byte) (*http.Response, error) {
	if len(params) > 0 {
		path += "?" + params.Encode()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &waiting{cancel: cancel, limit: c.timeout}
	w.timer = time.AfterFunc(c.timeout, func() { cancel(fmt.Errorf("nothing came for %s: --timeout waits longer", c.timeout)) })
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		w.Close()
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	token := c.token
	if token == "" {
		token = os.Getenv("GAPLESS_TOKEN")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		w.Close()
		return nil, fmt.Errorf("no answer from %s: %w\nhint: name a running node with --url or GAPLESS_URL", c.url, err)
	}
	w.ctx, w.body = ctx, resp.Body
	resp.Body = w
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer w.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	}
	return nil, refusal(resp.StatusCode, answer)
}

// waiting is a body that ends the request when nothing comes for too long.
type waiting struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
	body   io.ReadCloser
}

func (w *waiting) Read(b []byte) (int, error) {
	w.timer.Reset(w.limit)
	n, err := w.body.Read(b)
	if cause := context.Cause(w.ctx); err != nil && cause != nil {
		err = cause
	}
	return n, err
}

func (w *waiting) Close() error {
	w.timer.Stop()
	w.cancel(nil)
	if w.body == nil {
		return nil
	}
	return w.body.Close()
}
