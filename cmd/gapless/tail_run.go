package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// tail is a run of `gapless tail`.
type tail struct {
	o    *tailOptions
	c    *client
	out  io.Writer
	says io.Writer // what is not a frame

	at        string // everything up to here is written to out; "" before the first line
	printed   int    // frames
	waiting   int    // of these, not committed
	committed string // position
	when      time.Time
	over      bool // what was asked for is printed, and perhaps not committed yet
}

// tailLine is what a line of a stream may be: a frame, or something that is said about the stream.
type tailLine struct {
	frameAnswer
	Position string   `json:"position"`
	At       string   `json:"at"`
	End      *tailEnd `json:"end"`
}

// maxTailLine bounds a line: a frame of 1 MiB, whose payload is base64, and whose names may come with every value.
const maxTailLine = 16 << 20

// idleCommit is how often a consumer that gets no frames moves on past those that it does not want.
const idleCommit = time.Minute

// session prints from one connection. It returns nil when what was asked for is printed, else why the connection ended.
func (t *tail) session(ctx context.Context) error {
	if t.over {
		return nil
	}
	left := t.o.limit
	if left > 0 {
		left -= t.printed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := t.c.stream(ctx, "/v1/tail", t.o.params(t.at, left))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines, failed := follow(ctx, resp.Body)
	due := time.NewTicker(t.o.commitAfter)
	defer due.Stop()
	for {
		select {
		case some := <-lines:
			if err := t.print(some); err != nil {
				err = finished(err)
				t.over = err == nil
				return err
			}
			if t.over = t.o.limit > 0 && t.printed >= t.o.limit; t.over {
				return nil // whether its last line comes or not
			}
			if t.waiting >= t.o.commitEvery {
				err = t.commit(ctx)
			}
		case <-due.C:
			if t.waiting > 0 || time.Since(t.when) > idleCommit {
				err = t.commit(ctx)
			}
		case err = <-failed:
			if errors.Is(err, io.EOF) {
				err = errors.New("the connection was cut")
			}
		}
		if err != nil {
			return err
		}
	}
}

// follow reads whole lines until the connection ends, which is when whoever takes them ends it.
func follow(ctx context.Context, body io.Reader) (<-chan []byte, <-chan error) {
	lines, failed := make(chan []byte), make(chan error, 1)
	go func() {
		in := bufio.NewReaderSize(body, 256<<10)
		for {
			some, err := readLines(in)
			if len(some) > 0 {
				select {
				case lines <- some:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	return lines, failed
}

// readLines reads one whole line, and those that are there behind it.
func readLines(in *bufio.Reader) (lines []byte, err error) {
	for {
		piece, err := in.ReadSlice('\n')
		lines = append(lines, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if len(lines) > maxTailLine {
				return nil, fmt.Errorf("a line has more than %d bytes", maxTailLine)
			}
			continue
		case err != nil:
			return lines[:bytes.LastIndexByte(lines, '\n')+1], err // what is not whole is asked for again
		}
		rest, _ := in.Peek(in.Buffered())
		if bytes.IndexByte(rest, '\n') < 0 || len(lines) > maxTailLine {
			return lines, nil
		}
	}
}

// finished makes nil of an end that was asked for.
func finished(err error) error {
	var end *tailEnd
	if errors.As(err, &end) && (end.Code == "limit" || end.Code == "until") {
		return nil
	}
	return err
}

// print writes whole lines, all at once, and then knows that they are written. A last line is returned as the error that it is.
func (t *tail) print(lines []byte) error {
	var out []byte
	frames, at := 0, t.at
	var end *tailEnd
	for len(lines) > 0 && end == nil {
		line, rest, _ := bytes.Cut(lines, []byte("\n"))
		lines = rest
		l, err := t.parse(line)
		switch {
		case err != nil:
			return err
		case l.End != nil:
			end = l.End
			at = max(at, end.Position)
		case l.At != "":
			at = max(at, l.At)
		default:
			out = t.render(out, line, l)
			at, frames = l.Position, frames+1
		}
	}
	if _, err := t.out.Write(out); err != nil {
		return &writeError{err}
	}
	t.at, t.printed, t.waiting = at, t.printed+frames, t.waiting+frames
	if end != nil {
		return end
	}
	return nil
}

// parse reads as much of a line as is needed to go on behind it.
func (t *tail) parse(line []byte) (l *tailLine, err error) {
	l = &tailLine{}
	if at := bytes.LastIndex(line, []byte(`"position":"`)); t.o.format == "ndjson" && at > 0 && bytes.HasPrefix(line, []byte(`{"device":`)) {
		if value, _, ok := bytes.Cut(line[at+len(`"position":"`):], []byte(`"`)); ok { // behind it only flags may come, whose names are fixed
			l.Position = string(value)
			return l, nil
		}
	}
	if err := json.Unmarshal(line, l); err != nil {
		return nil, fmt.Errorf("a line is not what this version expects: %w", err)
	}
	if l.Position == "" && l.At == "" && l.End == nil {
		return nil, fmt.Errorf("a line is not what this version expects: %.200q", line)
	}
	return l, nil
}

// render appends a frame as it is printed.
func (t *tail) render(out, line []byte, l *tailLine) []byte {
	if t.o.format == "ndjson" {
		return append(append(out, line...), '\n')
	}
	return fmt.Appendf(out, "%s %s %s/%d %d %s\n", l.Time, l.Device, l.Stream, l.Epoch, l.Seq, l.content())
}

// commit tells the cluster how far the consumer is: what was written, and nothing else.
func (t *tail) commit(ctx context.Context) error {
	if t.o.consumer == "" || t.at == "" || t.at == t.committed {
		return nil
	}
	at := t.at
	err := t.c.do(ctx, http.MethodPut, "/v1/consumers/"+url.PathEscape(t.o.consumer), map[string]string{"position": at}, &struct{}{})
	if err != nil {
		return fmt.Errorf("%w: %w", errNotCommitted, err)
	}
	t.committed, t.waiting, t.when = at, 0, time.Now()
	return nil
}
