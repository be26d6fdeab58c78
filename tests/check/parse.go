package check

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// asOf is the state that an answer shows. There is one partition.
type asOf []struct {
	History uint64    `json:"history"`
	Index   uint64    `json:"index"`
	Time    time.Time `json:"time"`
}

func (a asOf) state() (history, index uint64, err error) {
	if len(a) != 1 {
		return 0, 0, fmt.Errorf("as_of has %d partitions, want 1", len(a))
	}
	return a[0].History, a[0].Index, nil
}

func (a asOf) into(to *Answer) (err error) {
	if to.History, to.Index, err = a.state(); err == nil {
		to.At = a[0].Time
	}
	return err
}

// errorBody is every answer that is not a success.
type errorBody struct {
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// outcomeOf says what a status of POST means for what was sent, and the code in the body.
func outcomeOf(status int, body []byte) (o Outcome, code string) {
	var e errorBody
	if err := json.Unmarshal(body, &e); err == nil && e.Error != nil {
		code = e.Error.Code
	}
	switch {
	case status == 200:
		return Acked, code
	case status >= 400 && status < 500 && code != "": // 429 included: nothing was stored
		return Refused, code
	case status == 503 && code == "no_leader":
		return Refused, code
	}
	return Unknown, code
}

// ParseAck fills in what the answer to POST /v1/frames says of the batch. An answer that is not understood leaves the batch Unknown.
func ParseAck(status int, body []byte, b *Batch) error {
	outcome, code := outcomeOf(status, body)
	b.Outcome, b.Code = Unknown, code
	if outcome != Acked && code != "all_rejected" {
		b.Outcome = outcome
		return nil
	}
	var a struct {
		Position   *string `json:"position"`
		Accepted   int     `json:"accepted"`
		Duplicate  int     `json:"duplicate"`
		Conflict   int     `json:"conflict"`
		Unverified int     `json:"unverified"`
		Replayed   bool    `json:"replayed"`
		Rejected   []struct {
			Item uint64 `json:"item"`
		} `json:"rejected"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("check: answer to %s: %w", b, err)
	}
	var err error
	if b.History, b.Index, err = position(a.Position); err != nil {
		return fmt.Errorf("check: answer to %s: %w", b, err)
	}
	b.Accepted, b.Duplicate, b.Conflict, b.Unverified, b.Replayed = a.Accepted, a.Duplicate, a.Conflict, a.Unverified, a.Replayed
	b.Rejected = nil
	for _, r := range a.Rejected {
		b.Rejected = append(b.Rejected, b.First+r.Item)
	}
	slices.Sort(b.Rejected)
	b.Outcome = outcome
	return nil
}

// position reads one; null is the zero position.
func position(text *string) (history, index uint64, err error) {
	if text == nil {
		return 0, 0, nil
	}
	p, err := frame.ParsePosition(*text)
	return p.History, p.Index, err
}

// ParseClaim fills in what the answer to a heartbeat, a seal or a declared loss says.
func ParseClaim(status int, body []byte, c *Claim) error {
	outcome, code := outcomeOf(status, body)
	c.Outcome, c.Code = Unknown, code
	if outcome != Acked {
		c.Outcome = outcome
		return nil
	}
	var a struct {
		Position *string `json:"position"`
	}
	err := json.Unmarshal(body, &a)
	if err == nil {
		c.History, c.Index, err = position(a.Position)
	}
	if err != nil {
		return fmt.Errorf("check: answer to %s: %w", c, err)
	}
	c.Outcome = Acked
	return nil
}

// frameRow is a frame as answers show it.
type frameRow struct {
	Device  string   `json:"device"`
	Stream  string   `json:"stream"`
	Ordinal uint32   `json:"epoch"`
	Epoch   string   `json:"epoch_value"`
	Seq     uint64   `json:"seq"`
	Pos     string   `json:"position"`
	Flags   []string `json:"flags"`
	content
}

func (r *frameRow) counter() Counter { return Counter{r.Device, r.Stream, r.Epoch} }

// row judges the bytes. Where the device numbers, its number must be the one that the bytes name.
func (r *frameRow) row(seed uint64) (Row, error) {
	p, err := frame.ParsePosition(r.Pos)
	if err != nil {
		return Row{}, fmt.Errorf("%s %d: %w", r.counter(), r.Seq, err)
	}
	row := Row{Counter: r.counter(), Ordinal: r.Ordinal, Number: r.Seq, Numbered: !slices.Contains(r.Flags, "server_seq")}
	row.History, row.Index = p.History, p.Index
	if row.Counter.system() {
		return row, nil
	}
	n, variant, wrong := r.verify(seed, row.Counter)
	row.Variant, row.Wrong = variant, wrong
	switch {
	case wrong != "":
	case !row.Numbered:
		row.Number = n
	case n != r.Seq:
		row.Wrong = fmt.Sprintf("the bytes are those of %d", n)
	}
	return row, nil
}

var sumSeed = maphash.MakeSeed()

// ParseFrames adds a page of GET /v1/frames to what the node shows, and returns the cursor of the next one, "" behind the last.
func ParseFrames(body []byte, seed uint64, f *Final) (next string, err error) {
	var page struct {
		Frames []json.RawMessage `json:"frames"`
		AsOf   asOf              `json:"as_of"`
		Next   *string           `json:"next"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return "", fmt.Errorf("check: page of frames: %w", err)
	}
	history, index, err := page.AsOf.state()
	if err != nil {
		return "", fmt.Errorf("check: page of frames: %w", err)
	}
	f.History, f.Index = max(f.History, history), max(f.Index, index)
	for _, raw := range page.Frames {
		var r frameRow
		err := json.Unmarshal(raw, &r)
		var row Row
		if err == nil {
			row, err = r.row(seed)
		}
		if err != nil {
			return "", fmt.Errorf("check: frame in an answer: %w", err)
		}
		row.Sum = maphash.Bytes(sumSeed, raw)
		f.AddRow(&row)
	}
	if page.Next != nil {
		next = *page.Next
	}
	return next, nil
}

// ParseLatest reads a page of GET /v1/latest: a Read of every frame on it, and the cursor of the next page, "" behind the last. Streams
// that were asked for and are not on it have no frame: the caller records a Read of each that is not Found.
func ParseLatest(body []byte, seed uint64, a Answer) (reads []Read, next string, err error) {
	var page struct {
		Frames []frameRow `json:"frames"`
		AsOf   asOf       `json:"as_of"`
		Next   *string    `json:"next"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, "", fmt.Errorf("check: newest frames: %w", err)
	}
	if err := page.AsOf.into(&a); err != nil {
		return nil, "", fmt.Errorf("check: newest frames: %w", err)
	}
	for i := range page.Frames {
		row, err := page.Frames[i].row(seed)
		if err != nil {
			return nil, "", fmt.Errorf("check: newest frames: %w", err)
		}
		if !row.Counter.system() {
			reads = append(reads, Read{Answer: a, Counter: row.Counter, Ordinal: row.Ordinal, Latest: row.Number, Found: true,
				Wrong: row.Wrong, Variant: row.Variant})
		}
	}
	if page.Next != nil {
		next = *page.Next
	}
	return reads, next, nil
}
