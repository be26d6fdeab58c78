package oracles

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// extremes has what no recording has: NaN, the infinities, -0, the ends of the number types, and every way to be missing.
func (w *world) extremes(t *testing.T) {
	const header = "device,n,a,b,c\n"
	rows := []struct{ cells, want string }{
		{"NaN,Inf,-Inf", `{"a":"NaN","b":"+Inf","c":"-Inf"}`},
		{"-0,-0.0,0", `{"a":-0.0,"b":-0.0,"c":0}`},
		{"9223372036854775807,-9223372036854775808,18446744073709551615", `{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}`},
		{"1.7976931348623157e308,5e-324,0.1", `{"a":1.7976931348623157e+308,"b":5e-324,"c":0.1}`},
		{",,", `{}`},
		{`"",007,true`, `{"b":"007","c":true}`},
		{"1e400,18446744073709551616,a\"\"b", ""}, // a quote inside a cell that has none around it is a fault of the file
	}
	var text strings.Builder
	text.WriteString(header)
	for i, row := range rows {
		fmt.Fprintf(&text, "ends,%d,%s\n", i, row.cells)
	}
	path := filepath.Join(t.TempDir(), "ends.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := w.replay(t, path, "--seq", "n", "--on-error", "skip")
	if f := sum.Files[0]; f.Bad != 1 || f.Accepted != int64(len(rows)-1) {
		t.Errorf("%+v", f)
	}
	for i, f := range w.frames(t, "ends", "") {
		var got, want map[string]json.RawMessage
		got = f.Fields
		if err := json.Unmarshal([]byte(rows[i].want), &want); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("frame %d: %s, want %s", i, got, rows[i].want)
		}
		for name, token := range want {
			if string(got[name]) != string(token) {
				t.Errorf("frame %d, %s: got %s, want %s", i, name, got[name], token)
			}
		}
	}
}
