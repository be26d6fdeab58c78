package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// QueryOptions of a run of questions.
type QueryOptions struct {
	Target, URL, Token string
	Devices            int       // of the fleet
	Start              time.Time // device time of the fleet's first frames
	Repeat             int       // times that each question counts
}

// question is one question in the words of each store.
type question struct {
	name string
	path func(o *QueryOptions) string
}

// maxOfTen is the number of devices of the last question.
const maxOfTen = 10

func tenDevices(o *QueryOptions) (names []string) {
	for i := range min(maxOfTen, o.Devices) {
		names = append(names, deviceName(i*(o.Devices/maxOfTen)))
	}
	return names
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// questions are the same four for each store; see the docs of the peers for the words.
var questions = map[string][]question{
	"gapless": {
		{"last frame of every device", func(*QueryOptions) string { return "/v1/latest?prefix=bench-&limit=10000" }},
		{"an hour of one device", func(o *QueryOptions) string {
			return "/v1/frames?" + url.Values{
				"device": {deviceName(0)}, "from": {o.Start.Format(time.RFC3339)}, "to": {o.Start.Add(time.Hour).Format(time.RFC3339)}, "limit": {"10000"}, "raw": {"false"},
			}.Encode()
		}},
		{"averages a minute, all devices, an hour", func(o *QueryOptions) string {
			return "/v1/query?" + url.Values{
				"fields": {"f0"}, "agg": {"avg"}, "step": {"1m"}, "from": {o.Start.Format(time.RFC3339)}, "to": {o.Start.Add(time.Hour).Format(time.RFC3339)},
			}.Encode()
		}},
		{"greatest value, ten devices, twelve hours", func(o *QueryOptions) string {
			return "/v1/query?" + url.Values{
				"device": tenDevices(o), "fields": {"f0"}, "agg": {"max"},
				"from": {o.Start.Format(time.RFC3339)}, "to": {o.Start.Add(12 * time.Hour).Format(time.RFC3339)},
			}.Encode()
		}},
	},
	"influx": {
		{"last frame of every device", func(*QueryOptions) string {
			return influxQL("SELECT * FROM " + measurement + " GROUP BY device ORDER BY time DESC LIMIT 1")
		}},
		{"an hour of one device", func(o *QueryOptions) string {
			return influxQL(fmt.Sprintf("SELECT * FROM %s WHERE device='%s' AND %s", measurement, deviceName(0), influxTime(o, time.Hour)))
		}},
		{"averages a minute, all devices, an hour", func(o *QueryOptions) string {
			return influxQL(fmt.Sprintf("SELECT mean(f0) FROM %s WHERE %s GROUP BY device, time(1m)", measurement, influxTime(o, time.Hour)))
		}},
		{"greatest value, ten devices, twelve hours", func(o *QueryOptions) string {
			return influxQL(fmt.Sprintf("SELECT max(f0) FROM %s WHERE device =~ /^(%s)$/ AND %s GROUP BY device",
				measurement, strings.Join(tenDevices(o), "|"), influxTime(o, 12*time.Hour)))
		}},
	},
	"victoria": {
		{"last frame of every device", func(o *QueryOptions) string {
			return victoria("/api/v1/query", url.Values{"query": {`last_over_time({__name__=~"` + measurement + `_f.*"}[1d])`}, "time": {seconds(o.Start.Add(12 * time.Hour))}})
		}},
		{"an hour of one device", func(o *QueryOptions) string {
			return "/api/v1/export?" + url.Values{
				"match[]": {`{__name__=~"` + measurement + `_f.*",device="` + deviceName(0) + `"}`}, "start": {seconds(o.Start)}, "end": {seconds(o.Start.Add(time.Hour))},
			}.Encode()
		}},
		{"averages a minute, all devices, an hour", func(o *QueryOptions) string {
			return victoria("/api/v1/query_range", url.Values{
				"query": {"avg_over_time(" + measurement + "_f0[1m])"}, "step": {"1m"}, "start": {seconds(o.Start.Add(time.Minute))}, "end": {seconds(o.Start.Add(time.Hour))},
			})
		}},
		{"greatest value, ten devices, twelve hours", func(o *QueryOptions) string {
			return victoria("/api/v1/query", url.Values{
				"query": {"max_over_time(" + measurement + `_f0{device=~"` + strings.Join(tenDevices(o), "|") + `"}[12h])`}, "time": {seconds(o.Start.Add(12 * time.Hour))},
			})
		}},
	},
}

func influxQL(q string) string {
	return "/query?" + url.Values{"db": {measurement}, "epoch": {"ms"}, "q": {q}}.Encode()
}

func influxTime(o *QueryOptions, length time.Duration) string {
	return "time >= " + millis(o.Start) + "ms AND time < " + millis(o.Start.Add(length)) + "ms"
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// victoria asks past the cache of answers.
func victoria(path string, q url.Values) string {
	q.Set("nocache", "1")
	return path + "?" + q.Encode()
}

// QueryReport has the latencies of each question.
type QueryReport struct {
	Target  string       `json:"target"`
	Answers []QueryTimes `json:"answers"`
}

// QueryTimes is one question's.
type QueryTimes struct {
	Question string  `json:"question"`
	Path     string  `json:"path"`
	Bytes    int     `json:"bytes"`  // of an answer
	Points   int     `json:"points"` // frames, values or buckets of an answer: see points
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
}

// warmUp is how often a question is asked before it counts.
const warmUp = 3

// Query asks a store that was filled by Run.
func Query(ctx context.Context, o QueryOptions) (*QueryReport, error) {
	list, ok := questions[o.Target]
	if !ok {
		return nil, fmt.Errorf("bench: target %q: it is one of %s", o.Target, Targets)
	}
	if o.Devices < maxOfTen || o.Repeat < 1 {
		return nil, fmt.Errorf("bench: %d devices, asked %d times: give at least %d devices, and ask once", o.Devices, o.Repeat, maxOfTen)
	}
	c := newCaller(o.URL, o.Token, 1)
	r := &QueryReport{Target: o.Target}
	var buf bytes.Buffer
	for _, q := range list {
		path := q.path(&o)
		var times []time.Duration
		for i := range warmUp + o.Repeat {
			begin := time.Now()
			status, _, err := c.do(ctx, http.MethodGet, path, "", nil, &buf)
			if err != nil {
				return nil, err
			}
			if status != http.StatusOK {
				return nil, fmt.Errorf("bench: %s: %s answered %d %.300s", q.name, path, status, buf.Bytes())
			}
			if i >= warmUp {
				times = append(times, time.Since(begin))
			}
		}
		n, err := points(buf.Bytes())
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %s: %w", q.name, path, err)
		}
		if n == 0 {
			return nil, fmt.Errorf("bench: %s: %s answered nothing: give --devices and --start as the load had them; gapless files a frame whose device time is off "+
				"by more than the skew limit under the time of its arrival", q.name, path)
		}
		slices.Sort(times)
		r.Answers = append(r.Answers, QueryTimes{q.name, path, buf.Len(), n, quantileMS(times, 0.5), quantileMS(times, 0.99)})
	}
	return r, nil
}

// Write prints the report for people.
func (r *QueryReport) Write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%-42s %10s %10s %12s %10s\n", r.Target, "p50 ms", "p99 ms", "bytes", "points"); err != nil {
		return err
	}
	for _, a := range r.Answers {
		if _, err := fmt.Fprintf(w, "%-42s %10.2f %10.2f %12d %10d\n", a.Question, a.P50MS, a.P99MS, a.Bytes, a.Points); err != nil {
			return err
		}
	}
	return nil
}
