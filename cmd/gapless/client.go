package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/nodeurl"
)

// maxAnswerBytes bounds what a command reads of one answer.
const maxAnswerBytes = 256 << 20

// client asks one node over HTTP.
type client struct {
	url         string
	token       string
	consistency string
	timeout     time.Duration
}

// addClientFlags defines the flags of every command that asks a node.
func addClientFlags(cmd *cobra.Command) *client {
	c := &client{}
	flags := cmd.PersistentFlags()
	flags.StringVar(&c.url, "url", envOr("GAPLESS_URL", "http://127.0.0.1:7400"), "HTTP address of a node (GAPLESS_URL)")
	flags.StringVar(&c.token, "token", "", "bearer token; prefer GAPLESS_TOKEN, which other users of the machine cannot see")
	flags.DurationVar(&c.timeout, "timeout", 15*time.Second, "longest wait for one answer")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return c.checkURL() }
	return c
}

// checkURL finds a slip in the address before anything is asked.
func (c *client) checkURL() error {
	base, err := nodeurl.Base(c.url)
	if err != nil {
		return fmt.Errorf("%w\nhint: --url names the node, or GAPLESS_URL where that is not given", err)
	}
	c.url = base
	return nil
}

// addConsistencyFlag is for commands that ask about frames.
func (c *client) addConsistencyFlag(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.consistency, "consistency", "", "linearizable, leader or stale (default: the server's)")
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// apiError is an answer of a node that says no.
type apiError struct {
	Status  int
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func (e *apiError) Error() string {
	s := fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code)
	if e.Hint != "" {
		s += "\nhint: " + e.Hint
	}
	return s
}

// get asks path with the parameters that are not empty and decodes the answer.
func (c *client) get(ctx context.Context, path string, params url.Values, into any) error {
	if c.consistency != "" {
		params = cloneValues(params)
		params.Set("consistency", c.consistency)
	}
	if q := params.Encode(); q != "" {
		path += "?" + q
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// do sends a request, with a JSON body unless it is nil, and decodes the JSON answer.
func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	if body == nil {
		return c.send(ctx, method, path, "", nil, into)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return c.send(ctx, method, path, "application/json", bytes.NewReader(b), into)
}

// send sends a body of some type, "" for none, and decodes the JSON answer.
func (c *client) send(ctx context.Context, method, path, contentType string, payload io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.url, "/")+path, payload)
	if err != nil {
		return err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token := c.token; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else if token = os.Getenv("GAPLESS_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w\nhint: name a running node with --url or GAPLESS_URL", c.url, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	}
	if len(answer) > maxAnswerBytes {
		return fmt.Errorf("%s %s: the answer is larger than %d bytes: ask for less with --limit", method, path, maxAnswerBytes)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: the answer is not what this version expects: %w", method, path, err)
	}
	return nil
}

func refusal(status int, answer []byte) error {
	var body struct{ Error apiError }
	if err := json.Unmarshal(answer, &body); err != nil || body.Error.Code == "" {
		return &strangeAnswer{status, answer}
	}
	body.Error.Status = status
	return &body.Error
}

// strangeAnswer is a refusal that no node gives: somebody else listens there, or stands between.
type strangeAnswer struct {
	status int
	text   []byte
}

func (e *strangeAnswer) Error() string { return fmt.Sprintf("status %d: %.200q", e.status, e.text) }

// query collects parameters and leaves out what was not given.
type query url.Values

func (q query) set(name, value string) {
	if value != "" {
		url.Values(q).Set(name, value)
	}
}

func (q query) setInt(name string, value int64) {
	if value != 0 {
		url.Values(q).Set(name, strconv.FormatInt(value, 10))
	}
}

func cloneValues(v url.Values) url.Values {
	c := url.Values{}
	for name, values := range v {
		c[name] = values
	}
	return c
}

// devicePath is the path of a device's resource. A device's name may contain anything, '/' included.
func devicePath(device, resource string) string {
	return "/v1/devices/" + url.PathEscape(device) + resource
}

// pages asks for one page after the other until each is satisfied or nothing is left.
func (c *client) pages(ctx context.Context, path string, params url.Values, each func(page json.RawMessage) (more bool, err error)) error {
	params = cloneValues(params)
	for {
		var page json.RawMessage
		if err := c.get(ctx, path, params, &page); err != nil {
			return err
		}
		var cursor struct{ Next string }
		if err := json.Unmarshal(page, &cursor); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		more, err := each(page)
		if err != nil || !more || cursor.Next == "" {
			return err
		}
		params.Set("cursor", cursor.Next)
	}
}
