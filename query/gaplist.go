package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/gaplessdb/gapless/ledger"
)

// gapsAtOnce is how many gaps are taken out of the ledger in one call when some of them are left out.
const gapsAtOnce = 1000

// eachGap calls fn for the gaps of the query from its cursor on that the selection takes, until fn returns false. It returns the cursor
// of the gap after the last one that fn saw, "" when there is none.
func (p *gapPage) eachGap(v *View, atOnce int, fn func(*ledger.GapRow) bool) (next string, err error) {
	q := p.q
	q.Limit = atOnce
	for {
		if err := p.r.expired(); err != nil {
			return "", err
		}
		page, err := p.pageOf(v, q)
		if err != nil {
			return "", err
		}
		for i := range page.Gaps {
			row := &page.Gaps[i]
			if !p.takes(v, row) || fn(row) {
				continue
			}
			if i+1 == len(page.Gaps) {
				return page.Next, nil
			}
			q.Limit = i + 1 // the ledger makes cursors for ends of pages only
			page, err = p.pageOf(v, q)
			return page.Next, err
		}
		if page.Next == "" {
			return "", nil
		}
		q.Cursor = page.Next
	}
}

// takes judges what the ledger's query cannot: whose device it is, and when.
func (p *gapPage) takes(v *View, row *ledger.GapRow) bool {
	if p.sel.device == "" && !p.sel.system && row.Device[0] == '_' {
		return false
	}
	if !p.timed {
		return true
	}
	before, after := neighbours(v, p.sel.tenant, row)
	earliest, latest := int64(math.MinInt64), int64(math.MaxInt64)
	if before != nil {
		earliest = before.FiledNS()
	}
	if after != nil {
		latest = after.FiledNS()
	}
	return min(earliest, latest) <= p.toNS && max(earliest, latest) >= p.fromNS
}

// countTimed counts the gaps of a time range, which the ledger does not know. total made sure that they are not too many.
func (p *gapPage) countTimed(v *View) error {
	cursor := p.q.Cursor
	p.q.Cursor, p.totals.Gaps = "", 0
	_, err := p.eachGap(v, gapsAtOnce, func(*ledger.GapRow) bool {
		p.totals.Gaps++
		return true
	})
	p.q.Cursor = cursor
	return err
}

// list collects the page's gaps and what lies around them.
func (p *gapPage) list(v *View) (err error) {
	atOnce := p.limit
	if p.timed {
		atOnce = gapsAtOnce
	}
	p.next, err = p.eachGap(v, atOnce, func(row *ledger.GapRow) bool {
		setBetween(v, p.sel.tenant, row)
		p.rows = append(p.rows, *row)
		return len(p.rows) < p.limit
	})
	return err
}

func (p *gapPage) write() error {
	if err := p.r.requireComplete(&p.completeness); err != nil {
		return err
	}
	w := &p.r.w
	w.open('{')
	w.key("totals")
	if err := w.marshal(p.totals); err != nil {
		return err
	}
	w.key("streams")
	w.int(int64(p.streams))
	w.key("gaps")
	w.open('[')
	for i := range p.rows {
		if err := w.marshal(&p.rows[i]); err != nil {
			return err
		}
	}
	w.close(']')
	p.r.rows = len(p.rows)
	p.r.writeState(p.asOf, &p.completeness)
	var next *cursor
	if p.next != "" {
		next = &cursor{digest: p.r.digest, device: p.next}
	}
	w.next(next)
	w.close('}')
	return nil
}

// marshal writes a value of another room by its JSON tags.
func (w *writer) marshal(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("query: encode %T: %w", v, err)
	}
	w.sep()
	w.b = append(w.b, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
	return nil
}
