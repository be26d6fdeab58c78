package query

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// disk is a store whose segments are real files that stay open, as a node's shelf has them.
type disk struct {
	*store
	fs      vfs.FS
	mu      sync.Mutex // protects readers
	readers map[segment.Name]*segment.Reader
}

func (d *disk) Open(name segment.Name) (*segment.Reader, func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.readers[name]; r != nil {
		return r, func() {}, nil
	}
	f, err := d.fs.Open(name.FileName())
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	r, err := segment.NewReader(f, size, segment.ReaderOptions{Name: name, Cache: d.cache})
	if err == nil {
		d.readers[name] = r
	}
	return r, func() {}, err
}

// flush writes the head into a segment of the real disk.
func (d *disk) flush(t tester) {
	t.Helper()
	d.seal()
	opt := segment.Options{Cluster: "test", History: 1, FirstIndex: d.floors[0] + 1, LastIndex: d.floors[1]}
	info, err := segment.Write(d.fs, ".", opt, d.view.Sealed[0], d.view.Ledger.Key)
	if err != nil {
		t.Fatal(err)
	}
	d.view.Manifest, d.view.Sealed, d.floors = d.view.Manifest.With(info), nil, d.floors[1:]
}

// machines stores so many seconds of a fleet that sends once a second, eight values that wander, a batch a second, and a segment for so many
// of them.
func machines(b *testing.B, devices, seconds, flushEvery int) *disk {
	b.Helper()
	fs, err := vfs.OS(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	d := &disk{store: newStore(ledger.Policy{}), fs: fs, readers: map[segment.Name]*segment.Reader{}}
	d.cache = segment.NewCache(256 << 20) // a node's default
	rnd := rand.New(rand.NewPCG(1, 2))
	walk := make([]int64, 8*devices)
	batch := make([]sent, devices)
	for i := range batch {
		batch[i] = sent{tenant: "t", device: fmt.Sprintf("device-%04d", i), stream: "0", epoch: "1"}
		batch[i].Fields = make([]frame.Field, 8)
		for k := range batch[i].Fields {
			batch[i].Fields[k].Name = fmt.Sprintf("value-%d", k)
		}
	}
	for at := range seconds {
		for i := range batch {
			batch[i].seq, batch[i].TimeNS = uint64(at), startMS*ms+int64(at)*second+rnd.Int64N(5)*ms
			for k := range batch[i].Fields {
				walk[8*i+k] += rnd.Int64N(7) - 3
				batch[i].Fields[k].Value, _ = frame.DecimalFloat(walk[8*i+k], 2)
			}
		}
		if d.put(b, batch...); (at+1)%flushEvery == 0 || at+1 == seconds {
			d.flush(b)
		}
	}
	runtime.GC()
	return d
}

// BenchmarkSeries is the questions of a dashboard about a fleet of 1,000 devices that sent 8 values a second for 2 h 6 min: 7,560,000 frames
// in segments of about a million each.
func BenchmarkSeries(b *testing.B) {
	s := machines(b, 1000, 7560, 1080)
	hour := "from=" + secondText(1800) + "&to=" + secondText(5400)
	ten := ""
	for i := range 10 {
		ten += fmt.Sprintf("device=device-%04d&", 100*i)
	}
	for _, q := range []struct{ name, endpoint, query string }{
		{"raw_hour", seriesName, "device=device-0500&limit=10000&" + hour},
		{"raw_hour_frames", "frames", "device=device-0500&limit=10000&" + hour},
		{"avg_1m_all_together", seriesName, "fields=value-3&agg=avg&step=1m&group=all&" + hour},
		{"avg_1m_by_device", seriesName, "fields=value-3&agg=avg&step=1m&" + hour},
		{"avg_1m_by_device_8_fields", seriesName, "agg=avg&step=1m&" + hour},
		{"max_12h_10_devices", seriesName, ten + "fields=value-3&agg=max&from=" + secondText(-3600*10) + "&to=" + secondText(3600*2)},
		{"max_12h_10_devices_by_1h", seriesName, ten + "fields=value-3&agg=max&step=1h&from=" + secondText(-3600*10) + "&to=" + secondText(3600*2)},
		{"p99_1m_10_devices", seriesName, ten + "fields=value-3&agg=p99&step=1m&" + hour},
		{"rate_1m_10_devices", seriesName, ten + "fields=value-3&agg=rate&step=1m&" + hour},
	} {
		b.Run(q.name, func(b *testing.B) { benchmarkOn(b, newAPIOn(b, s), q.endpoint, q.query) })
	}
}

func newAPIOn(b *testing.B, d *disk) *API {
	api, err := New(d, d, Options{})
	if err != nil {
		b.Fatal(err)
	}
	return api
}
