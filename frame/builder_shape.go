package frame

import (
	"cmp"
	"slices"
	"strings"
)

// builderShape is a set of field names in order. Builders keep them across batches, as the same names return.
type builderShape struct {
	names []string
	crc   uint32
	batch uint64 // the batch whose table has it
	id    int    // its number there
}

// arrangement is how a caller ordered the fields of a shape.
type arrangement struct {
	shape *builderShape
	names []string // in the caller's order
	perm  []uint16 // the caller's index of each field in order; nil when they are the same
}

// shapeSet finds the shape of a frame and collects the table of the batch.
type shapeSet struct {
	names    interner
	arranged map[string]*arrangement
	shapes   map[string]*builderShape
	cached   int // names in arranged
	held     int // names in shapes
	scratch  []byte

	batch uint64 // counts resets
	count int    // shapes of this batch
	table []byte // their encoded form
}

// Senders that choose ever new names or orders must not fill the memory: beyond this many names the caches restart, that of arrangements
// at once, that of shapes with the next batch, as the table of this one has them anyway.
const cachedNamesLimit = 1 << 16

func (s *shapeSet) reset() {
	s.batch++
	s.count = 0
	s.table = s.table[:0]
	if s.shapes == nil || s.held > cachedNamesLimit {
		s.shapes = make(map[string]*builderShape)
		s.held = 0
		s.dropArrangements()
	}
}

func (s *shapeSet) dropArrangements() {
	s.arranged = make(map[string]*arrangement)
	s.cached = 0
}

// matches reports whether fields have the arrangement's names in its order.
func (a *arrangement) matches(fields []Field) bool {
	if a == nil || len(a.names) != len(fields) {
		return false
	}
	for i := range fields {
		if fields[i].Name != a.names[i] {
			return false
		}
	}
	return true
}

// at is the caller's index of the i-th field in order.
func (a *arrangement) at(i int) int {
	if a.perm == nil {
		return i
	}
	return int(a.perm[i])
}

// find returns the arrangement of fields; the error is an *InvalidError.
func (s *shapeSet) find(fields []Field) (*arrangement, error) {
	if len(fields) > MaxFields {
		return nil, invalid("too_many_fields", "split it into several frames or streams",
			"frame has %d fields, at most %d are allowed", len(fields), MaxFields)
	}
	key := s.scratch[:0]
	for i := range fields {
		if len(fields[i].Name) > MaxNameBytes {
			return nil, ValidateName("field", fields[i].Name)
		}
		key = appendText(key, fields[i].Name)
	}
	s.scratch = key
	if a, ok := s.arranged[string(key)]; ok {
		return a, nil
	}
	a, err := s.arrange(fields)
	if err != nil {
		return nil, err
	}
	if s.cached += len(fields) + 1; s.cached > cachedNamesLimit {
		s.dropArrangements()
	}
	s.arranged[string(key)] = a
	return a, nil
}

// arrange validates names, sorts them, and finds or makes the shape.
func (s *shapeSet) arrange(fields []Field) (*arrangement, error) {
	a := &arrangement{names: make([]string, len(fields))}
	perm := make([]uint16, len(fields))
	for i := range fields {
		if err := ValidateName("field", fields[i].Name); err != nil {
			return nil, err
		}
		a.names[i] = s.names.text(fields[i].Name)
		perm[i] = uint16(i)
	}
	slices.SortFunc(perm, func(x, y uint16) int { return strings.Compare(a.names[x], a.names[y]) })
	sorted := make([]string, len(fields))
	for i, from := range perm {
		sorted[i] = a.names[from]
		if i > 0 && sorted[i] == sorted[i-1] {
			return nil, invalid("duplicate_field", "send each field once", "field %q appears twice", sorted[i])
		}
	}
	if !slices.IsSorted(perm) {
		a.perm = perm
	}
	a.shape = s.shape(sorted)
	return a, nil
}

func (s *shapeSet) shape(sorted []string) *builderShape {
	key := appendNames(nil, sorted)
	if sh, ok := s.shapes[string(key)]; ok {
		return sh
	}
	sh := &builderShape{names: sorted, crc: shapeCRC(sorted)}
	s.shapes[string(key)] = sh
	s.held += len(sorted) + 1
	return sh
}

// number is the shape's number in the batch's table; a shape that is not there yet would get the next one.
func (s *shapeSet) number(sh *builderShape) int {
	switch {
	case len(sh.names) == 0:
		return 0
	case sh.batch == s.batch:
		return sh.id
	default:
		return s.count + 1
	}
}

// use puts the shape into the batch's table and returns by how many bytes that grew.
func (s *shapeSet) use(sh *builderShape) int {
	if len(sh.names) == 0 || sh.batch == s.batch {
		return 0
	}
	before := len(s.table)
	s.count++
	sh.batch, sh.id = s.batch, s.count
	s.table = appendUvarint(s.table, uint64(len(sh.names)))
	s.table = appendNames(s.table, sh.names)
	return len(s.table) - before
}

func appendNames(dst []byte, names []string) []byte {
	for _, name := range names {
		dst = appendText(dst, name)
	}
	return dst
}

func compareFields(a, b Field) int { return cmp.Compare(a.Name, b.Name) }
