package fleet

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The shapes of the answers that a comparison reads. Only what it uses is named.

// frameAnswer is one frame of GET /v1/frames.
type frameAnswer struct {
	Device     string                     `json:"device"`
	Stream     string                     `json:"stream"`
	Epoch      int                        `json:"epoch"`
	EpochValue string                     `json:"epoch_value"`
	Seq        uint64                     `json:"seq"`
	Time       string                     `json:"time"`
	Class      string                     `json:"class"`
	Fields     map[string]json.RawMessage `json:"fields"`
	Raw        string                     `json:"raw"`
}

// sum returns the sum of a frame as the cluster shows it.
func (f *frameAnswer) sum() (uint64, error) {
	at, err := time.Parse(time.RFC3339Nano, f.Time)
	if err != nil {
		return 0, err
	}
	c := content{class: f.Class, timeNS: at.UnixNano(), fields: make([]contentField, 0, len(f.Fields))}
	if c.raw, err = base64.StdEncoding.DecodeString(f.Raw); err != nil {
		return 0, fmt.Errorf("raw: %w", err)
	}
	for name, token := range f.Fields {
		kind, value, err := tokenText(token)
		if err != nil {
			return 0, fmt.Errorf("field %q: %w", name, err)
		}
		c.fields = append(c.fields, contentField{name: name, kind: kind, value: value})
	}
	return c.sum(), nil
}

// epochAnswer is the epoch of a gap report.
type epochAnswer struct {
	Ordinal int             `json:"ordinal"`
	Raw     json.RawMessage `json:"raw"`
}

// value returns the device's own value as text, whether the answer has a string or a number.
func (e *epochAnswer) value() string {
	s := strings.Trim(string(e.Raw), `"`)
	if s == "null" {
		return ""
	}
	return s
}

// reportAnswer is the gap report of one life: GET /v1/devices/{device}/gaps.
type reportAnswer struct {
	Stream string      `json:"stream"`
	Epoch  epochAnswer `json:"epoch"`
	Head   struct {
		First uint64 `json:"first"`
		Basis string `json:"basis"`
	} `json:"head"`
	Tail struct {
		Last  uint64 `json:"last"`
		Basis string `json:"basis"`
	} `json:"tail"`
	Expected      uint64 `json:"expected"`
	Stored        uint64 `json:"stored"`
	Verdict       string `json:"verdict"`
	WrapAmbiguous uint64 `json:"wrap_ambiguous"`
	Duplicates    struct {
		Identical  int `json:"identical"`
		Conflict   int `json:"conflict"`
		Unverified int `json:"unverified"`
	} `json:"duplicates"`
}

// gapAnswer is one gap of GET /v1/gaps.
type gapAnswer struct {
	Device string `json:"device"`
	Stream string `json:"stream"`
	Epoch  int    `json:"epoch"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Count  uint64 `json:"count"`
	State  string `json:"state"`
	Cause  string `json:"cause"`
	Reason string `json:"reason"`
}

// missing reports whether the gap's numbers are still absent.
func (g *gapAnswer) missing() bool {
	return g.State == "OPEN" || g.State == "REQUESTED" || g.State == "FINAL"
}

// totalsAnswer is the fleet's sum in GET /v1/gaps.
type totalsAnswer struct {
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Missing  uint64 `json:"missing"`
	Open     uint64 `json:"open"`
	Lost     uint64 `json:"lost"`
	Declared uint64 `json:"declared"`
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
}

// coverageAnswer is one life of GET /v1/devices/{device}/coverage.
type coverageAnswer struct {
	Stream string      `json:"stream"`
	Epoch  int         `json:"epoch"`
	Runs   [][2]uint64 `json:"runs"`
}

// ledgerAnswer is GET /v1/ledger.
type ledgerAnswer struct {
	Digest   string `json:"digest"`
	Balances any    `json:"balances"`
	AsOf     []struct {
		History uint64 `json:"history"`
		Index   uint64 `json:"index"`
	} `json:"as_of"`
}

// unbalanced returns the paths of balances that are not zero.
func (l *ledgerAnswer) unbalanced() []string {
	var out []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(path+"."+key, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), inner)
			}
		case float64:
			if strings.HasSuffix(path, ".balance") && v != 0 {
				out = append(out, fmt.Sprintf("%s=%g", strings.TrimPrefix(path, "."), v))
			}
		}
	}
	walk("", l.Balances)
	return out
}
