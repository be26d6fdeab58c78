package telegraf

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/influxdata/telegraf"
	"github.com/influxdata/telegraf/config"
	"github.com/influxdata/telegraf/metric"
	"github.com/influxdata/telegraf/models"
	"github.com/influxdata/telegraf/plugins/outputs/http"
	"github.com/influxdata/telegraf/plugins/outputs/influxdb"
	"github.com/influxdata/telegraf/plugins/outputs/influxdb_v2"
	"github.com/influxdata/telegraf/plugins/serializers/influx"

	"github.com/gaplessdb/gapless/tests/clients/node"
)

func TestMain(m *testing.M) {
	code := m.Run()
	node.Remove()
	os.Exit(code)
}

func secret(text string) config.Secret { return config.NewSecret([]byte(text)) }

// outputs are Telegraf's ways to write line protocol, set as its documents say.
func outputs(t *testing.T, n *node.Node) map[string]telegraf.Output {
	t.Helper()
	serializer := &influx.Serializer{UintSupport: true}
	if err := serializer.Init(); err != nil {
		t.Fatal(err)
	}
	authorization := secret("Token " + n.Token)
	overHTTP := &http.HTTP{URL: n.URL + "/api/v2/write?bucket=plant&org=works", Method: "POST", ContentEncoding: "gzip", UseBatchFormat: true,
		NonRetryableStatusCodes: []int{400, 413, 422}, Headers: map[string]*config.Secret{"Authorization": &authorization}}
	overHTTP.SetSerializer(serializer)
	version1 := &influxdb.InfluxDB{URLs: []string{n.URL}, Username: secret("telegraf"), Password: secret(n.Token), Database: "plant",
		RetentionPolicy: "autogen", WriteConsistency: "any", InfluxUintSupport: true, Timeout: config.Duration(5 * time.Second),
		CreateHTTPClientF: func(c *influxdb.HTTPConfig) (influxdb.Client, error) { return influxdb.NewHTTPClient(*c) }}
	version2 := &influxdb_v2.InfluxDB{URLs: []string{n.URL}, Token: secret(n.Token), Organization: "works", Bucket: "plant", UintSupport: true,
		Timeout: config.Duration(5 * time.Second)}
	return map[string]telegraf.Output{"http": overHTTP, "influxdb": version1, "influxdb_v2": version2}
}

// gauge is a metric as an input of Telegraf makes it, and the point that must come of it.
func gauge(device string, i int) (telegraf.Metric, node.Point) {
	at := time.Unix(1_763_719_200, int64(i)*1_000_001)
	fields := map[string]any{"temp": 20 + float64(i)/8, "rpm": int64(1400 + i), "serial": uint64(math.MaxUint64 - uint64(i)), "ok": i%2 == 0,
		"text": `say "hi", C:\new` + "\nline two"}
	sent := map[string]any{"seq": int64(i + 1)}
	for name, v := range fields {
		sent[name] = v
	}
	m := metric.New("mill", map[string]string{"host": device, "hall": "north, 3=x"}, sent, at)
	fields["hall"] = "north, 3=x"
	return m, node.Point{Device: device, Stream: "mill", Numbered: true, Seq: uint64(i + 1), Time: at, Fields: fields}
}

func TestOutputs(t *testing.T) {
	n := node.Start(t)
	for name, output := range outputs(t, n) {
		t.Run(name, func(t *testing.T) {
			ro := models.NewRunningOutput(output, &models.OutputConfig{Name: name, MetricBatchSize: 100, MetricBufferLimit: 10_000}, 100, 10_000)
			if err := ro.Init(); err != nil {
				t.Fatal(err)
			}
			if err := ro.Connect(); err != nil {
				t.Fatal(err)
			}
			defer ro.Close()
			var want []node.Point
			add := func(count int) {
				for range count {
					m, p := gauge("telegraf-"+name, len(want))
					want = append(want, p)
					ro.AddMetric(m)
				}
			}
			add(250)
			if err := ro.Write(); err != nil {
				t.Fatal(err)
			}
			n.Stop()
			add(250)
			if err := ro.Write(); err == nil {
				t.Error("a write succeeded without a node")
			}
			n.Restart()
			add(1)
			if err := ro.Write(); err != nil || ro.BufferLength() != 0 {
				t.Errorf("after the restart: %v, %d metrics are left", err, ro.BufferLength())
			}
			n.Check(t, want)
		})
	}
	t.Logf("counted as %v", n.Balance("influx"))
}

// A metric that cannot be stored is dropped by Telegraf, not sent for ever, and its neighbours are stored.
func TestBadMetricIsDropped(t *testing.T) {
	n := node.Start(t)
	for name, output := range outputs(t, n) {
		t.Run(name, func(t *testing.T) {
			ro := models.NewRunningOutput(output, &models.OutputConfig{Name: name}, 100, 10_000)
			if err := ro.Init(); err != nil {
				t.Fatal(err)
			}
			if err := ro.Connect(); err != nil {
				t.Fatal(err)
			}
			defer ro.Close()
			device := fmt.Sprintf("bad-%s", name)
			good, want := gauge(device, 0)
			ro.AddMetric(good)
			ro.AddMetric(metric.New("_internal", map[string]string{"host": device}, map[string]any{"x": 1.0}, time.Now()))
			_ = ro.Write() // each output has its own way to say it
			if err := ro.Write(); err != nil || ro.BufferLength() != 0 {
				t.Errorf("%v, %d metrics are left", err, ro.BufferLength())
			}
			n.Check(t, []node.Point{want})
		})
	}
}
