package frame

import "fmt"

// Shape is the ordered list of field names that frames of one batch share. It is immutable, and frames of one batch with the same names
// have the same *Shape (of several batches not necessarily), so that it can key a cache of columns.
type Shape struct {
	names []string
	crc   uint32 // of the names' part of the canonical content
}

// Len is the number of fields.
func (s *Shape) Len() int { return len(s.names) }

// Name is the name of the i-th field.
func (s *Shape) Name(i int) string { return s.names[i] }

// String lists the names.
func (s *Shape) String() string { return fmt.Sprint(s.names) }

var emptyShape = &Shape{crc: shapeCRC(nil)}

// shapeTable is the shape section of one batch, parsed. It is never changed once built: bodies that outlive the batch's Reader refer to
// it, and a Reader hands the same table to consecutive batches whose sections are equal.
type shapeTable struct {
	section string
	shapes  []Shape
}

// at returns shape k; 0 is the one without fields.
func (t *shapeTable) at(k uint64) *Shape {
	if k == 0 {
		return emptyShape
	}
	return &t.shapes[k-1]
}

// parseShapes reads a section that checkShapes accepted and counted, in three allocations.
func parseShapes(section []byte, nshapes, nnames int) *shapeTable {
	t := &shapeTable{section: string(section), shapes: make([]Shape, nshapes)}
	names := make([]string, 0, nnames)
	_, i := uvarint(section, 0)
	for k := range t.shapes {
		var fields uint64
		fields, i = uvarint(section, i)
		first := len(names)
		for range fields {
			var name []byte
			name, i = text(section, i)
			names = append(names, t.section[i-len(name):i])
		}
		t.shapes[k].names = names[first:len(names):len(names)]
		t.shapes[k].crc = shapeCRC(t.shapes[k].names)
	}
	return t
}
