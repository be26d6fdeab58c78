package main

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// segmentLine is what --json prints of a segment, by its own word or by a manifest's.
type segmentLine struct {
	Type       string `json:"type"`            // segment
	Name       string `json:"name,omitempty"`  // absent when the file is not named for a hash
	State      string `json:"state,omitempty"` // of the file, when a manifest names it and there is a directory to look into
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Frames     uint64 `json:"frames"`
	Epochs     uint32 `json:"epochs"`
	Blocks     uint32 `json:"blocks"`
	Bytes      int64  `json:"bytes"`
	Encoder    uint16 `json:"encoder"`
	FirstTime  string `json:"first_time"`
	LastTime   string `json:"last_time"`
}

// segmentFileLine is what a segment file says of itself.
type segmentFileLine struct {
	segmentLine
	Path      string `json:"path"`
	Cluster   string `json:"cluster"`
	Partition uint32 `json:"partition"`
	History   uint64 `json:"history"`
}

func newSegmentLine(i segment.Info) segmentLine {
	return segmentLine{
		Type: "segment", Name: i.Name.String(), FirstIndex: i.FirstIndex, LastIndex: i.LastIndex, Frames: i.Frames, Epochs: i.Streams,
		Blocks: i.Blocks, Bytes: i.Bytes, Encoder: i.Encoder, FirstTime: timeText(i.FirstNS), LastTime: timeText(i.LastNS),
	}
}

// head prints what a file says of itself.
func (d *dumpSegment) head(path string, r *segment.Reader, named bool) error {
	i, o := r.Info(), r.Options()
	if d.json {
		line := segmentFileLine{newSegmentLine(i), path, o.Cluster, o.Partition, o.History}
		if !named {
			line.Name = ""
		}
		return d.object(line)
	}
	_, err := fmt.Fprintf(d.w, "%s\ncluster  %s, partition %d, history %d\nlog      index %s\nholds    %s of %s in %s, %d bytes, encoder %d\ntimes    %s to %s\n\n",
		clean(path), clean(o.Cluster), o.Partition, o.History, numbers(i.FirstIndex, i.LastIndex), plural(i.Frames, "frame", "frames"),
		plural(i.Streams, "epoch", "epochs"), plural(i.Blocks, "block", "blocks"), i.Bytes, i.Encoder, timeText(i.FirstNS), timeText(i.LastNS))
	return err
}

// epochLine is one epoch of a stream in a segment.
type epochLine struct {
	Type      string `json:"type"` // epoch
	Path      string `json:"path"`
	Tenant    string `json:"tenant"`
	Device    string `json:"device"`
	Stream    string `json:"stream"`
	Epoch     uint32 `json:"epoch"`
	Frames    uint64 `json:"frames"`
	FirstSeq  uint64 `json:"first_seq"`
	LastSeq   uint64 `json:"last_seq"`
	Runs      int    `json:"runs"` // of consecutive numbers
	Blocks    int    `json:"blocks"`
	FirstTime string `json:"first_time"`
	LastTime  string `json:"last_time"`
}

// eachEpoch prints a line for each epoch.
func (d *dumpSegment) eachEpoch(path string, r *segment.Reader) error {
	t := newTable("TENANT", "DEVICE", "STREAM", "EPOCH#", "FRAMES#", "NUMBERS", "RUNS#", "BLOCKS#", "FROM", "TO")
	err := d.each(path, r, func(key frame.StreamKey, e *segment.Epoch) error {
		line := epochLine{
			"epoch", path, key.Tenant, key.Device, key.Stream, e.Ordinal, e.Frames, e.FirstSeq, e.LastSeq, len(e.Coverage()), e.Blocks(),
			timeText(e.FirstNS), timeText(e.LastNS),
		}
		if d.json {
			return d.object(line)
		}
		return t.addTo(d.w, line.Tenant, line.Device, line.Stream, fmt.Sprint(line.Epoch), fmt.Sprint(line.Frames),
			numbers(line.FirstSeq, line.LastSeq), fmt.Sprint(line.Runs), fmt.Sprint(line.Blocks), line.FirstTime, line.LastTime)
	})
	return d.endTable(t, err)
}

// endTable writes the last piece of a table, and a blank line when something follows.
func (d *dumpSegment) endTable(t *table, err error) error {
	if err != nil || d.json {
		return err
	}
	if err := t.write(d.w); err != nil || !d.verify {
		return err
	}
	_, err = fmt.Fprintln(d.w)
	return err
}
