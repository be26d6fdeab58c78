package gapless

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tailOf reads the lines of a tail of a node, up to its last one or until n frames came.
func tailOf(t *testing.T, n *Node, query string, frames int) (lines []string, at, end string) {
	t.Helper()
	resp, err := http.Get("http://" + n.HTTPAddr() + "/v1/tail?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		t.Fatalf("tail of %s: %d %s", query, resp.StatusCode, b)
	}
	in := bufio.NewScanner(resp.Body)
	for len(lines) != frames && in.Scan() {
		var l struct {
			At, Position string
			End          *struct{ Code, Position string }
		}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatalf("%v in %s", err, in.Text())
		}
		switch {
		case l.End != nil:
			return lines, l.End.Position, l.End.Code
		case l.At != "":
			at = l.At
		default:
			at, lines = l.Position, append(lines, in.Text())
		}
	}
	return lines, at, ""
}

// TestTailOfACluster: every node gives the same frames in the same order, before and after flushes and restarts, and a reader that changes the node
// goes on where it was.
func TestTailOfACluster(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	for i := range 4 {
		postFrames(t, leader, fmt.Sprint("mill-", i%2), i*20, i*20+19)
		if i%2 == 0 {
			var body map[string]any
			eventually(t, func() bool { // a flush may be under way
				var status int
				status, body = post(t, leader, "/v1/cluster/flush", "application/json", "")
				return status == http.StatusOK
			}, func() string { return fmt.Sprint(body) })
		}
	}
	want, _, end := tailOf(t, leader, "from=first&until=now&consistency=linearizable", -1)
	if len(want) != 80 || end != "until" {
		t.Fatalf("%d frames, end %q", len(want), end)
	}
	for i, n := range append(followers, leader) {
		got, _, _ := tailOf(t, n, "from=first&until=now", -1)
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("node %d gives other frames", i)
		}
	}
	first, at, _ := tailOf(t, followers[0], "from=first&limit=33", -1)
	rest, _, _ := tailOf(t, followers[1], "until=now&from="+at, -1)
	if strings.Join(append(first, rest...), "\n") != strings.Join(want, "\n") {
		t.Errorf("%d and %d frames of two nodes are not the whole", len(first), len(rest))
	}
	status, body := post(t, followers[0], "/v1/consumers/erp/reset", "application/json", `{"position":"`+at+`"}`)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	rest, last, _ := tailOf(t, followers[1], "until=now&consumer=erp", -1)
	if strings.Join(append(first, rest...), "\n") != strings.Join(want, "\n") {
		t.Errorf("%d frames behind the consumer's position", len(rest))
	}
	if status, body := send(t, leader, http.MethodPut, "/v1/consumers/erp", `{"position":"`+last+`"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	code, text := send(t, followers[0], http.MethodPut, "/v1/consumers/erp", `{"position":"`+at+`"}`)
	if code != http.StatusConflict || !strings.Contains(text, "position_back") {
		t.Fatalf("%d %s", code, text)
	}
}

// TestConsumersSurviveRestart: the position is in the log and in floors.
func TestConsumersSurviveRestart(t *testing.T) {
	c := newTestCluster(t, 1)
	n := c.start(0)
	c.ready(n)
	postFrames(t, n, "mill-07", 0, 9)
	for i, flush := range []bool{false, true, false} {
		_, at, _ := tailOf(t, n, fmt.Sprintf("from=first&limit=%d", 3+i), -1)
		if status, body := send(t, n, http.MethodPut, "/v1/consumers/erp", `{"position":"`+at+`"}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		if flush {
			post(t, n, "/v1/cluster/flush", "application/json", "")
			eventually(t, func() bool { return n.newestFloor().Index > 0 }, func() string { return "no floor" })
		}
		c.stop(0)
		n = c.start(0)
		c.ready(n)
		rest, _, _ := tailOf(t, n, "consumer=erp&until=now", -1)
		if len(rest) != 10-3-i {
			t.Errorf("%d frames behind the consumer after restart %d", len(rest), i)
		}
	}
}

// TestCloseEndsTails: a node that closes tells its readers where they were, and does not wait for them.
func TestCloseEndsTails(t *testing.T) {
	c := newTestCluster(t, 1)
	n := c.start(0)
	c.ready(n)
	postFrames(t, n, "mill-07", 0, 9)
	resp, err := http.Get("http://" + n.HTTPAddr() + "/v1/tail?from=first")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for frames := 0; frames < 10 && in.Scan(); {
		if strings.HasPrefix(in.Text(), `{"device"`) {
			frames++
		}
	}
	begun := time.Now()
	c.stop(0)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	last := ""
	for in.Scan() {
		last = in.Text()
	}
	if !strings.Contains(last, `"code":"shutdown"`) {
		t.Errorf("the last line is %s", last)
	}
}
