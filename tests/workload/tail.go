package workload

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/check"
)

// stayWithin bounds how long a follower stays with one node: every node must give the same lines.
const stayWithin = 10 * time.Second

// Follower follows the tail from the first frame on: at one node, and when that ends or does not answer, at another, from the last position that it
// has.
type Follower struct {
	site *Site
	rng  *rand.Rand
	ask  *Asker
	tail *check.Tail
}

// NewFollower is client number id.
func (site *Site) NewFollower(id int, rng *rand.Rand) *Follower {
	return &Follower{site: site, rng: rng, ask: site.Asker(fmt.Sprintf("follower %d", id)), tail: check.NewTail(id, frame.Position{})}
}

// Work follows until stop is closed.
func (f *Follower) Work(stop <-chan struct{}) {
	for {
		at := f.site.Nodes[f.rng.IntN(len(f.site.Nodes))]
		if _, err := f.follow(at, time.Duration(1+f.rng.IntN(int(stayWithin/time.Second)))*time.Second, stop, url.Values{}); err != nil {
			f.site.Violate("answers", at.Name+": "+err.Error())
			return
		}
		f.tail.Resumed++
		select {
		case <-time.After(time.Duration(50+f.rng.IntN(400)) * time.Millisecond):
		case <-stop:
			return
		}
	}
}

// Finish reads the rest, once nothing is sent any more, and hands in what it was given.
func (f *Follower) Finish() {
	defer f.ask.Close()
	defer f.site.Record(func(r *check.Run) { r.Tails = append(r.Tails, f.tail) })
	if f.tail.Lines == 0 {
		f.site.Violate("liveness", "no tail gave anything as long as clients sent")
	}
	var end string
	var err error
	for try := range tries {
		at := f.site.Nodes[try%len(f.site.Nodes)]
		if end, err = f.follow(at, time.Minute, nil, url.Values{"until": {"now"}, "consistency": {"linearizable"}}); err != nil || end == "until" {
			break
		}
		time.Sleep(time.Second)
	}
	f.tail.Whole = end == "until"
	switch {
	case err != nil:
		f.site.Violate("answers", err.Error())
	case end != "until":
		f.site.Violate("liveness", fmt.Sprintf("a tail until now does not come to its end after the heal: %q", end))
	}
}

// follow reads one stream, and returns the code it ended with, "" when it was cut. An error is about a line that cannot be understood.
func (f *Follower) follow(at Node, long time.Duration, stop <-chan struct{}, values url.Values) (end string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	if stop != nil {
		go func() {
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	values.Set("from", "first")
	if !f.tail.UpTo.IsZero() {
		values.Set("from", f.tail.UpTo.String())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.Addr+"/v1/tail?"+values.Encode(), nil)
	if err != nil {
		return "", err
	}
	resp, err := f.ask.http.Do(req)
	if err != nil {
		return "", nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", nil
	}
	for lines := bufio.NewReader(resp.Body); end == ""; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return "", nil // what came of the last line is no line
		}
		if end, err = check.ParseTailLine(line, f.site.Seed, f.tail); err != nil {
			return "", err
		}
	}
	return end, nil
}
