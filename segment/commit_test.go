package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// committed is a frame of a test as a read in order of commits has to give it.
type committed struct {
	sample
	text string // all of it
}

func textOf(key frame.StreamKey, epoch uint32, row *Row, fields []frame.Field, raw []byte) string {
	return fmt.Sprintf("%v %d %v %d %v %d %v %d %v %x", key, epoch, row.Commit(), row.Seq, row.TimeNS, row.ReceiveMS, row.Flags, row.Class, fields, raw)
}

// commitFile writes a segment of many tenants, devices and epochs, long ones and short ones, whose frames came in disorder.
func commitFile(tb testing.TB, seed uint64, batches int) (list []committed, file []byte) {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(seed, 3))
	f := newFixture(tb)
	taken := map[string]bool{}
	for range batches {
		var batch []sample
		for range 1 + rnd.IntN(60) {
			device := rnd.IntN(3)
			if rnd.IntN(3) == 0 {
				device = rnd.IntN(400)
			}
			s := sample{
				key:     frame.StreamKey{Tenant: []string{"acme", "acm", "acme2", "a"}[rnd.IntN(8)%4], Device: fmt.Sprintf("mill-%03d", device), Stream: "0"},
				ordinal: 1 + uint32(rnd.IntN(20)/19),
				row: Row{
					Seq: uint64(rnd.IntN(3000)), TimeNS: rnd.Int64N(1e12), ReceiveMS: rnd.Int64N(1e6), Class: 1 + frame.Class(rnd.IntN(5)/4), Flags: Flags(rnd.IntN(4)),
				},
				fields: testFields(rnd, rnd.IntN(3)), raw: testRaw(rnd),
			}
			id := fmt.Sprint(s.key, s.ordinal, s.row.Seq)
			if !taken[id] {
				taken[id] = true
				batch = append(batch, s)
			}
		}
		if len(batch) == 0 {
			continue
		}
		index := f.index
		f.add(batch...)
		for i := range batch {
			batch[i].row.Index, batch[i].row.Ordinal = index, uint32(i)
			s := &batch[i]
			slices.SortFunc(s.fields, func(a, b frame.Field) int { return cmp.Compare(a.Name, b.Name) })
			var fields []frame.Field
			for k := range s.fields {
				fields = append(fields, frame.Field{Name: s.fields[k].Name, Value: plain(s.fields[k].Value)})
			}
			list = append(list, committed{*s, textOf(s.key, s.ordinal, &s.row, fields, s.raw)})
		}
		f.index += uint64(rnd.IntN(3))
	}
	_, file = f.write()
	return list, file
}

// plain is a value without the hint how it came.
func plain(v frame.Value) frame.Value { return frame.Value{Kind: v.Kind, Num: v.Num, Str: v.Str} }

func readRecords(t *testing.T, m *CommitMap, r *Reader, span CommitSpan) (texts []string, done Scanned) {
	t.Helper()
	type found struct {
		Commit
		text string
	}
	var list []found
	done, err := m.Records(r, &span, Columns{All: true}, func(key []byte, epoch uint32, rec *Record) bool {
		stream, ok := StreamOf(key)
		if !ok {
			t.Fatalf("%q is no key", key)
		}
		var fields []frame.Field
		for i := range rec.Fields {
			fields = append(fields, frame.Field{Name: rec.Fields[i].Name, Value: plain(rec.Fields[i].Value)})
		}
		list = append(list, found{rec.Commit(), textOf(stream, epoch, &rec.Row, fields, rec.Raw)})
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b found) int { return a.Compare(b.Commit) })
	for i := range list {
		texts = append(texts, list[i].text)
	}
	return texts, done
}

// TestCommitMapHasEverySpan reads random spans of random streams, and holds them against the frames in the order in which they came.
func TestCommitMapHasEverySpan(t *testing.T) {
	for seed := range uint64(4) {
		all, file := commitFile(t, seed, 300)
		opt := ReaderOptions{}
		if seed%2 == 0 {
			opt.Cache = NewCache(1 << 20)
		}
		r := openBytes(t, file, opt)
		rnd := rand.New(rand.NewPCG(seed, 4))
		for range 25 {
			tenant := []string{"acme", "acm", "acme2", "nobody"}[rnd.IntN(4)]
			only := rnd.IntN(400)
			name := fmt.Sprintf("mill-%03d", only)
			var want func([]byte) bool
			if only < 200 {
				want = func(key []byte) bool {
					s, _ := StreamOf(key)
					return s.Device == name || s.Device < "mill-002"
				}
			}
			m, err := r.CommitMap(tenant, want)
			if err != nil {
				t.Fatal(err)
			}
			last := all[len(all)-1].row.Index
			span := CommitSpan{After: Commit{90 + rnd.Uint64N(last), uint32(rnd.IntN(60))}, Class: frame.Class(rnd.IntN(3))}
			span.UpTo = Commit{span.After.Index + rnd.Uint64N(last)/4, uint32(rnd.IntN(60))}
			var texts []string
			var commits []Commit
			for i := range all {
				one := &all[i]
				wanted := one.key.Tenant == tenant && (want == nil || one.key.Device == name || one.key.Device < "mill-002")
				if c := one.row.Commit(); wanted && (span.Class == 0 || span.Class == one.row.Class) && span.After.Before(c) && !span.UpTo.Before(c) {
					texts, commits = append(texts, one.text), append(commits, one.row.Commit())
				}
			}
			if got, _ := readRecords(t, m, r, span); !slices.Equal(got, texts) {
				t.Fatalf("seed %d: %+v of %s: %d records, want %d:\n%v\n%v", seed, span, tenant, len(got), len(texts), got, texts)
			}
			var got []Commit
			if _, err := m.Commits(r, &span, func(c *Committed) bool {
				got = append(got, c.Commit)
				return true
			}); err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(got, Commit.Compare)
			if !slices.Equal(got, commits) {
				t.Fatalf("seed %d: %+v of %s: commits %v, want %v", seed, span, tenant, got, commits)
			}
		}
	}
}

// What cannot have anything of a span is not looked into.
func TestCommitMapLooksAtLittle(t *testing.T) {
	f := newFixture(t)
	for n := range uint64(4 * maxRows) { // one device after the other
		f.add(sample{key: device(int(n / maxRows)), ordinal: 1, row: Row{Seq: n, TimeNS: int64(n), Class: frame.ClassEvent}})
	}
	_, file := f.write()
	r := openBytes(t, file, ReaderOptions{})
	m, err := r.CommitMap("acme", nil)
	if err != nil || m.Blocks() != 4 {
		t.Fatalf("%v: %d blocks, want 4", err, m.Blocks())
	}
	for _, tt := range []struct {
		span         CommitSpan
		blocks, rows int
	}{
		{CommitSpan{UpTo: EndOf(math.MaxUint64)}, 4, 4 * maxRows},
		{CommitSpan{After: EndOf(100 + maxRows - 1), UpTo: EndOf(100 + 2*maxRows - 1)}, 1, maxRows},
		{CommitSpan{After: EndOf(100 + maxRows - 2), UpTo: EndOf(100 + maxRows)}, 2, 2},
		{CommitSpan{UpTo: EndOf(99)}, 0, 0},
		{CommitSpan{After: EndOf(100 + 4*maxRows), UpTo: EndOf(math.MaxUint64)}, 0, 0},
	} {
		got, done := readRecords(t, m, r, tt.span)
		if len(got) != tt.rows || done.Blocks != tt.blocks {
			t.Errorf("%+v: %d rows in %d blocks, want %d in %d", tt.span, len(got), done.Blocks, tt.rows, tt.blocks)
		}
	}
	only, err := r.CommitMap("acme", func(key []byte) bool { s, _ := StreamOf(key); return s == device(2) })
	if err != nil || only.Blocks() != 1 {
		t.Errorf("%v: %d blocks of one device, want 1", err, only.Blocks())
	}
	if _, err := m.Commits(openBytes(t, file, ReaderOptions{Name: Name{1}}), &CommitSpan{UpTo: EndOf(1000)}, func(*Committed) bool { return true }); err == nil {
		t.Error("the map of one segment reads another")
	}
}

// A span may be made smaller while it is read, and a read may be stopped.
func TestCommitSpanShrinks(t *testing.T) {
	all, file := commitFile(t, 9, 60)
	r := openBytes(t, file, ReaderOptions{})
	m, err := r.CommitMap("acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	middle := all[len(all)/2].row.Commit()
	span := CommitSpan{UpTo: EndOf(math.MaxUint64)}
	n := 0
	if _, err := m.Commits(r, &span, func(c *Committed) bool {
		if n++; n > 10 && middle.Before(c.Commit) {
			t.Fatalf("%v lies behind %v", c.Commit, middle)
		}
		if n == 10 {
			span.UpTo = middle
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	n = 0
	stop := func() bool { n++; return n < 5 }
	_, errA := m.Commits(r, &span, func(*Committed) bool { return stop() })
	_, errB := m.Records(r, &span, Columns{}, func([]byte, uint32, *Record) bool { return false })
	if n != 5 || errA != nil || errB != nil {
		t.Errorf("%d rows after 5 were wanted: %v, %v", n, errA, errB)
	}
}

// Every flipped byte that a read in order of commits meets is damage, and nothing else than what was written is given.
func TestCommitMapOfDamagedFile(t *testing.T) {
	_, _, _, file := mixedFile(t)
	read := func(b []byte) (text string, err error) {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{Path: "x.gseg"})
		if err != nil {
			return "", err
		}
		for _, tenant := range []string{"acme", "t", "default"} {
			m, err := r.CommitMap(tenant, nil)
			if err != nil {
				return text, err
			}
			span := CommitSpan{UpTo: EndOf(math.MaxUint64)}
			if _, err = m.Commits(r, &span, func(c *Committed) bool { text += fmt.Sprint(*c); return true }); err != nil {
				return text, err
			}
			if _, err = m.Records(r, &span, Columns{All: true}, func(k []byte, e uint32, rec *Record) bool {
				text += fmt.Sprintf("%s %d %+v", k, e, *rec)
				return true
			}); err != nil {
				return text, err
			}
		}
		return text, nil
	}
	want, err := read(file)
	if err != nil || want == "" {
		t.Fatalf("%v, %d bytes", err, len(want))
	}
	for at := 0; at < len(file); at += 13 {
		b := bytes.Clone(file)
		b[at] ^= 1 << (at % 8)
		got, err := read(b)
		if err == nil && got != want || err != nil && (!errors.Is(err, ErrCorrupt) || len(got) > len(want) || got != want[:len(got)]) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}
