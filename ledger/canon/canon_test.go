package canon

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// everything is what the append functions make of some values.
func everything(n uint64, signed int64, text string, flag bool) []byte {
	b := binary.AppendUvarint(nil, n)
	b = binary.AppendVarint(b, signed)
	return AppendFlags(AppendText(b, text), flag, !flag)
}

// FuzzDecoder: what is read without a fault has one form, the one that the append functions make.
func FuzzDecoder(f *testing.F) {
	f.Add(everything(0, 0, "", false))
	f.Add(everything(1<<64-1, -1<<63, "mill-07", true))
	f.Add([]byte{0x80, 0x00})
	f.Fuzz(func(t *testing.T, src []byte) {
		d := Decoder{Src: src}
		n, signed, text, flags := d.Uvarint(), d.Varint(), d.Text(8), d.Flags(2)
		if d.End() != nil {
			if d.Uvarint() != 0 || d.Varint() != 0 || d.Text(8) != "" || d.Byte() != 0 {
				t.Error("something is read behind a fault")
			}
			return
		}
		b := AppendText(binary.AppendVarint(binary.AppendUvarint(nil, n), signed), text)
		if b = AppendFlags(b, flags&1 != 0, flags&2 != 0); !bytes.Equal(b, src) {
			t.Errorf("%x and %x are the same content", src, b)
		}
	})
}

func TestFaultsHaveTheirPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  []byte
		read func(d *Decoder)
		want string
	}{
		{"nothing", nil, func(d *Decoder) { d.Uvarint() }, "byte 0: no valid number"},
		{"a longer form", []byte{1, 0x81, 0}, func(d *Decoder) { d.Uvarint(); d.Uvarint() }, "byte 1: no valid number"},
		{"beyond 64 bits", bytes.Repeat([]byte{0xff}, 11), func(d *Decoder) { d.Uvarint() }, "byte 0: no valid number"},
		{"beyond the limit", []byte{9}, func(d *Decoder) { d.Within("age", 8) }, "age is 9, the limit is 8"},
		{"a text that is cut", []byte{3, 'a', 'b'}, func(d *Decoder) { d.Text(9) }, "text of 3 bytes, 2 are left"},
		{"a text that is too long", []byte{3, 'a', 'b', 'c'}, func(d *Decoder) { d.Text(2) }, "length is 3, the limit is 2"},
		{"an unknown flag", []byte{4}, func(d *Decoder) { d.Flags(2) }, "flags 0x4, only 2 bits are known"},
		{"no byte", nil, func(d *Decoder) { d.Byte() }, "byte 0: ends too early"},
		{"bytes behind the end", []byte{1, 2, 3}, func(d *Decoder) { d.Uvarint() }, "byte 1: 2 bytes follow the end"},
		{"the first of two", []byte{1, 2}, func(d *Decoder) { d.Byte(); d.Fail("odd"); d.Fail("even") }, "byte 1: odd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Decoder{Src: tt.src}
			tt.read(&d)
			if err := d.End(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
