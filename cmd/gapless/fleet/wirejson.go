package fleet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// wireFrame is a frame as devices write it in JSON.
type wireFrame struct {
	Device string `json:"device"`
	envelope
	Seq    uint64                     `json:"seq"`
	First  *uint64                    `json:"first,omitempty"`
	Time   string                     `json:"time,omitempty"`
	TimeNS int64                      `json:"time_ns,omitempty"`
	TimeUS int64                      `json:"time_us,omitempty"`
	TimeMS int64                      `json:"time_ms,omitempty"`
	Class  string                     `json:"class,omitempty"`
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    string                     `json:"raw,omitempty"`
}

// json writes an op's frames between open and end, with sep between two.
func (s *source) json(o *op, open, sep, end string) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(open)
	n := 0
	for _, r := range o.frames {
		if r.withheld {
			continue
		}
		if n++; n > 1 {
			out.WriteString(sep)
		}
		f := s.frame(o.life, r)
		b, err := s.jsonFrame(o.life, &f)
		if err != nil {
			return nil, err
		}
		out.Write(b)
	}
	out.WriteString(end)
	return out.Bytes(), nil
}

func (s *source) jsonFrame(life int, f *frame.Frame) ([]byte, error) {
	w := wireFrame{Device: s.device, envelope: s.envelope(life), Seq: f.Seq, Fields: make(map[string]json.RawMessage, len(f.Fields))}
	if s.kind.bits != 64 {
		w.Bits = s.kind.bits
	}
	if s.kind.declares {
		w.First = &s.lives[life].first
	}
	if f.Class == frame.ClassSnapshot {
		w.Class = "snapshot"
	}
	switch s.kind.timeKey {
	case "time":
		w.Time = time.Unix(0, f.TimeNS).UTC().Format(time.RFC3339Nano)
	case "time_us":
		w.TimeUS = f.TimeNS / 1e3
	case "time_ms":
		w.TimeMS = f.TimeNS / 1e6
	default:
		w.TimeNS = f.TimeNS
	}
	for _, field := range f.Fields {
		v, err := jsonValue(field.Value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", field.Name, err)
		}
		w.Fields[field.Name] = v
	}
	if f.Raw != nil {
		w.Raw = base64.StdEncoding.EncodeToString(f.Raw)
	}
	return json.Marshal(w)
}

// jsonValue writes a value so that its kind can be read back: floats always have a point or an exponent, integers never.
func jsonValue(v frame.Value) ([]byte, error) {
	switch v.Kind {
	case frame.KindFloat:
		x := math.Float64frombits(v.Num)
		b := strconv.AppendFloat(nil, x, 'g', -1, 64)
		if !bytes.ContainsAny(b, ".eE") {
			b = append(b, '.', '0')
		}
		return b, nil
	case frame.KindInt:
		return strconv.AppendInt(nil, int64(v.Num), 10), nil
	case frame.KindBool:
		return strconv.AppendBool(nil, v.Num != 0), nil
	case frame.KindString:
		return json.Marshal(string(v.Str))
	}
	return nil, fmt.Errorf("kind %d has no JSON form", v.Kind)
}
