package query

import (
	"errors"
	"net/http"

	"github.com/gaplessdb/gapless/segment"
)

// lineSink writes NDJSON: a frame a line, on request lines {"progress":...}, and at last {"end":...} or {"error":...}.
type lineSink struct {
	e      *exportStream
	show   shown
	frames frameWriter
}

func (e *exportStream) newLineSink(show shown) *lineSink {
	return &lineSink{e: e, show: show, frames: frameWriter{history: e.asOf.History, show: show}}
}

func (s *lineSink) contentType() string      { return ndjsonType }
func (s *lineSink) columns() segment.Columns { return s.show.columns() }
func (s *lineSink) begin() error             { return nil }
func (s *lineSink) full() bool               { return len(s.e.w.b) >= exportPiece }

func (s *lineSink) flush() error { return nil }

// row adds a remark on how far the export is, when one is due.
func (s *lineSink) row(t *target, rec *segment.Record) error {
	e, w := s.e, &s.e.w
	s.frames.write(w, &t.key, rec)
	w.newline()
	if e.progress == 0 || e.rows%uint64(e.progress) != 0 {
		return nil
	}
	w.open('{')
	w.key("progress")
	w.open('{')
	w.key("rows")
	w.uint(e.rows)
	w.key("of")
	w.uint(max(e.stored, e.rows))
	w.close('}')
	w.close('}')
	w.newline()
	return nil
}

// end is the line without which the export was cut. It has the members that the last line of a page has.
func (s *lineSink) end() error {
	e, w := s.e, &s.e.w
	w.open('{')
	w.key("end")
	w.open('{')
	e.writeEnd(w)
	w.close('}')
	w.key("as_of")
	w.asOf(e.asOf)
	w.key("completeness")
	e.completeness.write(w)
	e.r.reading.write(w)
	w.next(nil)
	w.close('}')
	w.newline()
	return nil
}

// fail is the last line of an export that breaks off.
func (s *lineSink) fail(err error) {
	status, code, message, hint := http.StatusInternalServerError, "internal", "a fault of the store", "the node's log has more"
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if errors.As(err, &shaped) {
		status, code, message, hint = shaped.HTTPError()
	}
	w := &s.e.w
	w.open('{')
	w.key("error")
	w.open('{')
	w.key("status")
	w.int(int64(status))
	for _, m := range [...][2]string{{"code", code}, {"message", message}, {"hint", hint}} {
		w.key(m[0])
		w.str(m[1])
	}
	w.close('}')
	w.close('}')
	w.newline()
}
