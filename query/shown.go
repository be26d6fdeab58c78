package query

import (
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/segment"
)

// shown is which values of a frame an answer shows. What is not shown is not read either, where it lies in a column of its own.
type shown struct {
	some   bool     // not all fields, but
	fields []string // these, sorted
	noRaw  bool
}

// shown reads the parameters fields and raw. An empty list is no fields at all.
func (r *request) shown() (s shown, err error) {
	if r.args.has("raw") {
		raw, err := r.args.bool("raw")
		if err != nil {
			return s, err
		}
		s.noRaw = !raw
	}
	if s.some = r.args.has("fields"); s.some {
		s.fields = slices.DeleteFunc(strings.Split(r.args.text("fields"), ","), func(name string) bool { return name == "" })
		slices.Sort(s.fields)
		s.fields = slices.Compact(s.fields)
	}
	return s, nil
}

func (s *shown) columns() segment.Columns {
	if !s.some {
		return segment.Columns{All: true}
	}
	return segment.Columns{Fields: s.fields, Raw: !s.noRaw}
}

func (s *shown) field(name string) bool {
	if !s.some {
		return true
	}
	_, ok := slices.BinarySearch(s.fields, name)
	return ok
}
