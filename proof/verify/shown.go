package verify

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/content"
)

// shownFrame is a frame as a node writes it (docs/http-api.md), as far as it is content.
type shownFrame struct {
	Device string                    `json:"device"`
	Stream string                    `json:"stream"`
	Epoch  uint32                    `json:"epoch"`
	Seq    uint64                    `json:"seq"`
	Time   string                    `json:"time"`
	Class  string                    `json:"class"`
	Fields map[string]jsontext.Value `json:"fields"`
	Raw    []byte                    `json:"raw"`
	Flags  []string                  `json:"flags"`

	Position string `json:"position"`
}

// flagNoTime says that the device gave no time: what is shown is then the server's.
const flagNoTime = "no_time"

// is compares what is shown with what was hashed.
func (s *shownFrame) is(f *content.Frame) error {
	if s.Class != f.Class.String() {
		return fmt.Errorf("class is shown as %.64q, it is %q", s.Class, f.Class)
	}
	if noTime := slices.Contains(s.Flags, flagNoTime); noTime != f.NoTime {
		return fmt.Errorf("the flag %s is shown: %t, it is %t", flagNoTime, noTime, f.NoTime)
	}
	if want := time.Unix(0, f.TimeNS).UTC().Format(time.RFC3339Nano); !f.NoTime && s.Time != want {
		return fmt.Errorf("the device time is shown as %.64q, it is %s", s.Time, want)
	}
	if len(s.Fields) != len(f.Fields) {
		return fmt.Errorf("%d fields are shown, it has %d", len(s.Fields), len(f.Fields))
	}
	for i := range f.Fields {
		if v := &f.Fields[i]; !shows(s.Fields[v.Name], &v.Value) {
			return fmt.Errorf("field %q is shown as %.200s", v.Name, s.Fields[v.Name])
		}
	}
	if !bytes.Equal(s.Raw, f.Raw) {
		return fmt.Errorf("the raw payload is shown with %d bytes, it has %d, or others", len(s.Raw), len(f.Raw))
	}
	return nil
}

// shows reports whether a JSON value is the one way, or one of the ways, in which a value is written.
func shows(text jsontext.Value, v *frame.Value) bool {
	switch v.Kind {
	case frame.KindInt:
		return string(text) == strconv.FormatInt(v.Int64(), 10)
	case frame.KindUint:
		return string(text) == strconv.FormatUint(v.Uint64(), 10)
	case frame.KindBool:
		return string(text) == strconv.FormatBool(v.Bool())
	case frame.KindFloat:
		return showsFloat(text, v.Float64())
	case frame.KindString, frame.KindBytes:
		want := string(v.Str)
		if v.Kind == frame.KindBytes {
			want = base64.StdEncoding.EncodeToString(v.Str)
		}
		var got string
		return text.Kind() == '"' && json.Unmarshal(text, &got) == nil && got == want
	}
	return false
}

// showsFloat takes any decimal that reads back to the value: a node writes a number as it was sent, where it knows that.
func showsFloat(text jsontext.Value, want float64) bool {
	if text.Kind() == '"' {
		var name string
		err := json.Unmarshal(text, &name)
		return err == nil && (math.IsNaN(want) && name == "NaN" || math.IsInf(want, 1) && name == "+Inf" || math.IsInf(want, -1) && name == "-Inf")
	}
	got, err := strconv.ParseFloat(string(text), 64)
	return text.Kind() == '0' && err == nil && math.Float64bits(got) == math.Float64bits(want)
}
