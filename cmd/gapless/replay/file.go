package replay

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Stdin is the name of standard input among files.
const Stdin = "-"

// maxZstdWindow bounds the memory that unpacking takes. It is what zstd's own program writes without --long.
const maxZstdWindow = 128 << 20

// file is a recording as rows.
type file struct {
	rows
	name  string
	sum   string // SHA-256 of the file as it lies on disk, in hex; of standard input a random text instead
	size  int64  // on disk; 0 when unknown
	from  *counted
	close func() error
}

// counted counts the bytes read from disk.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// openFile opens a file, or standard input, and finds out how it is packed and what its rows are.
func openFile(name string, stdin io.Reader, m *Mapping) (*file, error) {
	f := &file{name: name, close: func() error { return nil }}
	if err := f.open(stdin); err != nil {
		return nil, err
	}
	if err := f.read(m); err != nil {
		f.close()
		return nil, fmt.Errorf("replay: %s: %w", name, err)
	}
	return f, nil
}

func (f *file) open(stdin io.Reader) error {
	if f.name == Stdin {
		f.sum = rand.Text() // it cannot be read twice
		f.from = &counted{r: stdin}
		return nil
	}
	info, err := os.Stat(f.name) // before it is opened: that would wait for who writes into a pipe
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file\nhint: a stream is piped in: zcat FILE | gapless replay -", f.name)
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	disk, err := os.Open(f.name)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	hash := sha256.New()
	if f.size, err = io.Copy(hash, disk); err == nil {
		_, err = disk.Seek(0, io.SeekStart)
	}
	if err != nil {
		disk.Close()
		return fmt.Errorf("replay: %w", err)
	}
	f.sum = hex.EncodeToString(hash.Sum(nil))
	f.from, f.close = &counted{r: disk}, disk.Close
	return nil
}

// read looks into the beginning of the file.
func (f *file) read(m *Mapping) error {
	unpacked, err := f.unpack()
	if err != nil {
		return err
	}
	text := bufio.NewReader(unpacked)
	begin, _ := text.Peek(16) // what cannot be read fails below
	if err := unreadable(begin); err != nil {
		return err
	}
	if bytes.HasPrefix(begin, []byte("\xEF\xBB\xBF")) {
		text.Discard(3)
	}
	format := m.Format
	if format == "" {
		format = "csv"
		switch first, err := firstByte(text); {
		case err != nil:
			return err
		case first == '{':
			format = "ndjson"
		case first == '[':
			return errors.New("a JSON array is not read: write one object a line (jq -c '.[]'), or give the format")
		}
	}
	switch format {
	case "csv":
		f.rows, err = newCSV(text, m)
	case "ndjson":
		f.rows = newNDJSON(text)
	default:
		err = fmt.Errorf("format %q: give csv or ndjson", format)
	}
	return err
}

// strict reports whether every row has the same columns.
func (f *file) strict() bool {
	_, csv := f.rows.(*csvRows)
	return csv
}

// firstByte peeks at the first byte that is no blank, 0 where there is none nearby.
func firstByte(r *bufio.Reader) (byte, error) {
	begin, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for _, b := range begin {
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, nil
		}
	}
	return 0, nil
}

// unpack undoes gzip and zstd, which the first bytes tell.
func (f *file) unpack() (io.Reader, error) {
	packed := bufio.NewReader(f.from)
	magic, err := packed.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(packed)
		return whole{z}, err
	case string(magic) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		disk := f.close
		f.close = func() error { z.Close(); return disk() }
		return whole{z}, nil
	}
	return packed, nil
}

// whole says what it means that packed data end early.
type whole struct{ r io.Reader }

func (w whole) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the packed data end too early (the file is cut off, or still being written): %w", err)
	}
	return n, err
}
