package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// seriesAnswer is what the commands read of an answer of /v1/query.
type seriesAnswer struct {
	Series       []seriesOne
	Next         string
	AsOf         []asOf `json:"as_of"`
	Completeness struct {
		Verdict                   string
		Expected, Stored, Missing uint64
	}
}

// sentence sums up what was asked for, also what has no line: a device that fell silent before the range has none.
func (a *seriesAnswer) sentence() string {
	c := &a.Completeness
	s := fmt.Sprintf("%d expected, %d stored, %d missing, %s in all", c.Expected, c.Stored, c.Missing, c.Verdict)
	for _, at := range a.AsOf {
		s += fmt.Sprintf("; as of index %d, %s", at.Index, at.Time.UTC().Format(time.RFC3339))
	}
	return s
}

type seriesOne struct {
	Device, Stream string
	Epoch          uint32
	Group          map[string]string
	Devices        int
	Start, Time    []*string
	Seq            []uint64
	Fields         []map[string]json.RawMessage // name and kinds, and a list of values for each aggregate
	Completeness   struct {
		Ratio                     []json.RawMessage
		Verdict                   []string
		Expected, Stored, Missing []uint64
	}
}

func (o *seriesOptions) table(ctx context.Context, c *client, w io.Writer, params url.Values) error {
	var t *table
	rows, more, foot := 0, false, ""
	err := o.pages(ctx, c, params, func(_ json.RawMessage, a *seriesAnswer) error {
		if t == nil {
			t = o.titles()
		}
		foot = a.sentence()
		for i := range a.Series {
			one := &a.Series[i]
			columns, err := one.columns()
			if err != nil {
				return err
			}
			if !o.points() {
				if err := addBuckets(t, w, one, columns); err != nil {
					return err
				}
				continue
			}
			for p := range one.Seq {
				if o.limit > 0 && rows == o.limit {
					more = true
					return nil
				}
				rows++
				if err := t.addTo(w, one.Device, one.Stream, fmt.Sprint(one.Epoch), fmt.Sprint(one.Seq[p]), *one.Time[p], pointCell(columns, p)); err != nil {
					return err
				}
			}
		}
		more = a.Next != ""
		return nil
	})
	if err != nil || t == nil {
		return err
	}
	if err := t.write(w); err != nil {
		return err
	}
	if o.points() && more {
		if _, err := fmt.Fprintf(w, "... the first %d; --limit 0 prints all\n", rows); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "\n%s\n", foot)
	return err
}

func (o *seriesOptions) titles() *table {
	if o.points() {
		return newTable("DEVICE", "STREAM", "EPOCH#", "SEQ#", "TIME", "FIELDS")
	}
	titles := []string{"SERIES", "START", "FIELD"}
	for _, list := range o.aggs {
		for agg := range strings.SplitSeq(list, ",") {
			titles = append(titles, strings.ToUpper(agg)+"#")
		}
	}
	return newTable(append(titles, "EXPECTED#", "MISSING#", "VERDICT")...)
}

// seriesColumn is a field with the values of each aggregate.
type seriesColumn struct {
	field  string
	values map[string][]json.RawMessage
}

func (s *seriesOne) columns() ([]seriesColumn, error) {
	list := make([]seriesColumn, len(s.Fields))
	for i, f := range s.Fields {
		list[i] = seriesColumn{unquote(f["field"]), map[string][]json.RawMessage{}}
		for name, values := range f {
			if name == "field" || name == "kinds" {
				continue
			}
			var v []json.RawMessage
			if err := json.Unmarshal(values, &v); err != nil {
				return nil, fmt.Errorf("/v1/query: %s of %s: %w", name, list[i].field, err)
			}
			list[i].values[name] = v
		}
	}
	return list, nil
}

// addBuckets adds a line for each bucket and field; one for a bucket without any.
func addBuckets(t *table, w io.Writer, one *seriesOne, columns []seriesColumn) error {
	aggs := t.titles[3 : len(t.titles)-3]
	if len(columns) == 0 {
		columns = []seriesColumn{{}}
	}
	for b := range one.Start {
		start := ""
		if one.Start[b] != nil {
			start = *one.Start[b]
		}
		for _, c := range columns {
			cells := []string{one.name(), start, c.field}
			for _, title := range aggs {
				cells = append(cells, resultCell(c.values[strings.ToLower(strings.TrimSuffix(title, "#"))], b))
			}
			done := &one.Completeness
			cells = append(cells, fmt.Sprint(done.Expected[b]), fmt.Sprint(done.Missing[b]), done.Verdict[b])
			if err := t.addTo(w, cells...); err != nil {
				return err
			}
		}
	}
	return nil
}

// pointCell prints the fields of a point that it has.
func pointCell(columns []seriesColumn, at int) string {
	var parts []string
	for _, c := range columns {
		if list := c.values["values"]; at < len(list) && string(list[at]) != "null" {
			parts = append(parts, c.field+"="+string(list[at]))
		}
	}
	return strings.Join(parts, " ")
}

// resultCell prints a value as the node wrote it; null is empty.
func resultCell(list []json.RawMessage, at int) string {
	if at >= len(list) || string(list[at]) == "null" {
		return ""
	}
	return unquote(list[at])
}

func unquote(v json.RawMessage) string {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text
	}
	return string(v)
}

// name is whose series it is.
func (s *seriesOne) name() string {
	switch {
	case s.Device != "" && s.Stream != "":
		return s.Device + "/" + s.Stream
	case s.Device != "":
		return s.Device
	case len(s.Group) == 0:
		return "all"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.Group)) {
		parts = append(parts, name+"="+s.Group[name])
	}
	return strings.Join(parts, " ")
}
