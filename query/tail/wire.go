package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// wire is the connection of one reader, which the HTTP server gave away: the server writes a whole answer within one time, and a tail has no
// end. It is a response of HTTP/1.1 whose chunks are what was put together until it was written. For one goroutine.
type wire struct {
	conn    net.Conn
	chunked bool // HTTP/1.1; before that an answer ends with its connection
	events  bool // Server-Sent Events; otherwise lines of JSON
	stall   time.Duration
	metrics *metrics

	out  []byte // what is to be written
	room int    // bytes in front of out for the head of a chunk
	last time.Time

	mu      sync.Mutex // protects what follows
	closing bool       // the node ends: a write has no more time than last words have
}

const (
	ndjsonType = "application/x-ndjson"
	eventType  = "text/event-stream"

	chunkHead = 10          // bytes of 8 hexadecimal digits and a line end
	lastWords = time.Second // a reader that took nothing for so long as tail.stall has this long to take the rest and the last line
)

// begin writes the head of the response.
func (w *wire) begin() error {
	version, transfer, kind := "1.1", "Transfer-Encoding: chunked\r\n", ndjsonType
	if !w.chunked {
		version, transfer = "1.0", ""
	}
	if w.events {
		kind = eventType
	}
	head := fmt.Sprintf("HTTP/%s 200 OK\r\nServer: gapless\r\nDate: %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"+
		"X-Accel-Buffering: no\r\n%sConnection: close\r\n\r\n", version, time.Now().UTC().Format(http.TimeFormat), kind, transfer)
	_, err := w.write([]byte(head), w.stall)
	w.reset()
	return gone(err)
}

// reset makes room for the next chunk.
func (w *wire) reset() {
	if w.room = 0; w.chunked {
		w.room = chunkHead
	}
	w.out = append(w.out[:0], make([]byte, w.room)...)
}

// pending is how many bytes wait to be written.
func (w *wire) pending() int { return len(w.out) - w.room }

// frame puts a frame behind what is to be written.
func (w *wire) frame(at frame.Position, text []byte) {
	if w.events {
		w.out = append(append(append(w.out, "id: "...), at.String()...), "\ndata: "...)
	}
	w.out = append(append(w.out, text...), '\n')
	if w.events {
		w.out = append(w.out, '\n')
	}
}

// event puts something else behind it: an object, in Server-Sent Events one of the given name, which moves the position where one is given.
func (w *wire) event(event string, at frame.Position, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("tail: %w", err)
	}
	if w.events {
		w.out = append(append(append(w.out, "event: "...), event...), '\n')
		if !at.IsZero() {
			w.out = append(append(append(w.out, "id: "...), at.String()...), '\n')
		}
		w.out = append(w.out, "data: "...)
	}
	w.out = append(append(w.out, text...), '\n')
	if w.events {
		w.out = append(w.out, '\n')
	}
	return nil
}

// flush writes what was put together. A reader that did not take it within tail.stall gets a last moment: endSlow says that it then did.
func (w *wire) flush() error {
	if w.pending() == 0 {
		return nil
	}
	defer w.reset()
	b := w.seal()
	n, err := w.write(b, w.stall)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return gone(err)
	}
	if _, err := w.write(b[n:], lastWords); err != nil {
		return endStuck
	}
	return endSlow
}

// gone is the end of a connection that cannot be written to.
func gone(err error) error {
	if err == nil {
		return nil
	}
	return endGone
}

// seal makes a chunk of what is to be written.
func (w *wire) seal() []byte {
	if !w.chunked {
		return w.out
	}
	head := strconv.AppendInt(make([]byte, 0, chunkHead), int64(w.pending()), 16)
	from := w.room - len(head) - 2
	copy(w.out[from:], head)
	copy(w.out[w.room-2:], "\r\n")
	return append(w.out, "\r\n"...)[from:]
}

// write writes within a time, and returns how much was taken.
func (w *wire) write(b []byte, within time.Duration) (n int, err error) {
	w.last = time.Now()
	if err = w.allow(within); err == nil {
		n, err = w.conn.Write(b)
	}
	w.metrics.bytes.Add(float64(n))
	return n, err
}

// allow sets the time for the next write.
func (w *wire) allow(within time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		within = min(within, lastWords)
	}
	return w.conn.SetWriteDeadline(time.Now().Add(within))
}

// hurry leaves the write that is under way, and those that come, no more time than last words have.
func (w *wire) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closing = true
	_ = w.conn.SetWriteDeadline(time.Now().Add(lastWords)) // a connection that is closed already does not wait either
}

// finish writes what is left, why the stream ends and where, and the end of the response.
func (w *wire) finish(e *end, at frame.Position) {
	word := lastWord{Code: e.code, Message: e.message}
	if !at.IsZero() {
		word.Position = at.String()
	}
	if err := w.event("end", at, lastLine{word}); err != nil {
		return // it has nothing that JSON has not
	}
	b := w.seal()
	if w.chunked {
		b = append(b, "0\r\n\r\n"...)
	}
	_, _ = w.write(b, lastWords) // who does not hear it has gone
}
