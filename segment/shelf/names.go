package shelf

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/segment"
)

const (
	partExtension  = ".part"      // of a segment that is being pulled
	quarantineName = "quarantine" // the directory of damaged copies
)

// place is where the segment's file belongs.
func (s *Shelf) place(name segment.Name) string { return path.Join(s.dir, name.FileName()) }

func (s *Shelf) partPlace(name segment.Name) string {
	return path.Join(s.dir, name.String()+partExtension)
}

// quarantinePlace is where the n-th damaged copy of a segment goes.
func (s *Shelf) quarantinePlace(name segment.Name, n int) string {
	return path.Join(s.quarantine, fmt.Sprintf("%s-%d%s", name, n, segment.Extension))
}

// parseFile reads a name of the segment directory: the segment, and which of the extensions it has.
func parseFile(file string) (name segment.Name, extension string, ok bool) {
	extension = path.Ext(file)
	if extension != segment.Extension && extension != partExtension {
		return name, extension, false
	}
	name, err := segment.ParseName(strings.TrimSuffix(file, extension))
	return name, extension, err == nil
}

// parseQuarantined reads a name that quarantinePlace made.
func parseQuarantined(file string) (name segment.Name, n int, ok bool) {
	digits, number, found := strings.Cut(strings.TrimSuffix(file, segment.Extension), "-")
	name, err := segment.ParseName(digits)
	if err != nil || !found {
		return name, 0, false
	}
	n, err = strconv.Atoi(number)
	return name, n, err == nil && n > 0
}
