package content

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// The oracle writes down docs/format/content.md a second time, slowly, and shares nothing with the package: it sorts all rows, cuts them into
// groups, and hashes trees by the recursion of RFC 6962.

// oracle is the strips of the ordinals first..last.
func oracle(rows []stored, first, last uint32) (list [][]byte) {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.key.Tenant, b.key.Tenant), cmp.Compare(a.key.Device, b.key.Device), cmp.Compare(a.key.Stream, b.key.Stream),
			cmp.Compare(a.epoch, b.epoch), cmp.Compare(a.ordinal(), b.ordinal()), cmp.Compare(a.rec.Seq, b.rec.Seq))
	})
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].key == rows[0].key && rows[n].epoch == rows[0].epoch && rows[n].ordinal() == rows[0].ordinal() {
			n++
		}
		if o := rows[0].ordinal(); first <= o && o <= last {
			list = append(list, slowStrip(rows[:n]))
		}
		rows = rows[n:]
	}
	return list
}

func slowStrip(rows []stored) []byte {
	var leaves [][]byte
	for rest := rows; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].rec.Seq/64 == rest[0].rec.Seq/64 {
			n++
		}
		leaves = append(leaves, slowGroup(rest[:n]))
		rest = rest[n:]
	}
	var out bytes.Buffer
	out.WriteString("gapless/strip/v1")
	slowNames(&out, &rows[0])
	root := slowTree(leaves)
	put(&out, uint64(len(rows)), root[:])
	var runs [][2]uint64 // first, last
	for _, r := range rows {
		if k := len(runs); k > 0 && runs[k-1][1]+1 == r.rec.Seq {
			runs[k-1][1]++
		} else {
			runs = append(runs, [2]uint64{r.rec.Seq, r.rec.Seq})
		}
	}
	out.Write(binary.AppendUvarint(nil, uint64(len(runs))))
	end := uint64(0)
	for _, r := range runs {
		out.Write(binary.AppendUvarint(nil, r[0]-end))
		out.Write(binary.AppendUvarint(nil, r[1]-r[0]))
		end = r[1] + 1
	}
	return out.Bytes()
}

func slowNames(out *bytes.Buffer, r *stored) {
	for _, name := range []string{r.key.Tenant, r.key.Device, r.key.Stream} {
		put(out, uint16(len(name)))
		out.WriteString(name)
	}
	put(out, r.epoch, r.ordinal())
}

func slowGroup(rows []stored) []byte {
	var out bytes.Buffer
	out.WriteString("gapless/frames/v1")
	slowNames(&out, &rows[0])
	put(&out, uint8(len(rows)))
	var before []byte
	for i := range rows {
		rec := &rows[i].rec
		shape := slowShape(rec)
		flags, ns := uint8(0), rec.TimeNS
		if rec.Class == frame.ClassSnapshot {
			flags += 1
		}
		if rec.Flags&segment.FlagNoTime != 0 {
			flags, ns = flags+2, 0
		}
		if i > 0 && bytes.Equal(shape, before) {
			flags, shape = flags+128, nil
		} else {
			before = shape
		}
		put(&out, rec.Seq, flags, ns, shape)
		for _, f := range rec.Fields {
			if f.Value.Kind == frame.KindString || f.Value.Kind == frame.KindBytes {
				put(&out, uint32(len(f.Value.Str)), f.Value.Str)
			} else {
				put(&out, f.Value.Num)
			}
		}
		put(&out, uint32(len(rec.Raw)), rec.Raw)
	}
	return out.Bytes()
}

func slowShape(rec *segment.Record) []byte {
	var out bytes.Buffer
	put(&out, uint16(len(rec.Fields)))
	for _, f := range rec.Fields {
		put(&out, uint16(len(f.Name)), []byte(f.Name), uint8(f.Value.Kind))
	}
	return out.Bytes()
}

func put(out *bytes.Buffer, values ...any) {
	for _, v := range values {
		if err := binary.Write(out, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

// slowTree is MTH of RFC 6962, 2.1.
func slowTree(leaves [][]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := slowTree(leaves[:k]), slowTree(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
