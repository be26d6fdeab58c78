package replay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// bind looks the mapping's columns up in rows of a shape.
func (c *converter) bind(s *shape) error {
	if c.strict {
		if err := c.missing(s); err != nil {
			return err
		}
	}
	c.shape = s
	for _, t := range c.templates() {
		t.bind(s)
	}
	c.seq, c.time, c.raw = s.at(c.m.Seq), s.at(c.m.Time), s.at(c.m.Raw)
	c.rawReading = c.readings[c.m.Raw]
	c.where = c.where[:0]
	for _, name := range slices.Sorted(maps.Keys(c.m.Where)) {
		c.where = append(c.where, condition{s.at(name), c.m.Where[name]})
	}
	c.fields = c.fields[:0]
	for i, name := range s.names {
		if !c.takes(name) {
			continue
		}
		field := fieldColumn{at: i, name: name, how: c.readings[name]}
		if renamed, ok := c.m.Rename[name]; ok {
			field.name = renamed
		}
		c.fields = append(c.fields, field)
	}
	return nil
}

func (c *converter) templates() []template { return []template{c.device, c.stream, c.epoch, c.class} }

// takes reports whether a column becomes a field: it is named as one, or nothing names it.
func (c *converter) takes(name string) bool {
	switch {
	case slices.Contains(c.m.Exclude, name):
		return false
	case len(c.m.Fields) > 0:
		return slices.Contains(c.m.Fields, name)
	case name == c.m.Seq || name == c.m.Time || name == c.m.Raw:
		return false
	}
	for _, t := range c.templates() {
		if slices.Contains(t.columns(), name) {
			return false
		}
	}
	return true
}

// missing names the first column of the mapping that a file with a header does not have.
func (c *converter) missing(s *shape) error {
	type use struct {
		setting string
		columns []string
	}
	m := c.m
	uses := []use{
		{"device", c.device.columns()}, {"stream", c.stream.columns()}, {"seq", one(m.Seq)}, {"epoch", c.epoch.columns()}, {"class", c.class.columns()},
		{"time", one(m.Time)}, {"fields", m.Fields}, {"exclude", m.Exclude}, {"rename", slices.Sorted(maps.Keys(m.Rename))}, {"strings", m.Strings},
		{"floats", m.Floats}, {"hex", m.Hex}, {"base64", m.Base64}, {"raw", one(m.Raw)}, {"where", slices.Sorted(maps.Keys(m.Where))},
	}
	for _, u := range uses {
		for _, name := range u.columns {
			if s.at(name) < 0 {
				return fmt.Errorf("replay: %s: the file has no column %q; it has %s%s",
					u.setting, name, clip(strings.Join(printable(s.names), ", ")), columnHint(u.setting, name, s.names))
			}
		}
	}
	return nil
}

// printable quotes what a terminal would not show as it is.
func printable(names []string) []string {
	list := slices.Clone(names)
	for i, name := range list {
		if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.TrimSpace(name) != name {
			list[i] = quoted
		}
	}
	return list
}

func one(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}
