package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Mapping says which columns of a file become which parts of a frame. It is the content of a mapping file; each member is a flag of the same name,
// too.
//
// A template is text with names of columns in braces, such as "skab/{device}"; "{{" and "}}" are braces. A column of NDJSON is the path of a
// value: a.b is member b of the object a.
type Mapping struct {
	Format    string   `yaml:"format" help:"csv or ndjson (default: by content)"`
	Delimiter string   `yaml:"delimiter" help:"character between the columns of CSV, or tab (default: comma)"`
	Columns   []string `yaml:"columns" help:"names of the columns of CSV without a header line"`

	Device string `yaml:"device" help:"template of the device's name"`
	Stream string `yaml:"stream" help:"template of the stream's name"`
	Seq    string `yaml:"seq" help:"column of the frame's number (default: none, the server numbers the frames)"`
	NoSeq  string `yaml:"no_seq" help:"rows without a number: skip, unnumbered (the server numbers them) or reject (they are bad rows)"`
	Epoch  string `yaml:"epoch" help:"template of the device's own name for this life of its counter (default: none, the server infers restarts)"`
	Bits   uint8  `yaml:"bits" help:"width of the counter: 8, 16, 32 or 64"`
	Class  string `yaml:"class" help:"template of the class: event or snapshot"`

	Time       string `yaml:"time" help:"column of the device time (default: none, the time of the import stands in)"`
	TimeFormat string `yaml:"time_format" help:"rfc3339, datetime (2006-01-02 15:04:05), s, ms, us, ns (since 1970 UTC), or a layout of Go"`
	TimeZone   string `yaml:"time_zone" help:"zone of times that name none, such as Europe/Paris"`
	TimeBase   string `yaml:"time_base" help:"instant (RFC 3339) from which s, ms, us and ns count, for clocks that start with the device"`

	TimeShift string `yaml:"time_shift" help:"added to every time, such as 87600h or -90m: an old recording becomes a recent one"`

	Fields  []string          `yaml:"fields" help:"columns that become fields (default: all that nothing else names)"`
	Exclude []string          `yaml:"exclude" help:"columns that are left out"`
	Rename  map[string]string `yaml:"rename" help:"names of fields that differ from their columns': COLUMN=FIELD"`
	Strings []string          `yaml:"strings" help:"columns that stay text, whatever they look like"`
	Floats  []string          `yaml:"floats" help:"columns whose numbers are floats, also those without a point"`
	Hex     []string          `yaml:"hex" help:"columns of bytes in hexadecimal"`
	Base64  []string          `yaml:"base64" help:"columns of bytes in base64"`
	Raw     string            `yaml:"raw" help:"column that becomes the raw payload: the bytes of a hex or base64 column, else its text"`

	Where map[string]string `yaml:"where" help:"take only rows in which the column has exactly this value: COLUMN=VALUE (all must hold)"`
}

// Defaults is what holds where neither the mapping file nor a flag says otherwise.
func Defaults() Mapping {
	return Mapping{Device: "{device}", Stream: "0", Bits: 64, Class: "event", TimeFormat: "rfc3339", TimeZone: "UTC"}
}

// LoadMapping reads a mapping file over the defaults. Keys that a mapping does not have are refused.
func LoadMapping(path string) (Mapping, error) {
	m := Defaults()
	b, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("replay: mapping: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("replay: mapping %s: %w", path, err)
	}
	return m, nil
}

// Setting is one member of a Mapping, as a file and a flag name it.
type Setting struct {
	Name  string // as in the file; a flag has '-' for '_'
	Help  string
	Value reflect.Value // of the Mapping it was asked of: addressable
}

// Settings lists the members of m in their order.
func (m *Mapping) Settings() []Setting {
	v := reflect.ValueOf(m).Elem()
	list := make([]Setting, v.NumField())
	for i := range list {
		tag := v.Type().Field(i).Tag
		list[i] = Setting{Name: tag.Get("yaml"), Help: tag.Get("help"), Value: v.Field(i)}
	}
	return list
}
