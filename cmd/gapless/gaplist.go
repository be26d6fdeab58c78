package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// gapList is the listing with its totals, as of one state.
type gapList struct {
	AsOf   []asOf `json:"as_of"`
	Totals gapTotals
	Gaps   []gap

	cut      bool // there are more
	filtered bool // by state, cause, time or size
}

// list collects pages until the limit is reached. The totals of every page are those of the whole selection.
func (o *gapsOptions) list(ctx context.Context, c *client) (*gapList, error) {
	var all gapList
	err := c.pages(ctx, "/v1/gaps", o.params(), func(page json.RawMessage) (bool, error) {
		var p gapList
		if err := json.Unmarshal(page, &p); err != nil {
			return false, fmt.Errorf("/v1/gaps: %w", err)
		}
		if all.AsOf == nil {
			all.AsOf, all.Totals = p.AsOf, p.Totals
		}
		all.Gaps = append(all.Gaps, p.Gaps...)
		return o.limit == 0 || len(all.Gaps) < o.limit, nil
	})
	if err != nil {
		return nil, err
	}
	if o.limit > 0 && len(all.Gaps) > o.limit {
		all.Gaps = all.Gaps[:o.limit]
	}
	all.filtered = o.state != "" || o.cause != "" || o.from != "" || o.to != "" || o.min > 1
	all.cut = o.limit > 0 && uint64(len(all.Gaps)) < all.Totals.Gaps
	return &all, nil
}

func (l *gapList) write(w io.Writer) error {
	if len(l.Gaps) > 0 {
		t := newTable("DEVICE", "STREAM", "EPOCH#", "MISSING", "COUNT#", "STATE", "CAUSE", "CONFIDENCE", "REASON")
		for i := range l.Gaps {
			g := &l.Gaps[i]
			err := t.addTo(w, g.Device, g.Stream, fmt.Sprint(g.Epoch), numbers(g.From, g.To), fmt.Sprint(g.Count), g.State, g.Cause, g.Confidence, g.Reason)
			if err != nil {
				return err
			}
		}
		if err := t.write(w); err != nil {
			return err
		}
		if l.cut {
			fmt.Fprintf(w, "... the first %d of %d gaps; --limit 0 lists all\n", len(l.Gaps), l.Totals.Gaps)
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "%s\n", l.Totals.sentence(l.AsOf, l.filtered))
	return err
}

// sentence is the totals in words; kinds of loss that do not occur are left out. They are those of the streams selected: a filter
// of gaps changes only how many gaps there are.
func (t *gapTotals) sentence(as []asOf, filtered bool) string {
	s := fmt.Sprintf("%d expected, %d stored, %d missing", t.Expected, t.Stored, t.Missing)
	var kinds []string
	for _, k := range []struct {
		n    uint64
		name string
	}{{t.Open, "open"}, {t.Lost, "lost"}, {t.Declared, "declared lost"}, {t.Shed, "shed"}, {t.Rejected, "rejected"}, {t.Expired, "expired"}} {
		if k.n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", k.n, k.name))
		}
	}
	if len(kinds) > 0 {
		s += fmt.Sprintf(" (%s)", strings.Join(kinds, ", "))
	}
	gaps := fmt.Sprintf("%d gaps", t.Gaps)
	if t.Gaps == 1 {
		gaps = "1 gap"
	}
	if filtered {
		s += "; the filter takes " + gaps
	} else if t.Gaps > 0 {
		s += " in " + gaps
	}
	for _, a := range as {
		s += fmt.Sprintf("; as of index %d, %s", a.Index, a.Time.UTC().Format(time.RFC3339))
	}
	return s
}

// writeJSON prints the node's first answer with the gaps of all pages up to the limit, every member as the node wrote it.
func (o *gapsOptions) writeJSON(ctx context.Context, c *client, w io.Writer) error {
	var first map[string]json.RawMessage
	gaps := []json.RawMessage{}
	err := c.pages(ctx, "/v1/gaps", o.params(), func(page json.RawMessage) (bool, error) {
		var p struct{ Gaps []json.RawMessage }
		if err := json.Unmarshal(page, &p); err != nil {
			return false, fmt.Errorf("/v1/gaps: %w", err)
		}
		if first == nil {
			if err := json.Unmarshal(page, &first); err != nil {
				return false, fmt.Errorf("/v1/gaps: %w", err)
			}
		}
		gaps = append(gaps, p.Gaps...)
		return o.limit == 0 || len(gaps) < o.limit, nil
	})
	if err != nil {
		return err
	}
	if o.limit > 0 && len(gaps) > o.limit {
		gaps = gaps[:o.limit]
	}
	delete(first, "next")
	if first["gaps"], err = json.Marshal(gaps); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(first)
}
