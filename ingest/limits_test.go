package ingest

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A bomb must be stopped at the limit: neither its claim nor its content is allocated.
func TestBombsAreStoppedAtTheLimit(t *testing.T) {
	const limit = 1 << 20
	d := newDoor(t, doorOptions{Options: Options{MaxUnpackedBytes: limit}})
	blanks := bytes.Repeat([]byte(" "), 64<<20)
	claim := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0x40, 1, 0, 0} // zstd, one segment of 1 GiB, then an empty block
	for name, body := range map[string][]byte{"gzip": gz(blanks), "zstd": zs(blanks), "zstd claim": claim} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := d.send(request{body: body, headers: map[string]string{"Content-Encoding": name[:4]}})
		runtime.ReadMemStats(&after)
		if got.status != 413 && got.code != "bad_encoding" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 24*limit {
			t.Errorf("%s: %d bytes were allocated for a limit of %d", name, took, limit)
		}
	}
}

func TestPushback(t *testing.T) {
	d := newDoor(t, doorOptions{Options: Options{MaxInflightBytes: 10_000}})
	slow := &slowProposer{fakeProposer: d.proposer, entered: make(chan struct{}), leave: make(chan struct{})}
	d.handler.proposer = slow
	body := []byte(`{"device":"a","raw":"` + strings.Repeat("A", 7996) + `"}`)
	first := make(chan reply)
	go func() { first <- d.send(request{body: body}) }()
	<-slow.entered

	got := d.send(request{body: body})
	if got.status != 429 || got.code != "overloaded" || string(got.header.Peek("Retry-After")) != "1" || !strings.Contains(string(got.body), "max_inflight_bytes") {
		t.Errorf("%d %s", got.status, got.body)
	}
	close(slow.leave)
	if got := <-first; got.status != 200 {
		t.Errorf("the first: %d %s", got.status, got.body)
	}
	if got := d.send(request{body: body}); got.status != 200 {
		t.Errorf("after it: %d %s", got.status, got.body)
	}
	large := []byte(`{"device":"a","raw":"` + strings.Repeat("A", 40_000) + `"}`)
	if got := d.send(request{body: large}); got.status != 200 {
		t.Errorf("a request that is alone was turned away for ever: %d %s", got.status, got.body)
	}
	if now := d.balance(); now.Refused != 1 || now.Accepted != 3 {
		t.Errorf("%+v", now)
	}
}

// slowProposer holds requests until it is told to go on.
type slowProposer struct {
	*fakeProposer
	entered, leave chan struct{}
}

func (p *slowProposer) ProposeFrames(ctx context.Context, req Request) (Result, error) {
	select {
	case p.entered <- struct{}{}:
	case <-p.leave:
	}
	select {
	case <-p.leave:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	return p.fakeProposer.ProposeFrames(ctx, req)
}

func TestTimeoutIsOutcomeUnknown(t *testing.T) {
	d := newDoor(t, doorOptions{Options: Options{Timeout: time.Millisecond}})
	slow := &slowProposer{fakeProposer: d.proposer, entered: make(chan struct{}, 1), leave: make(chan struct{})}
	d.handler.proposer = slow
	if got := d.json(`{"device":"a","seq":1}`); got.status != 503 || got.code != "outcome_unknown" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
