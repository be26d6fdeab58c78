package ledger

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// CodeBadCursor is the code of a page cursor that is not one of ours.
const CodeBadCursor = "bad_cursor"

// cursor is the gap that a page begins with. Opaque outside.
type cursor struct {
	device, stream string
	epoch          uint32
	first          uint64
}

func (c cursor) String() string {
	text := strings.Join([]string{c.device, c.stream, strconv.FormatUint(uint64(c.epoch), 10), strconv.FormatUint(c.first, 10)}, "\x00")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// parseCursor is the inverse of String; "" is the start.
func parseCursor(s string) (c cursor, err error) {
	if s == "" {
		return cursor{}, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(s)
	part := strings.Split(string(text), "\x00")
	if err == nil && len(part) == 4 {
		epoch, err1 := strconv.ParseUint(part[2], 10, 32)
		first, err2 := strconv.ParseUint(part[3], 10, 64)
		c = cursor{part[0], part[1], uint32(epoch), first}
		if err1 == nil && err2 == nil && c.String() == s && frame.ValidateName("device", c.device) == nil {
			return c, nil
		}
	}
	return cursor{}, refuse(CodeBadCursor, "use the cursor of the page before, unchanged", "cursor %q is not one of ours", s)
}

// before is the cursor for Streams that makes it begin with the cursor's own stream.
func (c cursor) before() string {
	if c.device == "" {
		return ""
	}
	return c.device + "\x00" + c.stream[:max(len(c.stream)-1, 0)]
}

// here reports whether s is the cursor's stream.
func (c cursor) here(s *stream) bool { return s.device == c.device && s.family.stream == c.stream }

// beyond reports whether the epoch was listed on a page before, or the stream was.
func (c cursor) beyond(s *stream, e *epoch) bool {
	if c.here(s) {
		return e.ordinal < c.epoch
	}
	return s.device < c.device || s.device == c.device && s.family.stream < c.stream
}

// from is the number to begin with in an epoch.
func (c cursor) from(s *stream, e *epoch) uint64 {
	if c.here(s) && e.ordinal == c.epoch {
		return c.first
	}
	return 0
}
