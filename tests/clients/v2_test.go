package clients

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	httpapi "github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"
	"github.com/influxdata/influxdb-client-go/v2/domain"

	"github.com/gaplessdb/gapless/tests/clients/node"
)

func TestMain(m *testing.M) {
	code := m.Run()
	node.Remove()
	os.Exit(code)
}

var start = time.Date(2026, 11, 21, 10, 0, 0, 250_000_000, time.UTC)

// values are all kinds that line protocol has, and what is hard to write about them.
func values() map[string]any {
	return map[string]any{
		"float": 21.53, "tiny": 5e-324, "huge": math.MaxFloat64, "third": 1.0 / 3, "whole": 17.0, "minus": -0.5,
		"int": int64(math.MinInt64), "uint": uint64(math.MaxUint64), "small": uint64(7), "yes": true, "no": false,
		"text": `say "hi", C:\new dir\ = ☃`, "empty": "", "lines": "one\ntwo\r\n\tthree", "a key, =with all": 1.0,
	}
}

// points of one device, numbered by it from first on.
func points(device string, first, count int) []node.Point {
	list := make([]node.Point, count)
	for i := range list {
		list[i] = node.Point{Device: device, Stream: "mill", Numbered: true, Seq: uint64(first + i), Epoch: "boot-1",
			Time: start.Add(time.Duration(first+i) * time.Second), Fields: map[string]any{"temp": 20 + float64(i)/10, "rpm": int64(1400 + i), "hall": "3"}}
	}
	return list
}

// point2 is a point for the library of version 2: the device and one field as tags.
func point2(p node.Point) *write.Point {
	out := influxdb2.NewPointWithMeasurement(p.Stream).AddTag("device", p.Device).SetTime(p.Time)
	for name, v := range p.Fields {
		if text, isTag := v.(string); isTag && name == "hall" {
			out.AddTag(name, text)
		} else {
			out.AddField(name, v)
		}
	}
	if p.Numbered {
		out.AddField("seq", int64(p.Seq)).AddField("epoch", p.Epoch)
	}
	return out
}

func TestVersion2Blocking(t *testing.T) {
	n := node.Start(t)
	client := influxdb2.NewClientWithOptions(n.URL, n.Token, influxdb2.DefaultOptions().SetUseGZip(true))
	defer client.Close()
	ctx := context.Background()
	health, err := client.Health(ctx)
	if err != nil || health.Status != domain.HealthCheckStatusPass || health.Name != "gapless" {
		t.Errorf("health: %+v, %v", health, err)
	}
	if up, err := client.Ping(ctx); err != nil || !up {
		t.Errorf("ping: %v, %v", up, err)
	}
	api := client.WriteAPIBlocking("works", "plant")
	list := points("mill-07", 1, 50)
	all := node.Point{Device: "mill, 8=x", Stream: "all kinds, of=values", Time: start, Fields: values()}
	send := []*write.Point{point2(all)}
	for _, p := range list {
		send = append(send, point2(p))
	}
	for range 2 { // the second time adds what has no number
		if err := api.WritePoint(ctx, send...); err != nil {
			t.Fatal(err)
		}
	}
	n.Check(t, append(list, all, all))
	if b := n.Balance("influx"); b["accepted"] != 52 || b["duplicate"] != 50 {
		t.Errorf("counted as %v", b)
	}
}

// The unit of timestamps is the client's choice.
func TestVersion2Precision(t *testing.T) {
	n := node.Start(t)
	for _, unit := range []time.Duration{time.Nanosecond, time.Microsecond, time.Millisecond, time.Second} {
		client := influxdb2.NewClientWithOptions(n.URL, n.Token, influxdb2.DefaultOptions().SetPrecision(unit))
		p := node.Point{Device: "in-" + unit.String(), Stream: "m", Numbered: true, Seq: 1, Epoch: "1",
			Time: time.Unix(1_763_719_200, 123_456_789).Truncate(unit), Fields: map[string]any{"x": 1.5}}
		if err := client.WriteAPIBlocking("works", "plant").WritePoint(context.Background(), point2(p)); err != nil {
			t.Error(err)
		}
		n.Check(t, []node.Point{p})
		client.Close()
	}
}

func TestVersion2Refusals(t *testing.T) {
	n := node.Start(t)
	client := influxdb2.NewClient(n.URL, n.Token)
	defer client.Close()
	api := client.WriteAPIBlocking("works", "plant")
	err := api.WriteRecord(context.Background(), "m,device=a x=1,seq=1i 1", "m,device=a x=,seq=2i 2", "m,device=a x=3..,seq=3i 3", "m,device=a x=4,seq=4i 4")
	var refused *httpapi.Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusBadRequest || refused.Code != "invalid" ||
		!strings.HasPrefix(refused.Message, "partial write: line 2: ") || !strings.HasSuffix(refused.Message, "; dropped=2") {
		t.Errorf("bad lines: %v", err)
	}
	if frames := n.Frames("a"); len(frames) != 2 || frames[0].Seq != 1 || frames[1].Seq != 4 {
		t.Errorf("beside bad lines, stored are %+v", frames)
	}
	stranger := influxdb2.NewClient(n.URL, "wrong")
	defer stranger.Close()
	err = stranger.WriteAPIBlocking("works", "plant").WriteRecord(context.Background(), "m x=1")
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusUnauthorized || refused.Code != "unauthorized" {
		t.Errorf("a wrong token: %v", err)
	}
}

// The asynchronous writer goes on over a restart of the node: its batches are kept and sent again. As the points have numbers, each is
// stored once.
func TestVersion2AsyncOverRestart(t *testing.T) {
	n := node.Start(t)
	opt := influxdb2.DefaultOptions().SetUseGZip(true).SetBatchSize(100).SetFlushInterval(20).SetRetryInterval(50).SetMaxRetryInterval(200)
	opt.WriteOptions().SetRetryBufferLimit(100_000).SetMaxRetries(1000)
	client := influxdb2.NewClientWithOptions(n.URL, n.Token, opt)
	defer client.Close()
	api := client.WriteAPI("works", "plant")
	failed := make(chan struct{}, 1000)
	api.SetWriteFailedCallback(func(string, httpapi.Error, uint) bool {
		failed <- struct{}{}
		return true
	})
	var all []node.Point
	write := func(count int) {
		for i := range count {
			for d := range 4 {
				p := points(fmt.Sprintf("mill-%d", d), len(all)/4+1, 1)[0]
				p.Fields["temp"] = float64(i) + 0.25
				all = append(all, p)
				api.WritePoint(point2(p))
			}
		}
	}
	write(250)
	api.Flush()
	n.Stop()
	write(250)
	<-failed // it noticed
	n.Restart()
	write(250)
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		api.Flush()
		if stored := len(n.Frames("mill-3")); stored == 750 || time.Now().After(deadline) {
			tick.Stop()
			break
		}
	}
	n.Check(t, all)
	t.Logf("%d batches failed and were sent again; %v", 1+len(failed), n.Balance("influx"))
}
