package node

import (
	"bytes"
	"encoding/json"
	"net/url"
	"time"
)

// Frame is a stored frame as GET /v1/frames answers it. Numbers are json.Number: every digit counts.
type Frame struct {
	Device, Stream string
	Epoch          uint32
	EpochValue     string `json:"epoch_value"`
	Seq            uint64
	Time           time.Time
	Class          string
	Fields         map[string]any
	Flags          []string
}

// Frames reads every stored frame of a device.
func (n *Node) Frames(device string) []Frame {
	n.t.Helper()
	var all []Frame
	for cursor := ""; ; {
		path := "/v1/frames?limit=1000&device=" + url.QueryEscape(device)
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		var page struct {
			Frames []Frame
			Next   *string
		}
		n.ask(path, &page)
		all = append(all, page.Frames...)
		if page.Next == nil {
			return all
		}
		cursor = *page.Next
	}
}

// Balance is what a listener of the node counted: received, accepted, duplicate, rejected, balance and so on.
func (n *Node) Balance(listener string) map[string]int64 {
	n.t.Helper()
	var answer struct {
		Balances struct {
			B []struct {
				Listener string
				Counts   map[string]int64
			}
		}
	}
	n.ask("/v1/ledger", &answer)
	for _, b := range answer.Balances.B {
		if b.Listener == listener {
			if b.Counts["balance"] != 0 {
				n.t.Errorf("balance B of %s: %v", listener, b.Counts)
			}
			return b.Counts
		}
	}
	n.t.Fatalf("the node has no listener %q", listener)
	return nil
}

func (n *Node) ask(path string, answer any) {
	n.t.Helper()
	status, body := n.get(path)
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(answer); err != nil || status != 200 {
		n.t.Fatalf("GET %s answered %d %.300s: %v", path, status, body, err)
	}
}
