package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// api reads from a settled cluster. Every answer is taken from the node that is asked, but not from before position.
type api struct {
	http     *http.Client
	position string
}

// Bounds of reading.
const (
	pageLimit     = 10_000           // frames or gaps of one page
	maxPages      = 100_000          // of one listing
	maxPageBytes  = 256 << 20        // of one answer
	readTimeout   = 30 * time.Second // of one answer
	readTries     = 20               // of one answer, while a node is busy or without a leader
	readPause     = 250 * time.Millisecond
	devicesAtOnce = 4
)

// get asks one node and decodes its answer.
func (a *api) get(ctx context.Context, server, path string, query url.Values, into any) error {
	q := url.Values{"consistency": {"stale"}, "after": {a.position}}
	for k, v := range query {
		q[k] = v
	}
	address := server + path + "?" + q.Encode()
	for try := 1; ; try++ {
		err := a.once(ctx, address, into)
		var again *retryError
		if err == nil || !errors.As(err, &again) || try == readTries {
			return err
		}
		if err := sleep(ctx, max(readPause, again.wait)); err != nil {
			return err
		}
	}
}

func (a *api) once(ctx context.Context, address string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := a.http.Do(req)
	if err != nil {
		return &retryError{err: fmt.Errorf("fleet: %w", err)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPageBytes))
	if err != nil {
		return &retryError{err: fmt.Errorf("fleet: %s: %w", address, err)}
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		return &retryError{err: fmt.Errorf("fleet: %s: %w", address, statusError(res, body))}
	case res.StatusCode == http.StatusNotFound:
		return fmt.Errorf("fleet: %s: %w", address, errNotFound)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("fleet: %s: %w", address, statusError(res, body))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("fleet: %s: %w", address, err)
	}
	return nil
}

// errNotFound is the answer 404: the cluster does not know the device.
var errNotFound = errors.New("not found")

// page is any listing: its items under one of these names, and the cursor of what follows.
type page struct {
	Frames  []frameAnswer    `json:"frames"`
	Gaps    []gapAnswer      `json:"gaps"`
	Epochs  []coverageAnswer `json:"epochs"`
	Devices []struct {
		Device string `json:"device"`
	} `json:"devices"`
	Totals *totalsAnswer `json:"totals"`
	Next   *string       `json:"next"`
}

// pages walks through a listing.
func (a *api) pages(ctx context.Context, server, path string, query url.Values, each func(*page) error) error {
	q := url.Values{"limit": {strconv.Itoa(pageLimit)}}
	for k, v := range query {
		q[k] = v
	}
	for range maxPages {
		var p page
		if err := a.get(ctx, server, path, q, &p); err != nil {
			return err
		}
		if err := each(&p); err != nil {
			return err
		}
		if p.Next == nil || *p.Next == "" {
			return nil
		}
		if q.Get("cursor") == *p.Next {
			return fmt.Errorf("fleet: %s%s: cursor %q leads to itself", server, path, *p.Next)
		}
		q.Set("cursor", *p.Next)
	}
	return fmt.Errorf("fleet: %s%s: more than %d pages", server, path, maxPages)
}

// device returns the path of one device's resource.
func devicePath(device, resource string) string {
	return "/v1/devices/" + url.PathEscape(device) + "/" + resource
}
