package compact

import (
	"fmt"

	"github.com/gaplessdb/gapless/segment"
)

// name is a segment's name in a command or a checkpoint: 64 hexadecimal digits in lower case.
type name segment.Name

// MarshalText implements encoding.TextMarshaler.
func (n name) MarshalText() ([]byte, error) { return []byte(segment.Name(n).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *name) UnmarshalText(b []byte) error {
	parsed, err := segment.ParseName(string(b))
	if err != nil {
		return err
	}
	if parsed.String() != string(b) {
		return fmt.Errorf("compact: the name %q is not in lower case", b)
	}
	*n = name(parsed)
	return nil
}

// file is a segment.Info in a command or a checkpoint.
type file struct {
	Name       name   `json:"name"`
	Bytes      int64  `json:"bytes"`
	Frames     uint64 `json:"frames"`
	Streams    uint32 `json:"streams"`
	Blocks     uint32 `json:"blocks"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	FirstNS    int64  `json:"first_ns"`
	LastNS     int64  `json:"last_ns"`
	Encoder    uint16 `json:"encoder"`
}

// maxFrames is far beyond any segment, so that sums of a plan's frames fit into 64 bits.
const maxFrames = 1 << 48

func fileOf(i *segment.Info) file {
	return file{name(i.Name), i.Bytes, i.Frames, i.Streams, i.Blocks, i.FirstIndex, i.LastIndex, i.FirstNS, i.LastNS, i.Encoder}
}

func (f *file) info() segment.Info {
	return segment.Info{
		Name: segment.Name(f.Name), Bytes: f.Bytes, Frames: f.Frames, Streams: f.Streams, Blocks: f.Blocks,
		FirstIndex: f.FirstIndex, LastIndex: f.LastIndex, FirstNS: f.FirstNS, LastNS: f.LastNS, Encoder: f.Encoder,
	}
}

func filesOf(list []segment.Info) []file {
	files := make([]file, len(list))
	for i := range list {
		files[i] = fileOf(&list[i])
	}
	return files
}

// infos checks a list of 1 to limit segments: each plausible, in order, none twice.
func infos(files []file, limit int) ([]segment.Info, error) {
	if len(files) == 0 || len(files) > limit {
		return nil, fmt.Errorf("%d segments, 1 to %d are allowed", len(files), limit)
	}
	list := make([]segment.Info, len(files))
	seen := map[name]bool{}
	for i := range files {
		f := &files[i]
		list[i] = f.info()
		switch {
		case seen[f.Name]:
			return nil, fmt.Errorf("segment %s comes twice", segment.Name(f.Name))
		case f.Bytes <= 0 || f.Frames == 0 || f.Frames > maxFrames || f.FirstIndex > f.LastIndex || f.FirstNS > f.LastNS:
			return nil, fmt.Errorf("segment %s: %d bytes, %d frames, indexes %d to %d, times %d to %d",
				segment.Name(f.Name), f.Bytes, f.Frames, f.FirstIndex, f.LastIndex, f.FirstNS, f.LastNS)
		case i > 0 && byIndex(list[i-1], list[i]) >= 0:
			return nil, fmt.Errorf("segment %s is out of order", segment.Name(f.Name))
		}
		seen[f.Name] = true
	}
	return list, nil
}

func namesOf(list []segment.Info) []segment.Name {
	names := make([]segment.Name, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}

// extent is what a list of segments covers together.
type extent struct {
	frames                uint64
	bytes                 int64
	firstIndex, lastIndex uint64
	firstNS, lastNS       int64
}

func extentOf(list []segment.Info) extent {
	e := extent{firstIndex: list[0].FirstIndex, firstNS: list[0].FirstNS, lastIndex: list[0].LastIndex, lastNS: list[0].LastNS}
	for i := range list {
		s := &list[i]
		e.frames += s.Frames
		e.bytes += s.Bytes
		e.firstIndex, e.lastIndex = min(e.firstIndex, s.FirstIndex), max(e.lastIndex, s.LastIndex)
		e.firstNS, e.lastNS = min(e.firstNS, s.FirstNS), max(e.lastNS, s.LastNS)
	}
	return e
}
