package workload

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// Asker is an HTTP client at one place of the network.
type Asker struct {
	http *http.Client
}

// Answer is what a node answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do is Ask for who does not look at headers.
func (a *Asker) Do(at Node, method, path string, header http.Header, body []byte, limit time.Duration) (int, []byte, error) {
	answer, err := a.Ask(at, method, path, header, body, limit)
	return answer.Status, answer.Body, err
}

// Ask asks one node. An error means that there was no answer, and that nobody knows what became of the request.
func (a *Asker) Ask(at Node, method, path string, header http.Header, body []byte, limit time.Duration) (answer Answer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+at.Addr+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.GetBody = nil // else a request with a key would be sent again behind our back when its connection breaks
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	answer = Answer{Status: resp.StatusCode, Header: resp.Header}
	answer.Body, err = io.ReadAll(resp.Body)
	return answer, err
}

// Close closes what is idle.
func (a *Asker) Close() { a.http.CloseIdleConnections() }
