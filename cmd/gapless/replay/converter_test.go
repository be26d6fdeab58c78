package replay

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// say words a frame for a table of tests.
func say(it *item) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d: %s/%s", it.line, it.device, it.stream)
	if it.group.Epoch != "" {
		fmt.Fprintf(&b, " epoch %s", it.group.Epoch)
	}
	if it.group.Unseq {
		b.WriteString(" unnumbered")
	} else {
		fmt.Fprintf(&b, " #%d", it.frame.Seq)
	}
	if !it.frame.NoTime {
		fmt.Fprintf(&b, " @%d", it.frame.TimeNS)
	}
	if it.frame.Class != frame.ClassEvent {
		fmt.Fprintf(&b, " %s", it.frame.Class)
	}
	for _, f := range it.frame.Fields {
		value := f.Value.Text()
		switch f.Value.Kind {
		case frame.KindBytes:
			value = base64.StdEncoding.EncodeToString(f.Value.Str)
		case frame.KindString:
		default:
			value = fmt.Sprint(f.Value.Float64())
		}
		fmt.Fprintf(&b, " %s=%s:%s", f.Name, f.Value.Kind, value)
	}
	if it.frame.Raw != nil {
		fmt.Fprintf(&b, " raw=%x", it.frame.Raw)
	}
	return b.String()
}

// converted reads a text and words what becomes of each row.
func converted(t testing.TB, text string, change func(*Mapping)) ([]string, error) {
	t.Helper()
	m := Defaults()
	change(&m)
	f, err := openFile(Stdin, strings.NewReader(text), &m)
	if err != nil {
		return nil, err
	}
	defer f.close()
	c, err := newConverter(&m, f.strict())
	if err != nil {
		return nil, err
	}
	var said []string
	for {
		r, err := f.next()
		what := sent
		if errors.Is(err, io.EOF) {
			return said, nil
		}
		if err == nil {
			what, err = c.convert(r)
		}
		var bad *BadRow
		switch {
		case errors.As(err, &bad):
			said = append(said, bad.Error())
		case err != nil:
			return said, err
		case what == sent:
			said = append(said, say(&c.item))
		default:
			said = append(said, fmt.Sprintf("%d: left out %d", r.line, what))
		}
	}
}

func TestRowsBecomeFrames(t *testing.T) {
	tests := []struct {
		name, text string
		mapping    func(*Mapping)
		want       string // lines
	}{
		{
			"the simplest file", "device,a,b\np1,1,x\np2,,true\n", func(*Mapping) {},
			"2: p1/0 unnumbered a=int:1 b=string:x\n3: p2/0 unnumbered b=bool:1",
		},
		{
			"everything named", "dev,ch,n,boot,at,kind,t,p\np,c,5,b7,1000,snapshot,1.5,0aff\n",
			func(m *Mapping) {
				m.Device, m.Stream, m.Seq, m.Epoch, m.Time, m.TimeFormat, m.Class = "hall/{dev}", "{ch}", "n", "{boot}", "at", "ms", "{kind}"
				m.Hex, m.Raw, m.Rename = []string{"p"}, "p", map[string]string{"t": "temp"}
			},
			"2: hall/p/c epoch b7 #5 @1000000000 snapshot temp=float:1.5 raw=0aff",
		},
		{
			"a constant device, a column that is both field and name", "x,y\n1,2\n",
			func(m *Mapping) { m.Device, m.Stream, m.Fields = "px4", "s{x}", []string{"x", "y"} },
			"2: px4/s1 unnumbered x=int:1 y=int:2",
		},
		{
			"excluded columns", "device,a,b,c\np,1,2,3\n", func(m *Mapping) { m.Exclude = []string{"b"} },
			"2: p/0 unnumbered a=int:1 c=int:3",
		},
		{
			"kinds that are told", "device,a,b,c,d\np,12,7,0a,AQI=\n",
			func(m *Mapping) {
				m.Strings, m.Floats, m.Hex, m.Base64 = []string{"a"}, []string{"b"}, []string{"c"}, []string{"d"}
			},
			"2: p/0 unnumbered a=string:12 b=float:7 c=bytes:Cg== d=bytes:AQI=",
		},
		{
			"only some rows", "device,n\np,1\nq,2\np,3\n", func(m *Mapping) { m.Where = map[string]string{"device": "p"} },
			"2: p/0 unnumbered n=int:1\n3: left out 1\n4: p/0 unnumbered n=int:3",
		},
		{
			"rows without a number are skipped", "device,n,a\np,1,1\np,,2\n", func(m *Mapping) { m.Seq, m.NoSeq = "n", "skip" },
			"2: p/0 #1 a=int:1\n3: left out 2",
		},
		{
			"rows without a number are numbered by the server", "device,n,a\np,1.0,1\np,,2\n", func(m *Mapping) { m.Seq, m.NoSeq = "n", "unnumbered" },
			"2: p/0 #1 a=int:1\n3: p/0 unnumbered a=int:2",
		},
		{
			"rows without a number are bad", "device,n,a\np,,2\n", func(m *Mapping) { m.Seq, m.NoSeq = "n", "reject" },
			`line 2: column "n" is empty (no_seq)`,
		},
		{
			"bad rows", "device,n,at,f,h\np,x,1,1,00\n,1,1,1,00\np,1,,1,00\np,1,1,q,00\np,1,1,1,0\np,1,1,1\np,1,1,1,00\n",
			func(m *Mapping) {
				m.Seq, m.Time, m.TimeFormat, m.Floats, m.Hex, m.Raw = "n", "at", "ns", []string{"f"}, []string{"h"}, "h"
			},
			`line 2: column "n" is "x", which is no number of a frame (bad_seq)
line 3: column "device" is empty, and the device's or stream's name needs it (no_name)
line 4: column "at" is empty (no_time)
line 5: column "f": "q" is no number (bad_field)
line 6: column "h": "0" is not hexadecimal (bad_raw)
line 7: the row has 4 columns, the header 5 (bad_row)
8: p/0 #1 @1 f=float:1 raw=00`,
		},
		{
			"quotes, and a row of two lines", "device,a\np,\"x\ny,\"\"z\"\"\"\np,2\n", func(*Mapping) {},
			"2: p/0 unnumbered a=string:x\ny,\"z\"\n4: p/0 unnumbered a=int:2",
		},
		{
			"another delimiter, a mark of the byte order, ends of lines of Windows", "\xEF\xBB\xBFdevice;a\r\np;1\r\n", func(m *Mapping) { m.Delimiter = ";" },
			"2: p/0 unnumbered a=int:1",
		},
		{
			"no header line", "p\t1\n", func(m *Mapping) { m.Delimiter, m.Columns = "tab", []string{"device", "a"} },
			"1: p/0 unnumbered a=int:1",
		},
		{
			"a column without a name", ",device\n7,p\n", func(*Mapping) {},
			"2: p/0 unnumbered column_1=int:7",
		},
		{
			"objects, nested", `{"device":"p","n":3,"m":{"t":"2026-11-21T10:00:00Z","rssi":-112.5},"ok":true,"gone":null,` +
				`"empty":"","list":[1, 2],"id":"007"}` + "\n\n" +
				`{"device":"q","n":4,"m":{"t":"2026-11-21T10:00:00Z"},"big":18446744073709551615}` + "\n",
			func(m *Mapping) { m.Seq, m.Time = "n", "m.t" },
			"1: p/0 #3 @1795255200000000000 m.rssi=float:-112.5 ok=bool:1 empty=string: list=string:[1, 2] id=string:007\n" +
				"3: q/0 #4 @1795255200000000000 big=uint:1.8446744073709552e+19",
		},
		{
			"lines that are no objects", `{"device":"p"}` + "\n[1]\n{\"device\":\n" + `{"device":"p","device":"q"}` + "\n" +
				`{"device":"p"} x` + "\n" + `{"device":"p","x":1e999}`,
			func(m *Mapping) { m.Format = "ndjson" },
			`1: p/0 unnumbered
line 2: the line is no JSON object: "[1]" (bad_row)
line 3: the object does not end on its line: write one object a line (jq -c .) (bad_row)
line 4: jsontext: duplicate object member name "device" (bad_row)
line 5: something follows the object (bad_row)
line 6: column "x": 1e999 fits neither int64, uint64 nor float64 (bad_field)`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := converted(t, tt.text, tt.mapping)
			if err != nil {
				t.Fatal(err)
			}
			if said := strings.Join(got, "\n"); said != tt.want {
				t.Errorf("got\n%s\nwant\n%s", said, tt.want)
			}
		})
	}
}

func TestMappingsThatDoNotFit(t *testing.T) {
	tests := []struct {
		name    string
		text    string
		mapping func(*Mapping)
		want    string
	}{
		{"no such column", "a,b\n1,2\n", func(*Mapping) {}, `device: the file has no column "device"; it has a, b`},
		{"no such field", "device,b\n1,2\n", func(m *Mapping) { m.Exclude = []string{"c"} }, `exclude: the file has no column "c"`},
		{"no such condition", "device,b\n1,2\n", func(m *Mapping) { m.Where = map[string]string{"c": ""} }, `where: the file has no column "c"`},
		{"nobody said what becomes of rows without a number", "device,n\np,\n", func(m *Mapping) { m.Seq = "n" }, "line 2, column \"n\": say with no_seq"},
		{"a column is two things", "device,n\np,\n", func(m *Mapping) { m.Hex, m.Strings = []string{"n"}, []string{"n"} }, "named twice"},
		{"a template without its end", "device\np\n", func(m *Mapping) { m.Device = "{device" }, "write {COLUMN}"},
		{"a template with an end too many", "device\np\n", func(m *Mapping) { m.Device = "device}" }, "write {COLUMN}"},
		{"an empty template", "device\np\n", func(m *Mapping) { m.Device = "" }, "device is empty"},
		{"a choice that is none", "device\np\n", func(m *Mapping) { m.NoSeq = "drop" }, "give skip, unnumbered or reject"},
		{"bits", "device\np\n", func(m *Mapping) { m.Bits = 12 }, "give 8, 16, 32 or 64"},
		{"a format", "device\np\n", func(m *Mapping) { m.Format = "xml" }, "give csv or ndjson"},
		{"a JSON array", ` [{"device":"p"}]`, func(*Mapping) {}, "one object a line"},
		{"a delimiter", "device\np\n", func(m *Mapping) { m.Delimiter = "::" }, "give one character, or tab"},
		{"two columns of one name", "device,a,a\np\n", func(*Mapping) {}, `columns 2 and 3 have the same name "a"`},
		{"nothing", "", func(*Mapping) {}, "there is no header line"},
		{"a quote that never ends", "device\n\"" + strings.Repeat("x\n", maxRowBytes), func(*Mapping) {}, "is a quote not closed?"},
		{"a line that never ends", `{"device":"` + strings.Repeat("x", maxRowBytes), func(*Mapping) {}, "line 1 is longer than"},
		{"too many columns", strings.Repeat(",", maxRowColumns) + "\n", func(*Mapping) {}, "4097 columns"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := converted(t, tt.text, tt.mapping)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	s, err := newShape([]string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	r := &row{shape: s, cells: []cell{{"1", cellLoose}, {}}}
	for text, want := range map[string]string{
		"x": "x", "{a}": "1", "x{a}y{a}": "x1y1", "{{{a}}}": "{1}", "{b}": "empty b", "{a}{b}": "empty b", "{c}": "empty c", "": "",
	} {
		tpl, err := parseTemplate(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		tpl.bind(s)
		got, empty := tpl.fill(r)
		if empty != "" {
			got = "empty " + empty
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"{", "}", "{}", "{a", "a}", "{a{b}}"} {
		if tpl, err := parseTemplate(text); err == nil {
			t.Errorf("%q is taken for %v", text, tpl)
		}
	}
}
