package fleet

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// fault is a planted defect of the fake cluster. Those that concern one place take the device below.
type fault string

const (
	faultNone       fault = ""
	faultDrop       fault = "drop an acknowledged frame"
	faultDropOnOne  fault = "one node lacks a frame"
	faultTwice      fault = "list a frame twice"
	faultBytes      fault = "change a value"
	faultTime       fault = "change a time"
	faultKind       fault = "turn a float into an integer"
	faultInvent     fault = "list a frame nobody sent"
	faultTail       fault = "forget what heartbeats and seals said"
	faultHead       fault = "forget the declared first number"
	faultGap        fault = "forget a gap in the listing"
	faultPhantom    fault = "list a gap that is none"
	faultCause      fault = "forget why numbers are missing"
	faultConflict   fault = "forget conflicts"
	faultRepeat     fault = "forget repeats"
	faultCoverage   fault = "cover a number that is not stored"
	faultTotals     fault = "miscount the fleet"
	faultDigest     fault = "nodes with different ledgers"
	faultBalance    fault = "a ledger that does not balance"
	faultDevice     fault = "a device nobody has"
	faultEpochOrder fault = "swap two epochs"
	faultAnswer     fault = "count an acknowledged frame as repeated"
)

// whileWriting reports whether the fault strikes when frames arrive, not when they are asked for.
func (f fault) whileWriting() bool {
	switch f {
	case faultDrop, faultBytes, faultTime, faultKind, faultTail, faultHead, faultAnswer:
		return true
	}
	return false
}

// faultAt is where faults of one place are planted: a kind with declared losses and several lives.
const faultAt = "demo/wind-01"

// fake is a cluster of three nodes that share one memory.
type fake struct {
	t     *testing.T
	fault fault
	flaky bool // answers get lost, nodes are busy

	mu       sync.Mutex
	requests int
	index    uint64
	names    []string // "device\x00stream" in order of arrival
	counters map[string][]*fakeLife
	planted  bool
}

// start serves the fake on three addresses.
func start(t *testing.T, fault fault, flaky bool) (*fake, []string) {
	f := &fake{t: t, fault: fault, flaky: flaky, counters: map[string][]*fakeLife{}}
	var servers []string
	for node := range 3 {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /v1/frames", f.post(f.frames))
		mux.HandleFunc("POST /v1/devices/{device}/{what}", f.post(f.message))
		mux.HandleFunc("GET /v1/frames", f.get(node, f.listFrames))
		mux.HandleFunc("GET /v1/gaps", f.get(node, f.listGaps))
		mux.HandleFunc("GET /v1/devices", f.get(node, f.listDevices))
		mux.HandleFunc("GET /v1/devices/{device}/gaps", f.get(node, f.listReports))
		mux.HandleFunc("GET /v1/devices/{device}/coverage", f.get(node, f.listCoverage))
		mux.HandleFunc("GET /v1/ledger", f.get(node, f.ledger))
		s := httptest.NewServer(mux)
		t.Cleanup(s.Close)
		servers = append(servers, s.URL)
	}
	return f, servers
}

// plant reports once whether the fault is the one asked for.
func (f *fake) plant(want fault) bool {
	if f.fault != want || f.planted {
		return false
	}
	f.planted = true
	return true
}

// post wraps a write: it may be refused before, or its answer lost after.
func (f *fake) post(handle func(r *http.Request, body []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.requests++
		if f.flaky && f.requests%7 == 0 {
			http.Error(w, `{"error":{"code":"overloaded"}}`, http.StatusTooManyRequests)
			return
		}
		body, err := unpack(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.index++
		a, err := handle(r, body)
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		case f.flaky && f.requests%5 == 0:
			http.Error(w, `{"error":{"code":"outcome_unknown"}}`, http.StatusServiceUnavailable)
		case f.flaky && f.requests%11 == 0:
			panic(http.ErrAbortHandler) // the connection closes without an answer
		default:
			write(w, a)
		}
	}
}

func unpack(r *http.Request) ([]byte, error) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		in = z
	}
	return io.ReadAll(in)
}

func write(w http.ResponseWriter, a any) {
	b, err := json.Marshal(a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(b)
}

// fakeFrame is a frame at the fake's door, in either encoding.
type fakeFrame struct {
	wireFrame
	at time.Time
}

func (f *fake) frames(r *http.Request, body []byte) (any, error) {
	var in []fakeFrame
	var err error
	switch r.Header.Get("Content-Type") {
	case "application/vnd.gapless.batch":
		in, err = fromBatch(body)
	case "application/x-ndjson":
		in, err = fromJSON([]byte("[" + strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", ",") + "]"))
	default:
		in, err = fromJSON(body)
	}
	if err != nil {
		return nil, err
	}
	a := answer{Position: fmt.Sprint("p", f.index), Delivery: "exactly_once"}
	for _, w := range in {
		l := f.life(w.Device, w.Stream, w.Epoch)
		switch f.arrive(l, &w) {
		case roleFresh:
			a.Accepted++
		case roleRepeat:
			a.Duplicate++
		default:
			a.Conflict++
		}
		if w.Device == faultAt && f.plant(faultAnswer) {
			a.Accepted--
			a.Duplicate++
		}
	}
	return a, nil
}

func (f *fake) arrive(l *fakeLife, w *fakeFrame) role {
	if w.First != nil && !(f.fault == faultHead && w.Device == faultAt) {
		l.declared, l.first = true, *w.First
	}
	seq := l.unwrap(w.Seq, w.Bits)
	row := frameAnswer{
		Device: w.Device, Stream: w.Stream, Epoch: l.ordinal, EpochValue: l.epoch, Seq: seq,
		Time: w.at.UTC().Format(time.RFC3339Nano), Class: w.Class, Fields: w.Fields, Raw: w.Raw,
	}
	if old, ok := l.frames[seq]; ok {
		a, err := old.sum()
		b, err2 := row.sum()
		if err != nil || err2 != nil {
			f.t.Errorf("sum: %v %v", err, err2)
		}
		if a == b {
			l.repeats++
			return roleRepeat
		}
		l.conflicts++
		return roleConflict
	}
	inside := w.Device == faultAt && len(l.frames) == 50
	switch {
	case inside && f.plant(faultDrop):
		return roleFresh
	case inside && f.plant(faultBytes):
		row.Fields["wind_ms"] = json.RawMessage("1.25")
	case inside && f.plant(faultTime):
		row.Time = w.at.Add(time.Nanosecond).UTC().Format(time.RFC3339Nano)
	case inside && f.plant(faultKind):
		row.Fields["wind_ms"] = json.RawMessage("7")
	}
	l.frames[seq] = row
	if !l.declared && (!l.seen || seq < l.first) {
		l.first = seq
	}
	l.seen = true
	l.top = max(l.top, seq+1)
	return roleFresh
}

// life finds or opens the life that an epoch value names.
func (f *fake) life(device, stream string, epoch any) *fakeLife {
	if stream == "" {
		stream = "0"
	}
	value := ""
	if epoch != nil {
		value = fmt.Sprint(epoch)
	}
	name := device + "\x00" + stream
	for _, l := range f.counters[name] {
		if l.epoch == value {
			return l
		}
	}
	if f.counters[name] == nil {
		f.names = append(f.names, name)
	}
	l := &fakeLife{epoch: value, ordinal: len(f.counters[name]) + 1, frames: map[uint64]frameAnswer{}, lost: map[uint64]bool{}}
	f.counters[name] = append(f.counters[name], l)
	return l
}

func fromJSON(b []byte) ([]fakeFrame, error) {
	var in []wireFrame
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	var out []fakeFrame
	for _, w := range in {
		at := time.Unix(0, w.TimeNS+w.TimeUS*1e3+w.TimeMS*1e6)
		if w.Time != "" {
			var err error
			if at, err = time.Parse(time.RFC3339Nano, w.Time); err != nil {
				return nil, err
			}
		}
		if w.Class == "" {
			w.Class = "event"
		}
		if w.Stream == "" {
			w.Stream = "0"
		}
		out = append(out, fakeFrame{wireFrame: w, at: at})
	}
	return out, nil
}

func fromBatch(b []byte) ([]fakeFrame, error) {
	var r frame.Reader
	if err := r.Reset(b); err != nil {
		return nil, err
	}
	keys := map[frame.StreamID]frame.StreamKey{}
	for d := range r.Defs() {
		keys[d.ID] = d.Key
	}
	var out []fakeFrame
	var g frame.Group
	for r.NextGroup(&g) {
		var it frame.Item
		for r.Next(&it) {
			var fr frame.Frame
			it.Decode(&fr)
			w := wireFrame{Device: keys[g.Stream].Device, Seq: fr.Seq, Class: className(fr.Class), Fields: map[string]json.RawMessage{}}
			w.Stream, w.Epoch, w.Bits = keys[g.Stream].Stream, g.Epoch, g.Bits
			if g.HasFirst {
				first := g.First
				w.First = &first
			}
			for _, field := range fr.Fields {
				token, err := jsonValue(field.Value)
				if err != nil {
					return nil, err
				}
				w.Fields[field.Name] = token
			}
			w.Raw = base64.StdEncoding.EncodeToString(fr.Raw)
			out = append(out, fakeFrame{wireFrame: w, at: time.Unix(0, fr.TimeNS)})
		}
	}
	return out, nil
}
