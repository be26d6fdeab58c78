package sim

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// asker is an HTTP client at one place of the network.
type asker struct {
	http *http.Client
}

func (c *cluster) asker(ip string) *asker {
	host := c.net.Host(ip)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return host.Dial(ctx, network, addr)
		},
		MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
	}
	return &asker{&http.Client{Transport: transport}}
}

// do asks one machine and returns status and body of its answer. An error means that there was none, and that nobody knows what became of the
// request.
func (a *asker) do(m *machine, method, path string, header http.Header, body []byte, limit time.Duration) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+m.addr(httpPort)+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.GetBody = nil // else a request with a key would be sent again behind our back when its connection breaks
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

func (a *asker) close() { a.http.CloseIdleConnections() }
