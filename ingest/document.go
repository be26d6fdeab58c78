package ingest

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"
)

// Which JSON library, and why. Measured with one 247-byte frame of 9 fields, Go 1.26, the fastest of six runs, ns:
//
//	fastjson: parse and visit                                    610   takes invalid UTF-8, NaN and 01; keeps the first of two keys
//	fastjson: validate, check UTF-8, parse, visit              1,010   no limit of depth: 16 MiB of '[' end the process
//	jsontext: ReadToken for every token                          860   strict
//	jsontext: the same, duplicate names allowed                  450   strict but for those
//	jsontext: ReadValue for the item, duplicate names allowed    310   strict but for those
//
// So jsontext reads each item as one value: it checks the grammar (RFC 8259), bounds the depth, builds no tree, and hands over the very
// bytes that evidence and errors need. The walk over an item's members (object.go, BenchmarkItem) then has nothing left to check but
// what a frame object may hold, and finds duplicate keys itself. Invalid UTF-8 is let through here and found per item, so that one bad
// text does not cost its neighbours.
//
// Plain items, which is nearly all of them, never come that far: scan.go reads them in one pass.
var jsonOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// reader validates JSON texts and cuts them into values.
type reader struct {
	jsontext.Decoder
	buf bytes.Buffer
}

// open starts reading a text. jsontext reads straight from a bytes.Buffer, without a copy.
func (r *reader) open(text []byte) {
	r.buf = *bytes.NewBuffer(text)
	r.Reset(&r.buf, jsonOptions...)
}

// end checks that nothing follows what was read.
func (r *reader) end() error {
	if _, err := r.ReadToken(); err == nil {
		return errors.New("more text follows the value")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// check validates a text that must be one value.
func (r *reader) check(text []byte) error {
	r.open(text)
	if _, err := r.ReadValue(); err != nil {
		return err
	}
	return r.end()
}

// trimJSON cuts off what JSON calls white space, and no more: other blanks around a value are an error.
func trimJSON(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// document reads a whole JSON document: one frame object or an array of them. The error refuses all of it.
func (c *Collector) document(text []byte) error {
	if done, err := c.plain(text); done {
		return err
	}
	c.restart()
	return c.thorough(text)
}

// plain reads a document whose items are plain (scan.go), or nearly all of them. Done is false when its grammar is in doubt: then it is to
// be read again from its beginning.
func (c *Collector) plain(text []byte) (done bool, err error) {
	s := &c.scanner
	*s = scanner{text: text}
	list := s.take('[')
	switch {
	case list && s.take(']'):
		return s.space() == len(text), nil
	case !list && !s.is('{'):
		return false, nil
	}
	for more := true; more; more = list && s.take(',') {
		if done, err := c.plainItem(s); !done || err != nil {
			return done, err
		}
	}
	if list && !s.take(']') {
		return false, nil
	}
	return s.space() == len(text), nil
}

func (c *Collector) plainItem(s *scanner) (done bool, err error) {
	start := s.space()
	if c.object.scan(s) {
		return true, c.Take(&c.object.Item, s.text[start:s.at])
	}
	c.json.open(s.text[start:])
	value, err := c.json.ReadValue()
	if err != nil || len(value) == 0 {
		return false, nil
	}
	s.at = start + int(c.json.InputOffset())
	return true, c.item(value)
}

// thorough reads a document token by token.
func (c *Collector) thorough(text []byte) error {
	c.json.open(text)
	var err error
	switch c.json.PeekKind() {
	case jsontext.KindBeginObject:
		err = c.readItem()
	case jsontext.KindBeginArray:
		err = c.array()
	default:
		if _, err = c.json.ReadValue(); err == nil {
			err = errors.New("the document is neither a frame object nor an array of them")
		}
	}
	if err == nil {
		err = c.json.end()
	}
	return badJSON(err)
}

func (c *Collector) array() error {
	if _, err := c.json.ReadToken(); err != nil {
		return err
	}
	for c.json.PeekKind() != jsontext.KindEndArray {
		if err := c.readItem(); err != nil {
			return err
		}
	}
	_, err := c.json.ReadToken()
	return err
}

func (c *Collector) readItem() error {
	text, err := c.json.ReadValue()
	if err != nil {
		return err
	}
	return c.item(text)
}

// lines reads NDJSON: one frame object a line, empty lines are skipped. A broken line is an item that is rejected.
func (c *Collector) lines(text []byte) error {
	for line := range bytes.Lines(text) {
		if line = trimJSON(line); len(line) == 0 {
			continue
		}
		if err := c.line(line); err != nil {
			return err
		}
	}
	return nil
}

func (c *Collector) line(line []byte) error {
	c.scanner = scanner{text: line}
	if c.object.scan(&c.scanner) && c.scanner.at == len(line) {
		return c.Take(&c.object.Item, line)
	}
	return c.thoroughLine(line)
}

func (c *Collector) thoroughLine(line []byte) error {
	if err := c.json.check(line); err != nil {
		return c.Unreadable(&Fault{"bad_json", jsonMessage(err)})
	}
	return c.item(line)
}

// badJSON turns a syntax error into the answer for the whole document; refusals pass as they are.
func badJSON(err error) error {
	var refusal *Error
	switch {
	case err == nil || errors.As(err, &refusal):
		return err
	case err == io.EOF:
		return emptyBody()
	default:
		return refuse(fasthttp.StatusBadRequest, "bad_json", "send one frame object, an array of them, or application/x-ndjson",
			"the body is not JSON: %s; nothing was stored", jsonMessage(err))
	}
}

func jsonMessage(err error) string {
	if err == io.EOF {
		return "the text ends too early"
	}
	return string(bytes.TrimPrefix([]byte(err.Error()), []byte("jsontext: ")))
}
