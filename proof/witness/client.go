package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
)

// Options are the limits of a Client. The zero value has usable ones.
type Options struct {
	Timeout        time.Duration     // of one Add, with its repetitions; default 10 s
	MaxAnswerBytes int64             // of one answer; default 64 KiB
	Transport      http.RoundTripper // default: one of its own, whose answers have headers of 64 KiB at most
}

// attempts is how often one Add may ask: the witness can be elsewhere than we remember, and move on between two requests.
const attempts = 4

// sizeType is the content type of a size in an answer.
const sizeType = "text/x.tlog.size"

// Client asks one witness. Any goroutine may use it.
type Client struct {
	url  string // of add-checkpoint
	keys []sign.VerifierKey
	http http.Client
	max  int64
	wait time.Duration
	size atomic.Int64 // of the newest checkpoint that the witness is known to have cosigned; a hint
}

// New returns a client of the witness with that submission prefix, whose cosignatures are by any of keys (vkeys).
func New(prefix string, keys []string, opt Options) (*Client, error) {
	u, err := url.Parse(prefix)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("witness: %q is not the address of a witness: want http(s)://host/prefix", prefix)
	}
	c := &Client{url: strings.TrimRight(prefix, "/") + "/add-checkpoint", max: opt.MaxAnswerBytes, wait: opt.Timeout}
	if c.max <= 0 {
		c.max = 64 << 10
	}
	if c.wait <= 0 {
		c.wait = 10 * time.Second
	}
	if c.http.Transport = opt.Transport; c.http.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes, t.MaxIdleConnsPerHost = 64<<10, 1
		c.http.Transport = t
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, text := range keys {
		k, err := sign.ParseVerifierKey(text)
		if err == nil && k.Type != sign.TypeCosignature {
			err = fmt.Errorf("%s is of signature type %#02x, want %#02x", text, k.Type, sign.TypeCosignature)
		}
		if err != nil {
			return nil, fmt.Errorf("witness: key of %s: %w", prefix, err)
		}
		c.keys = append(c.keys, k)
	}
	if len(c.keys) == 0 {
		return nil, fmt.Errorf("witness: %s has no key: its cosignatures could not be verified", prefix)
	}
	return c, nil
}

// Close lets go of the connection that is kept between calls of Add.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Add has the witness cosign the checkpoint of a note, which is signed in the name of the log, and returns its verified cosignatures.
// Proofs that the log only grew are made from hashes. The errors that mean something: *HistoryError (raise an alarm), *AheadError (the
// witness has a newer checkpoint: send the newest), *RefusedError (by status), *sign.SignatureError (what it signed is not what we
// asked for). Any other error is of the network, and trying later is right.
func (c *Client) Add(ctx context.Context, note []byte, hashes tlog.HashReader) ([]sign.Signature, error) {
	text, _, err := sign.Split(note)
	if err != nil {
		return nil, err
	}
	cp, err := sign.ParseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	old := c.size.Load()
	if old > cp.Size {
		old = 0 // ask anew: it may have lost its state
	}
	for range attempts {
		body, err := request(old, cp, note, hashes)
		if err != nil {
			return nil, err
		}
		a, err := c.post(ctx, body)
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusOK {
			return c.accept(cp, a.body)
		}
		if old, err = c.refused(a, old, cp); err != nil {
			return nil, err
		}
		c.size.Store(old)
	}
	return nil, fmt.Errorf("witness: %s names another size each time it is asked, %d at last", c.url, old)
}

// request is the body of add-checkpoint.
func request(old int64, cp sign.Checkpoint, note []byte, hashes tlog.HashReader) ([]byte, error) {
	b := fmt.Appendf(nil, "old %d\n", old)
	if old > 0 {
		proof, err := tlog.ProveTree(cp.Size, old, hashes)
		if err != nil {
			return nil, fmt.Errorf("witness: %w from %d to %d: %w", errNoProof, old, cp.Size, err)
		}
		for _, h := range proof {
			b = fmt.Appendf(b, "%s\n", h)
		}
	}
	return append(append(b, '\n'), note...), nil
}

// errNoProof says that our own hashes do not give the proof.
var errNoProof = errors.New("proving that the log grew")

// answer is what came back, within the limit.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *Client) post(ctx context.Context, body []byte) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", "gapless")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err) // names the method and the address
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, c.max+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("witness: reading the answer of %s: %w", c.url, err)
	}
	if int64(len(b)) > c.max {
		return nil, fmt.Errorf("witness: the answer of %s is longer than %d bytes", c.url, c.max)
	}
	return &answer{resp.StatusCode, resp.Header, b}, nil
}

// accept verifies what the witness signed. What others signed is left out.
func (c *Client) accept(cp sign.Checkpoint, lines []byte) ([]sign.Signature, error) {
	sigs, err := sign.Verified(cp, lines, c.keys...)
	if err != nil {
		return nil, fmt.Errorf("witness: the answer of %s: %w", c.url, err)
	}
	c.size.Store(cp.Size)
	return sigs, nil
}

// refused says what a refusal means: an error, or the size from which to prove and try again.
func (c *Client) refused(a *answer, old int64, cp sign.Checkpoint) (int64, error) {
	if a.status == http.StatusUnprocessableEntity && old > 0 { // from 0 there is nothing to prove
		why := fmt.Sprintf("it holds that the log at %d does not continue the one it cosigned at %d: %s", cp.Size, old, a.text())
		return 0, &HistoryError{c.url, old, why}
	}
	if a.status != http.StatusConflict {
		return 0, &RefusedError{c.url, a.status, a.text(), retryAfter(a.header)}
	}
	size, ok := a.size()
	switch {
	case !ok && old == cp.Size:
		return 0, &HistoryError{c.url, old, fmt.Sprintf("it cosigned another root for the log at %d than %s", cp.Size, cp.Root)}
	case !ok:
		return 0, &RefusedError{c.url, a.status, "a conflict without a size: " + a.text(), 0}
	case size == old:
		return 0, &HistoryError{c.url, old, fmt.Sprintf("it cosigned another log at %d, or refuses the size that it names itself", old)}
	case size > cp.Size:
		c.size.Store(size)
		return 0, &AheadError{c.url, size, cp.Size}
	}
	return size, nil
}

// size is that of a 409: decimal digits and a newline. A form of the content type with parameters is one too.
func (a *answer) size() (int64, bool) {
	typ, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	digits, ok := strings.CutSuffix(string(a.body), "\n")
	n, errN := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && typ == sizeType && errN == nil && n >= 0 && strconv.FormatInt(n, 10) == digits
}

// text is the beginning of what a stranger wrote, fit for a log line.
func (a *answer) text() string { return fmt.Sprintf("%.200q", strings.TrimSpace(string(a.body))) }

// retryAfter is the seconds that an overloaded witness asks for, 0 if it does not say.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}
