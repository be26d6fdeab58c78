package check_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

var update = flag.Bool("update", false, "record the answers of a node again in testdata")

// device is a device with all its tricks: several lives, loss, late frames, retries, contradictions, refused items, words about its counter.
func (r *rig) device(client int) {
	rng := rand.New(rand.NewPCG(7, uint64(client)))
	name := fmt.Sprintf("dev/%d ü", client)
	for boot := range 3 {
		c := check.Counter{Device: name, Stream: "0", Epoch: fmt.Sprint("boot-", boot)}
		next := uint64(10)
		for next < 310 {
			b := check.Batch{Client: client, Counter: c, First: next, Last: next + 9, Numbered: true, Declares: boot > 0, Head: 5}
			switch rng.IntN(8) {
			case 0: // lost
			case 1:
				r.send(b)
				r.send(b)
			case 2:
				r.send(b)
				b.Variant = 1
				r.send(b)
			case 3:
				r.send(b, b.First+3)
			case 4:
				b.Key = fmt.Sprintf("key-%d-%d-%d", client, boot, next)
				r.send(b)
				r.send(b)
			default:
				r.send(b)
			}
			next += 10
			if rng.IntN(6) == 0 {
				r.sample(client, name, []string{"leader", "linearizable", "stale"}[rng.IntN(3)])
			}
		}
		r.claim(check.Claim{Client: client, Kind: check.Heartbeat, Counter: c, Next: 320}, "heartbeat",
			fmt.Sprintf(`{"epoch":%q,"next_seq":320}`, c.Epoch))
		r.claim(check.Claim{Client: client, Kind: check.Lost, Counter: c, First: 312, Next: 315}, "declare-lost",
			fmt.Sprintf(`{"epoch":%q,"from":312,"to":314,"reason":"ring"}`, c.Epoch))
		r.sample(client, name, "linearizable")
		r.claim(check.Claim{Client: client, Kind: check.Sealed, Counter: c, Next: 330}, "seal", fmt.Sprintf(`{"epoch":%q,"last_seq":329}`, c.Epoch))
	}
	r.sample(client, name, "linearizable")
	free := check.Counter{Device: fmt.Sprintf("free-%d", client), Stream: "s"}
	for i := range uint64(20) {
		b := check.Batch{Client: client, Counter: free, First: i * 3, Last: i*3 + 2}
		if i%2 == 0 {
			b.Key = fmt.Sprintf("free-%d-%d", client, i)
			r.send(b)
		}
		r.send(b)
	}
}

// inFormat sends frames in another form than JSON: with numbers, and without.
func (r *rig) inFormat(client int, format check.Format) (devices []string) {
	name := fmt.Sprintf("%s-device", format)
	numbered := check.Counter{Device: name, Stream: "axis", Epoch: "boot-1"}
	free := check.Counter{Device: "free-" + name, Stream: "axis"}
	if format == check.Line {
		numbered.Device, free.Device = check.LineDevice(numbered.Device), check.LineDevice(free.Device)
	}
	base := time.Now().Add(-time.Minute).UnixNano()
	for i := range uint64(20) {
		b := check.Batch{Client: client, Format: format, Counter: numbered, First: 10 + i*10, Last: 19 + i*10, Numbered: true, BaseNS: base,
			StepNS: 1e6}
		if b.Declares = format == check.Binary; b.Declares {
			b.Head = 3
		}
		if i%7 == 3 {
			continue // lost
		}
		r.send(b)
		if b.Variant = i % 2; i%5 == 0 {
			r.send(b) // again, or what contradicts it
		}
		f := check.Batch{Client: client, Format: format, Counter: free, First: i * 3, Last: i*3 + 2, Key: fmt.Sprint(name, i)}
		r.send(f)
		if i%4 == 0 {
			r.send(f)
		}
	}
	r.sample(client, numbered.Device, "linearizable")
	return []string{numbered.Device, free.Device}
}

// TestNode holds a real node against every checker.
func TestNode(t *testing.T) {
	r := startRig(t, 10*time.Second)
	var clients sync.WaitGroup
	var devices []string
	for client := range 4 {
		devices = append(devices, fmt.Sprintf("dev/%d ü", client), fmt.Sprintf("free-%d", client))
		clients.Go(func() { r.device(client) })
	}
	for i, format := range []check.Format{check.Binary, check.Line} {
		devices = append(devices, r.inFormat(10+i, format)...)
	}
	clients.Wait()
	if status, body := r.do("POST", "/v1/cluster/flush", "application/json", nil); status != 200 {
		t.Fatalf("flush: %d %s", status, body)
	}
	r.run.Finals = []*check.Final{r.final(devices...)}
	r.run.Tails = []*check.Tail{r.tail()}
	v := check.Judge(&r.run)
	if v.Result != check.Pass {
		t.Fatal(v)
	}
	t.Log(v)
	if *update {
		r.record(devices[0])
	}
}

// record keeps answers for the tests of the parsers.
func (r *rig) record(device string) {
	b := check.Batch{Counter: check.Counter{Device: "recorded", Stream: "0", Epoch: "1"}, First: 1, Last: 3, Numbered: true}
	_, ack := r.do("POST", "/v1/frames", "application/x-ndjson", check.AppendBatch(nil, r.run.Seed, &b))
	for name, path := range map[string]string{
		"frames": "/v1/frames?limit=20&device=" + url.QueryEscape(device), "latest": "/v1/latest?device=" + url.QueryEscape(device),
		"gaps": "/v1/devices/" + url.PathEscape(device) + "/gaps", "ledger": "/v1/ledger", "storage": "/v1/storage",
	} {
		_, body := r.do("GET", path, "", nil)
		r.write(name, body)
	}
	r.write("ack", ack)
}

func (r *rig) write(name string, body []byte) {
	if err := os.WriteFile(filepath.Join("testdata", name+".json"), body, 0o644); err != nil {
		r.t.Fatal(err)
	}
}
