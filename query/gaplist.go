package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/ledger"
)

const (
	gapsAtOnce   = 1000 // gaps that are taken out of the ledger in one call when some of them may be left out
	gapPieceRows = 100  // gaps of a piece of a listing by time: a page ends at most so many before its limit
)

// eachGap calls fn for the gaps of the query from its cursor on that the selection takes, whatever their time, until fn returns false. It
// returns the cursor of the gap after the last one that fn saw, "" when there is none.
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
			if !p.takes(row) || fn(row) {
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

// pageOfMatching is pageOf for devices that are selected by label: of one after the other. Its cursors are a device and the ledger's own
// cursor in it, "" for the device's beginning.
func (p *gapPage) pageOfMatching(v *View, q ledger.GapQuery) (page ledger.GapPage, err error) {
	from, at, _ := strings.Cut(q.Cursor, "\x00")
	want, devices := q.Limit, p.sel.devices
	first, _ := slices.BinarySearch(devices, from)
	for _, device := range devices[first:] {
		if err := p.r.expired(); err != nil {
			return page, err
		}
		if q.Device, q.Prefix, q.Cursor = device, "", ""; device == from {
			q.Cursor = at
		}
		room := want - len(page.Gaps)
		q.Limit = max(room, 1) // a page that is full looks for the next device that has a gap
		one, err := v.Ledger.Gaps(q)
		switch {
		case err != nil:
			return page, p.cursorError(err)
		case room == 0 && len(one.Gaps) > 0:
			page.Next = device + "\x00"
			return page, nil
		case room == 0:
			continue
		}
		page.Gaps = append(page.Gaps, one.Gaps...)
		if one.Next != "" {
			page.Next = device + "\x00" + one.Next
			return page, nil
		}
	}
	return page, nil
}

// takes judges what the ledger's query cannot: whose device it is. When it was is judged outside of the lock.
func (p *gapPage) takes(row *ledger.GapRow) bool {
	return p.sel.device != "" || p.sel.system || row.Device[0] != '_'
}

// undated is a gap whose neighbours may lie outside of the newest head.
type undated struct {
	target *target
	group  *group // of its device, nil without groups
	run    ledger.Run
	around
}

// listedGap is a gap that may be on the page.
type listedGap struct {
	undated
	row ledger.GapRow
}

// gapPiece is a piece of the listing: listed[:end], less the pieces before, and the cursor behind it.
type gapPiece struct {
	end  int
	next string
}

// date finds what the newest head knows of a gap's neighbours. Gaps come in the order of epochs.
func (p *gapPage) date(v *View, row *ledger.GapRow) undated {
	key := epochKey{device: row.Device, stream: row.Stream, ordinal: row.Epoch}
	if n := len(p.targets); n == 0 || p.targets[n-1].key != key {
		t := &target{tenant: p.sel.tenant, key: key}
		t.id, _ = v.Ledger.ID(t.stream())
		p.targets = append(p.targets, t)
	}
	t, run := p.targets[len(p.targets)-1], ledger.Run{First: row.From, Last: row.To}
	g, _ := p.groups.of(v, p.sel.tenant, row.Device) // it is there: every selected device was added up
	return undated{t, g, run, aroundInHead(v, t, run)}
}

// countTimed counts the gaps of a time range, which the ledger does not know. total made sure that they are not too many.
func (p *gapPage) countTimed(v *View) error {
	cursor := p.q.Cursor
	p.q.Cursor, p.totals.Gaps = "", 0
	p.groups.uncountGaps()
	_, err := p.eachGap(v, gapsAtOnce, func(row *ledger.GapRow) bool {
		if gap := p.date(v, row); !gap.touches(gap.run) {
			p.undated = append(p.undated, gap)
		} else if gap.meets(p.fromNS, p.toNS) {
			p.totals.Gaps++
			gap.group.addGap()
		}
		return true
	})
	p.q.Cursor = cursor
	return err
}

// list collects the page's gaps. By time it is not known yet which those are: then it collects pieces of at most as many as the page has
// room for, and the page will end behind one of them.
func (p *gapPage) list(v *View) (err error) {
	add := func(row *ledger.GapRow) {
		p.listed = append(p.listed, listedGap{p.date(v, row), *row})
	}
	if !p.timed {
		p.next, err = p.eachGap(v, p.limit, func(row *ledger.GapRow) bool {
			add(row)
			return len(p.listed) < p.limit
		})
		return err
	}
	q := p.q
	for q.Limit = min(p.limit, gapPieceRows); len(p.listed) < p.api.maxListed; {
		if err := p.r.expired(); err != nil {
			return err
		}
		page, err := p.pageOf(v, q)
		if err != nil {
			return err
		}
		for i := range page.Gaps {
			if p.takes(&page.Gaps[i]) {
				add(&page.Gaps[i])
			}
		}
		p.pieces = append(p.pieces, gapPiece{len(p.listed), page.Next})
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return nil
}

// finish looks up outside of the lock what the newest head did not know, and fills the page.
func (p *gapPage) finish() error {
	if err := p.layers.settle(p.parts...); err != nil {
		return err
	}
	for _, part := range p.parts {
		p.sum.add(part.completeness)
	}
	p.completeness = p.sum.result()
	p.completeness.expected, p.completeness.stored = p.totals.Expected, p.totals.Stored
	for i := range p.undated {
		gap := &p.undated[i]
		if err := p.layers.nearer(gap.target, gap.run, &gap.around); err != nil {
			return err
		}
		if gap.meets(p.fromNS, p.toNS) {
			p.totals.Gaps++
			gap.group.addGap()
		}
	}
	if err := p.measureCadence(); err != nil {
		return err
	}
	if !p.timed {
		_, err := p.take(p.listed)
		return err
	}
	start := 0
	for _, piece := range p.pieces {
		fits, err := p.take(p.listed[start:piece.end])
		if err != nil || !fits {
			return err
		}
		start, p.next = piece.end, piece.next
	}
	return nil
}

// take puts the gaps of the time range on the page, all of them or, where there is no room for all, none.
func (p *gapPage) take(gaps []listedGap) (fits bool, err error) {
	before := len(p.rows)
	for i := range gaps {
		gap := &gaps[i]
		if err := p.layers.nearer(gap.target, gap.run, &gap.around); err != nil {
			return false, err
		}
		if p.timed && !gap.meets(p.fromNS, p.toNS) {
			continue
		}
		if len(p.rows) == p.limit {
			p.rows = p.rows[:before]
			return false, nil
		}
		gap.row.Between = gap.between()
		p.rows = append(p.rows, gap.row)
	}
	return true, nil
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
	w.key("silent")
	w.int(int64(p.silent))
	p.groups.write(w, true, p.cadence.question.asked)
	p.cadence.write(w)
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
