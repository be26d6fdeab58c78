package influx

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/influxdata/line-protocol/v2/lineprotocol"
)

func seeds(f *testing.F) {
	f.Add(benchLines(3))
	text, err := os.ReadFile(transcriptPath)
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if body, ok := strings.CutPrefix(line, "> mill"); ok {
			f.Add([]byte("mill" + body + "ok x=1\r\n"))
		}
	}
	f.Add([]byte("# c\n\n a,device=\\ b,seq=1 seq=\"a\n\\\"b\",epoch=2i,x=1e5 -7  \n\\ x=1\nm x=\"open"))
	f.Add([]byte("m,device=a,x=1 x=1.,y=.5,z=-0.,n=1e-400,u=18446744073709551615u,t=TRUE,seq=18446744073709551615u 9223372036854775807"))
}

// Whatever comes in: an answer of the version's form, every line has one outcome, and nothing is stored that was not sent.
func FuzzWrite(f *testing.F) {
	seeds(f)
	limits := ingest.Options{MaxBodyBytes: 1 << 20, MaxUnpackedBytes: 1 << 20}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := newRig(t, Options{}, limits)
		resp := r.post("/api/v2/write?bucket=b&precision=ms", string(body))
		now := r.balance()
		if now.Received == 0 || int(now.Accepted) != len(r.store.frames) {
			t.Fatalf("%d frames are stored, counted as %+v", len(r.store.frames), now)
		}
		if resp.StatusCode() == 204 {
			if now.Rejected+now.Undecodable > 0 {
				t.Fatalf("204 with bad lines: %+v", now)
			}
			return
		}
		var a body2
		if err := json.Unmarshal(resp.Body(), &a); err != nil || a.Code != codes2[resp.StatusCode()] || a.Code == "" || a.Message == "" {
			t.Fatalf("answer %d %q: %v", resp.StatusCode(), resp.Body(), err)
		}
		if lines := bytes.Count(body, []byte("\n")) + 1; a.Line > lines || now.Rejected > 0 && a.Line == 0 {
			t.Fatalf("line %d of %d: %s", a.Line, lines, a.Message)
		}
	})
}

// The reader must see what the decoder sees when it has the whole body at once and everything is copied out of it, and know where each
// entry stands.
func FuzzReader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := new(reader)
		r.reset(mapping{deviceTags: []string{"device", "host"}, unit: 1})
		dec := lineprotocol.NewDecoderWithBytes(body)
		err := r.each(body, func(syntax error) error {
			if !dec.Next() {
				t.Fatal("more entries than there are")
			}
			place := int(r.feeder.first)
			alone := lineprotocol.NewDecoderWithBytes(bytes.Join(bytes.SplitAfter(body, []byte("\n"))[place-1:], nil))
			if !alone.Next() {
				t.Fatalf("no entry begins in line %d", place)
			}
			compare(t, r, syntax, dec)
			compare(t, r, syntax, alone)
			return nil
		})
		if err != nil && len(body) < maxLineBytes {
			t.Fatal(err)
		}
		if err == nil && dec.Next() {
			t.Fatal("fewer entries than there are")
		}
	})
}

// compare holds the reader's item against an entry as the decoder gives it.
func compare(t *testing.T, r *reader, syntax error, dec *lineprotocol.Decoder) {
	t.Helper()
	measurement, err := dec.Measurement()
	name := string(measurement)
	tags, fields, count := map[string]lineprotocol.Value{}, map[string]lineprotocol.Value{}, 0
	for err == nil {
		var key, value []byte
		if key, value, err = dec.NextTag(); key == nil {
			break
		}
		tags[string(key)] = lineprotocol.MustNewValue(string(value))
	}
	var odd error // a value that is none: the library ends there, the reader goes on
	for err == nil {
		var key []byte
		var kind lineprotocol.ValueKind
		var text []byte
		if key, kind, text, err = dec.NextFieldBytes(); key == nil {
			break
		}
		v, bad := lineprotocol.NewValueFromBytes(kind, bytes.Clone(text))
		if bad != nil {
			odd = bad
		} else if kind == lineprotocol.Uint && v.UintV() <= math.MaxInt64 {
			v = lineprotocol.IntValue(int64(v.UintV())) // a number has one form here
		}
		if fields[string(key)] = v; len(fields) == count {
			return // a field twice, which the batch refuses
		}
		count++
	}
	if err == nil {
		_, err = dec.TimeBytes()
	}
	switch {
	case (syntax == nil) != (err == nil):
		t.Fatalf("%v, the decoder says %v", syntax, err)
	case syntax != nil:
		return
	case r.item.Stream != name:
		t.Fatalf("measurement %q, want %q", r.item.Stream, name)
	case r.item.Failed():
		return
	case odd != nil:
		t.Fatalf("taken, and the library refuses a value: %v", odd)
	}
	for i, field := range r.item.Frame.Fields {
		want, known := fields[field.Name]
		if i < r.tags {
			if want, known = tags[field.Name]; !known {
				want, known = tags[strings.TrimSuffix(field.Name, tagSuffix)]
			}
		}
		got := native(field.Value)
		if !known || i >= r.tags && !want.Equal(got) || got.Kind() == lineprotocol.Float && math.Float64bits(want.FloatV()) != field.Value.Num {
			t.Fatalf("%s is %v, want %v (%v)", field.Name, got, want, known)
		}
	}
}

// native is a value as the library has it.
func native(v frame.Value) lineprotocol.Value {
	switch v.Kind {
	case frame.KindFloat:
		return lineprotocol.MustNewValue(v.Float64())
	case frame.KindInt:
		return lineprotocol.IntValue(v.Int64())
	case frame.KindUint:
		return lineprotocol.UintValue(v.Uint64())
	case frame.KindBool:
		return lineprotocol.BoolValue(v.Bool())
	default:
		return lineprotocol.MustNewValue(v.Text())
	}
}
