package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// statusTimeout bounds one question to a node about itself.
const statusTimeout = 2 * time.Second

// status is what the demo reads of GET /v1/cluster.
type status struct {
	State string `json:"state"`
}

// ask sends GET to a node and returns the status code and the body.
func ask(ctx context.Context, url string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}

// ready returns nil when the node takes frames, else why it does not.
func (n *node) ready(ctx context.Context) error {
	code, body, err := ask(ctx, n.url+"/readyz")
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("%d %.300s", code, body)
	}
	return nil
}

// leads reports whether the node says that it is the leader.
func (n *node) leads(ctx context.Context) (bool, error) {
	code, body, err := ask(ctx, n.url+"/v1/cluster")
	if err != nil {
		return false, err
	}
	var s status
	if code != http.StatusOK {
		return false, fmt.Errorf("%d %.300s", code, body)
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return false, err
	}
	return s.State == "Leader", nil
}
