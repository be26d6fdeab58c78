package upgrade

import (
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	batchFrames = 10
	lostEvery   = 97 // every 97th number is never sent
	tailGap     = 5  // numbers that the last heartbeat declares and nobody sends
)

// numbered is a device that counts. Every number below next is acknowledged or left out on purpose.
type numbered struct {
	device     string
	next       uint64
	duplicates uint64 // of its own making, as answered
	conflicts  uint64
}

func lost(seq uint64) bool { return seq%lostEvery == lostEvery-1 }

// line is a frame as the device sends it; salt makes another frame of the same number.
func (d *numbered) line(seq uint64, salt string) string {
	fields, raw := d.content(seq, salt)
	return fmt.Sprintf(`{"device":%q,"epoch":"7","first":0,"seq":%d,"time_ms":%d,"fields":%s,"raw":%q}`+"\n", d.device, seq, timeMS(seq), fields, raw)
}

// content is a function of device and number, so that whoever reads a frame can say what it must hold.
func (d *numbered) content(seq uint64, salt string) (fields, raw string) {
	fields = fmt.Sprintf(`{"big":%d,"on":%v,"text":%q,"v":%d.25}`, seq*0x9e3779b97f4a7c15, seq%2 == 0, d.device+salt, seq)
	return fields, base64.StdEncoding.EncodeToString([]byte(fmt.Sprint(d.device, seq)))
}

func timeMS(seq uint64) int64 { return 1_700_000_000_000 + int64(seq)*100 }

// batch is the frames from a number on that are sent at all.
func (d *numbered) batch(first uint64, n uint64) (lines string, frames int) {
	var b strings.Builder
	for seq := first; seq < first+n; seq++ {
		if !lost(seq) {
			b.WriteString(d.line(seq, ""))
			frames++
		}
	}
	return b.String(), frames
}

// step sends the next batch, and now and then what a device sends besides.
func (d *numbered) step(c *client) error {
	lines, frames := d.batch(d.next, batchFrames)
	a, err := c.deliver("/v1/frames", "application/x-ndjson", lines, "")
	if err != nil {
		return err
	}
	if a.tries == 1 && a.Accepted != frames || a.Accepted+a.Duplicate+a.Unverified != frames {
		return fmt.Errorf("%s: %d new frames from %d on: %+v", d.device, frames, d.next, a)
	}
	d.next += batchFrames
	c.load.acked.Add(int64(frames))
	switch c.rng.IntN(10) {
	case 0:
		return d.heartbeat(c, d.next)
	case 1, 2:
		return d.again(c, c.rng.Uint64N(d.next/batchFrames)*batchFrames)
	case 3:
		return d.contradict(c, c.rng.Uint64N(d.next))
	}
	return nil
}

func (d *numbered) heartbeat(c *client, next uint64) error {
	_, err := c.deliver("/v1/devices/"+d.device+"/heartbeat", "application/json", fmt.Sprintf(`{"epoch":"7","first":0,"next_seq":%d}`, next), "")
	return err
}

// again repeats an acknowledged batch.
func (d *numbered) again(c *client, first uint64) error {
	lines, frames := d.batch(first, batchFrames)
	a, err := c.deliver("/v1/frames", "application/x-ndjson", lines, "")
	if err == nil && (a.Accepted+a.Conflict != 0 || a.Duplicate+a.Unverified != frames) {
		err = fmt.Errorf("%s: frames from %d on again: %+v", d.device, first, a)
	}
	d.duplicates += uint64(a.Duplicate)
	return err
}

// contradict sends another frame under an acknowledged number.
func (d *numbered) contradict(c *client, seq uint64) error {
	if lost(seq) {
		return nil
	}
	a, err := c.deliver("/v1/frames", "application/x-ndjson", d.line(seq, " other"), "")
	if err == nil && (a.Accepted+a.Duplicate != 0 || a.Conflict+a.Unverified != 1) {
		err = fmt.Errorf("%s: another frame %d: %+v", d.device, seq, a)
	}
	d.conflicts += uint64(a.Conflict)
	return err
}

// keyed is a device without numbers: its requests have keys.
type keyed struct {
	device string
	next   int
}

func (d *keyed) step(c *client) error {
	body := fmt.Sprintf(`[{"device":%q,"fields":{"id":%d}},{"device":%q,"fields":{"id":%d}}]`, d.device, 2*d.next, d.device, 2*d.next+1)
	key := fmt.Sprintf("%s-%d", d.device, d.next)
	a, err := c.deliver("/v1/frames", "application/json", body, key)
	if err != nil {
		return err
	}
	if a.Accepted != 2 || a.tries == 1 && a.Replayed {
		return fmt.Errorf("%s: request %d: %+v", d.device, d.next, a)
	}
	if d.next%5 == 0 {
		if a, err = c.deliver("/v1/frames", "application/json", body, key); err == nil && (!a.Replayed || a.Accepted != 2) {
			err = fmt.Errorf("%s: request %d again: %+v", d.device, d.next, a)
		}
	}
	d.next++
	c.load.acked.Add(2)
	return err
}
