package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// numbers are rows of a device: from..to, every step-th, one a second.
type numbers struct {
	device         int
	from, to, step uint64
}

// series makes the rows of an input.
func series(list []numbers, values func(seq uint64) ([]frame.Field, []byte)) (rows []stored) {
	for _, n := range list {
		for seq := n.from; seq < n.to; seq += n.step {
			row := Row{Seq: seq, TimeNS: int64(seq) * 1e9, ReceiveMS: int64(seq)*1000 + 40, Class: frame.ClassEvent, Seal: 1}
			row.Index, row.Ordinal = seq/100+1, uint32(seq%100)
			fields, raw := values(seq)
			rows = append(rows, stored{key: device(n.device), ordinal: 1, rec: Record{Row: row, Fields: fields, Raw: raw}})
		}
	}
	return rows
}

func oneField(seq uint64) ([]frame.Field, []byte) {
	v, _ := frame.DecimalFloat(2000+int64(seq*seq%97), 2)
	return []frame.Field{{Name: "temp", Value: v}}, nil
}

// manyFields take 1,000 bytes of a block for each row, so that one holds 2,097.
func manyFields(seq uint64) (fields []frame.Field, raw []byte) {
	for i := range 125 {
		fields = append(fields, frame.Field{Name: fmt.Sprintf("f%03d", i), Value: frame.Int(int64(seq) * int64(i))})
	}
	return fields, nil
}

// payload takes as much, and does not compress.
func payload(seq uint64) ([]frame.Field, []byte) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seq)
	raw := make([]byte, 1000)
	_, _ = rand.NewChaCha8(key).Read(raw)
	return nil, raw
}

// rowsOfBlocks lists how many rows each block has.
func rowsOfBlocks(tb testing.TB, file []byte) (rows []int) {
	r := openBytes(tb, file, ReaderOptions{})
	last := int64(-1)
	err := eachBlock([]*Reader{r}, func(_ *Reader, ref *blockRef) error {
		if ref.offset != last {
			rows = append(rows, 0)
		}
		rows[len(rows)-1] += int(ref.rows)
		last = ref.offset
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// Which blocks are copied, and what the blocks are then.
func TestMergeCopiesBlocks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		inputs [][]numbers
		values func(seq uint64) ([]frame.Field, []byte)
		window int64
		want   [][]int // rows of each block, by output
		copied uint64
	}{
		{"full blocks, one behind the other", [][]numbers{{{1, 0, 8192, 1}}, {{1, 8192, 16384, 1}}}, oneField, 0, [][]int{{4096, 4096, 4096, 4096}}, 16384},
		{"full blocks of different devices", [][]numbers{{{1, 0, 4096, 1}, {3, 0, 4096, 1}}, {{2, 0, 4096, 1}}}, oneField, 0, [][]int{{4096, 4096, 4096}}, 3 * 4096},
		{"the later ones first", [][]numbers{{{1, 8192, 16384, 1}}, {{1, 0, 8192, 1}}}, oneField, 0, [][]int{{4096, 4096, 4096, 4096}}, 16384},
		{"one input", [][]numbers{{{1, 0, 5000, 1}}}, oneField, 0, [][]int{{4096, 904}}, 5000},
		{"three quarters are full", [][]numbers{{{1, 0, fullRows, 1}}, {{1, 5000, 5000 + fullRows, 1}}}, oneField, 0, [][]int{{fullRows, fullRows}}, 2 * fullRows},
		{"short of three quarters", [][]numbers{{{1, 0, fullRows - 1, 1}}, {{1, 5000, 5000 + fullRows - 1, 1}}}, oneField, 0, [][]int{{4096, 2*fullRows - 2 - 4096}}, 0},
		{"a short one before a full one", [][]numbers{{{1, 0, 300, 1}}, {{1, 300, 300 + 4096, 1}}}, oneField, 0, [][]int{{300, 4096}}, 4096},
		{"a short one behind a full one", [][]numbers{{{1, 0, 4096, 1}}, {{1, 4096, 4396, 1}}}, oneField, 0, [][]int{{4096, 300}}, 4396},
		{"very short ones behind a full one", [][]numbers{{{1, 0, 4096, 1}}, {{1, 4096, 4100, 1}, {2, 0, 4, 1}}}, oneField, 0, [][]int{{4096, 8}}, 4096},
		{"short ones between full ones", [][]numbers{{{1, 0, 5000, 1}}, {{1, 5000, 5800, 1}}, {{1, 5800, 5800 + 4096, 1}}}, oneField, 0, [][]int{{4096, 1704, 4096}}, 2 * 4096},
		{"devices that one input alone has", [][]numbers{{{1, 0, 300, 1}}, {{2, 0, sharedRows, 1}, {3, 0, sharedRows - 1, 1}}}, oneField, 0, [][]int{{300, 256, 255}}, 556},
		{"a block that two devices share", [][]numbers{{{1, 0, 300, 1}}, {{2, 0, 100, 1}, {3, 0, 256, 1}}}, oneField, 0, [][]int{{300, 356}}, 300},
		{"a row in between", [][]numbers{{{1, 0, 100, 1}, {1, 101, 4097, 1}}, {{1, 100, 101, 1}}}, oneField, 0, [][]int{{4096, 1}}, 0},
		{"every other row", [][]numbers{{{1, 0, 8192, 2}}, {{1, 1, 8192, 2}}}, oneField, 0, [][]int{{4096, 4096}}, 0},
		{"beside a block with a hole for it", [][]numbers{{{1, 0, 10, 1}, {1, 5000, 5010, 1}}, {{1, 10, 10 + 4096, 1}}}, oneField, 0, [][]int{{10, 4096, 10}}, 4096},
		{"a window that ends between blocks", [][]numbers{{{1, 0, 8192, 1}}}, oneField, 4096e9, [][]int{{4096}, {4096}}, 8192},
		{"a window that ends in a block", [][]numbers{{{1, 0, 8192, 1}}}, oneField, 5000e9, [][]int{{4096, 904}, {3192}}, 4096},
		{"an hour each", [][]numbers{{{1, 0, 3600, 1}}, {{1, 3600, 7200, 1}}, {{1, 7200, 8000, 1}}}, oneField, 0, [][]int{{3600, 3600, 800}}, 8000},
		{"full by their values", [][]numbers{{{1, 0, 2097, 1}}, {{1, 2097, 4194, 1}}}, payload, 0, [][]int{{2097, 2097}}, 4194},
		{"nearly full by their values", [][]numbers{{{1, 0, 1600, 1}}, {{1, 1600, 3200, 1}}}, manyFields, 0, [][]int{{1600, 1600}}, 3200},
		{"half full by their values", [][]numbers{{{1, 0, 1400, 1}}, {{1, 1400, 2800, 1}}}, payload, 0, [][]int{{2097, 703}}, 0},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			var files [][]byte
			for i, list := range tt.inputs {
				files = append(files, fileOf(t, mergeInput(i), series(list, tt.values)))
			}
			opt := mergeAbout
			opt.WindowNS = tt.window
			outputs, made := mergeFiles(t, opt, files...)
			var blocks [][]int
			copied, copiedBlocks := uint64(0), uint32(0)
			for i := range made {
				blocks = append(blocks, rowsOfBlocks(t, made[i]))
				copied += outputs[i].Copied
				copiedBlocks += outputs[i].CopiedBlocks
				if _, err := Verify(bytes.NewReader(made[i]), int64(len(made[i])), outputs[i].Info.Name, nil); err != nil {
					t.Error(err)
				}
			}
			if fmt.Sprint(blocks) != fmt.Sprint(tt.want) || copied != tt.copied {
				t.Errorf("blocks of %v rows, %d copied in %d blocks; want %v, %d", blocks, copied, copiedBlocks, tt.want, tt.copied)
			}
			if d := rowsDiffer(t, made, files, tt.window); d != "" {
				t.Error(d)
			}
			if err := Compare(readersOf(t, made), readersOf(t, files), tt.window, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// Short blocks that lie one behind the other in one input are put together, although no other input has anything beside them.
func TestMergePutsShortBlocksTogether(t *testing.T) {
	rows := series([]numbers{{1, 0, 900, 1}}, oneField)
	file := writtenFile(t, mergeInput(0), rows[:300], func(w *Writer) {
		for i, r := range rows[300:] {
			if i%300 == 0 {
				w.closeBlock()
			}
			if err := w.Add(&r.rec); err != nil {
				t.Fatal(err)
			}
		}
	})
	if got := rowsOfBlocks(t, file); !slices.Equal(got, []int{300, 300, 300}) {
		t.Fatalf("blocks of %v rows", got)
	}
	outputs, made := mergeFiles(t, mergeAbout, file)
	if got := rowsOfBlocks(t, made[0]); !slices.Equal(got, []int{900}) || outputs[0].Copied != 0 {
		t.Errorf("blocks of %v rows, %d copied", got, outputs[0].Copied)
	}
	if d := rowsDiffer(t, made, [][]byte{file}, 0); d != "" {
		t.Error(d)
	}
}

// A row between those of a block that goes into another window: the block is made anew, equal to the one of the input, and compared in pieces.
func TestMergeOfARowOfAnotherWindowInABlock(t *testing.T) {
	rows := series([]numbers{{1, 0, 301, 1}}, oneField)
	rows[100].rec.TimeNS = 5000e9
	files := [][]byte{
		fileOf(t, mergeInput(0), slices.Concat(rows[:100], rows[101:])),
		fileOf(t, mergeInput(1), rows[100:101]),
	}
	opt := mergeAbout
	opt.WindowNS = 1000e9
	_, made := mergeFiles(t, opt, files...)
	if d := rowsDiffer(t, made, files, opt.WindowNS); d != "" {
		t.Error(d)
	}
	block := func(file []byte) []byte { s := layoutOf(t, file).sections[0]; return file[s.offset:s.end()] }
	if !bytes.Equal(block(made[0]), block(files[0])) {
		t.Error("the block is another one")
	}
	if err := Compare(readersOf(t, made), readersOf(t, files), opt.WindowNS, nil); err != nil {
		t.Error(err)
	}
}
