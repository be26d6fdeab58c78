package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// WaitReady waits until a node takes frames.
func (c *Cluster) WaitReady(n *Node, limit time.Duration) {
	c.t.Helper()
	var last string
	Eventually(c.t, limit, func() bool {
		resp, err := http.Get(n.HTTP + "/readyz")
		if err != nil {
			last = err.Error()
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		last = string(b)
		return resp.StatusCode == 200
	}, func() string { return n.Name + " is not ready: " + last })
}

// Leader returns the node that leads, as a running node sees it.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	var leader *Node
	Eventually(c.t, 20*time.Second, func() bool {
		for _, n := range c.Nodes {
			if n.cmd == nil {
				continue
			}
			var answer struct {
				State string `json:"state"`
			}
			if GetJSON(n.HTTP+"/v1/cluster", &answer) == nil && answer.State == "Leader" {
				leader = n
				return true
			}
		}
		return false
	}, func() string { return "no leader" })
	return leader
}

// Eventually polls a condition until it holds or the limit passes.
func Eventually(t testing.TB, limit time.Duration, ok func() bool, why func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", limit, why())
		}
		<-tick.C
	}
}

// GetJSON asks a node and decodes its answer.
func GetJSON(url string, v any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("GET %s: %d %s", url, resp.StatusCode, strings.TrimSpace(string(b)))
	}
	return json.Unmarshal(b, v)
}

// Post sends a body, with pairs of header names and values, and returns status and answer. An error means that nobody answered.
func Post(url, contentType, body string, header ...string) (status int, answer []byte, err error) {
	return Send(http.DefaultClient, http.MethodPost, url, contentType, body, header...)
}

// Send is Post with another method and client.
func Send(client *http.Client, method, url, contentType, body string, header ...string) (status int, answer []byte, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Command sends an admin request, again while the cluster cannot take it, and returns the answer.
func Command(t testing.TB, limit time.Duration, method, url, body string) []byte {
	t.Helper()
	var last string
	var answer []byte
	Eventually(t, limit, func() bool {
		status, b, err := Send(http.DefaultClient, method, url, "application/json", body)
		last, answer = fmt.Sprintf("%d %s, %v", status, b, err), b
		if err == nil && status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusConflict {
			t.Fatalf("%s %s: %s", method, url, last)
		}
		return err == nil && status == http.StatusOK
	}, func() string { return method + " " + url + ": " + last })
	return answer
}
