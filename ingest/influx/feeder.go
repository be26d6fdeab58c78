package influx

import (
	"bytes"
	"io"
)

// maxLineBytes bounds one entry, with the lines that its strings contain. A frame takes 1 MiB; the decoder holds an entry as a whole.
const maxLineBytes = 2 << 20

// feeder hands a body to the decoder line by line. The decoder says nothing of where an entry stands; but as it asks for more only when it
// has used up what it has, an entry begins with the line that was handed over last when the decoder found it.
type feeder struct {
	body    []byte
	at      int    // what comes next
	line    uint32 // the number of the line at hand, from 1
	between bool   // no entry is at hand: the next line may begin one

	start   int    // where the entry at hand begins
	first   uint32 // its first line
	tooLong bool
}

func (f *feeder) reset(body []byte) { *f = feeder{body: body} }

// Read hands over one line, or as much of it as fits.
func (f *feeder) Read(p []byte) (int, error) {
	if f.at == 0 || f.body[f.at-1] == '\n' {
		f.line++
		if f.between {
			f.start, f.first = f.at, f.line
		}
	}
	if f.tooLong = f.tooLong || f.at-f.start > maxLineBytes; f.tooLong || f.at == len(f.body) {
		return 0, io.EOF
	}
	rest := f.body[f.at:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end+1]
	}
	n := copy(p, rest)
	f.at += n
	return n, nil
}

// text is the entry at hand as far as it was handed over, which is all of it once it is read.
func (f *feeder) text() []byte { return bytes.TrimRight(f.body[f.start:f.at], "\r\n") }
