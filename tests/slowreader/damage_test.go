package slowreader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// goldenFiles are files that the first version wrote.
func goldenFiles(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../segment/testdata/*.gseg")
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d golden files, %v", len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Every bit of a file is under a checksum, or is compared with another: none can change unnoticed, even where the name is not known.
func TestEveryFlipIsNoticed(t *testing.T) {
	files := goldenFiles(t)
	for _, name := range []string{"v1-one.gseg", "v1-mixed.gseg"} {
		file := files[name]
		step := 1 + len(file)*8/20000
		for bit := 0; bit < len(file)*8; bit += step {
			flipped := bytes.Clone(file)
			flipped[bit/8] ^= 1 << (bit % 8)
			if _, err := Read(flipped); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Errorf("%s: bit %d of byte %d was flipped: %v", name, bit%8, bit/8, err)
			}
			if _, err := ReadNamed(NameOf(file), flipped); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: bit %d of byte %d was flipped, and the name is known: %v", name, bit%8, bit/8, err)
			}
		}
	}
}

// Files that are cut or that go on are refused.
func TestOtherLengthsAreNoticed(t *testing.T) {
	file := goldenFiles(t)["v1-one.gseg"]
	for n := range file {
		if _, err := Read(file[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes of %d: %v", n, len(file), err)
		}
		if _, err := Read(file[n:]); n > 0 && !errors.Is(err, ErrDamaged) {
			t.Errorf("without the first %d bytes of %d: %v", n, len(file), err)
		}
	}
	if _, err := Read(append(bytes.Clone(file), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// All that a device index says is said by the blocks, too. So whatever is changed in it is noticed, also where every checksum is right.
func TestLyingIndexIsNoticed(t *testing.T) {
	for name, file := range goldenFiles(t) {
		truth, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		foot, err := readFooter(file)
		if err != nil {
			t.Fatal(err)
		}
		noticed := 0
		for _, s := range foot.sections {
			if s.kind == sectionBlocks {
				continue
			}
			for at := s.offset; at < s.offset+s.length; at += 1 + s.length/50 {
				lying := bytes.Clone(file)
				lying[at] ^= 1 << (at % 8)
				reseal(t, lying)
				got, err := Read(lying)
				if err == nil && !reflect.DeepEqual(got, truth) {
					t.Errorf("%s: byte %d of section %d was changed, and another file was read", name, at-s.offset, s.kind)
				}
				if err != nil {
					noticed++
				}
			}
		}
		if noticed < 25 {
			t.Errorf("%s: %d lies were noticed", name, noticed)
		}
	}
}

// reseal makes all checksums of the device index and of the footer right again. Pages are found by the top index of the file as it is.
func reseal(t *testing.T, file []byte) {
	t.Helper()
	end := len(file) - trailerSize
	body := file[end-int(u32At(file, end)) : end]
	foot, err := parseFooter(body[u32At(body, 8):])
	if err != nil {
		t.Fatal(err)
	}
	if pages, err := readTop(foot.section(file, sectionTop)); err == nil {
		index := foot.section(file, sectionIndex)
		for _, p := range pages {
			if p.length < 4 || p.length > int64(len(index)) {
				break
			}
			binary.LittleEndian.PutUint32(index, checksum(index[4:p.length]))
			index = index[p.length:]
		}
	}
	table := len(body) - 24*len(foot.sections)
	for i, s := range foot.sections {
		binary.LittleEndian.PutUint32(body[table+24*i+4:], checksum(file[s.offset:s.offset+s.length]))
	}
	trailer := file[end:]
	binary.LittleEndian.PutUint32(trailer[4:], checksum(body, trailer[:4], trailer[8:]))
}

// What a file is made of was there in the tests: coverage of every kind, more than one page, blocks of one epoch and of many.
func TestLargeFilesAgree(t *testing.T) {
	rnd := dice(5)
	var epochs []epochRows
	for device := range 700 {
		key := frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("mill-%04d", device), Stream: "0"}
		n := 1 + rnd.IntN(5)
		if device%100 == 50 {
			n = 5000
		}
		rows := make([]segment.Record, n)
		seq := uint64(0)
		for i := range rows {
			seq += 1 + uint64(rnd.IntN(2))*uint64(device%2)
			rows[i] = segment.Record{Row: segment.Row{Seq: seq, Index: 5, Ordinal: uint32(i), Class: frame.ClassEvent}}
		}
		epochs = append(epochs, epochRows{key: key, ordinal: 1, rows: rows})
	}
	holes := make([]segment.Record, 9000)
	for i := range holes {
		holes[i].Row = segment.Row{Seq: uint64(3*i - i%2), Index: 6, Class: frame.ClassEvent}
	}
	epochs = append(epochs, epochRows{key: frame.StreamKey{Tenant: "default", Device: "press", Stream: "0"}, ordinal: 1, rows: holes})
	file := writeFile(t, epochs)
	for i := range epochs {
		for j := range epochs[i].rows {
			epochs[i].rows[j].Seal = 1 // what 0 is written as
		}
	}
	holdAgainst(t, agree(t, file).Rows, epochs)

	foot, err := readFooter(file)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := readTop(foot.section(file, sectionTop))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[int64]int{}
	index := foot.section(file, sectionIndex)
	for _, p := range pages {
		tab := page{entries: int(binary.LittleEndian.Uint16(index[4:])), blocks: int(binary.LittleEndian.Uint16(index[6:])),
			runs: int(binary.LittleEndian.Uint16(index[8:])), bitmaps: int(binary.LittleEndian.Uint16(index[10:]))}
		if tab.table, err = readTable(index[14:p.length], 17, tab.values); err != nil {
			t.Fatal(err)
		}
		for _, kind := range tab.ints(4) {
			kinds[kind]++
		}
		index = index[p.length:]
	}
	if len(pages) < 2 || kinds[0] == 0 || kinds[1] == 0 || kinds[2] == 0 {
		t.Errorf("%d pages, coverage of kinds %v", len(pages), kinds)
	}
}
