package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/frame"
)

// lastLine is the last line of a stream.
type lastLine struct {
	End lastWord `json:"end"`
}

type lastWord struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Position string `json:"position,omitempty"`
}

// stream takes the connection over and lets serve write to it until it returns where it was and why it ends, which the client is told.
func (a *API) stream(ctx *fasthttp.RequestCtx, kind string, events bool, serve func(context.Context, *wire) (frame.Position, error)) error {
	if a.full() {
		a.metrics.refused.WithLabelValues("tail.max_readers").Inc()
		return tooMany(a.opt.MaxReaders)
	}
	if ctx.IsHead() {
		ctx.SetContentType(map[bool]string{true: eventType, false: ndjsonType}[events])
		return nil
	}
	chunked := ctx.Request.Header.IsHTTP11()
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		if !a.enter(kind) { // others were faster, or the node ends
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return
		}
		defer a.exit(kind)
		a.serveConn(&wire{conn: conn, chunked: chunked, events: events, stall: a.opt.Stall, metrics: a.metrics}, serve)
	})
	return nil
}

func (a *API) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.readers >= a.opt.MaxReaders
}

// enter counts a reader. It is false when there are too many, or the API is closed.
func (a *API) enter(kind string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.readers >= a.opt.MaxReaders {
		return false
	}
	a.readers++
	a.tasks.Add(1)
	a.metrics.readers.WithLabelValues(kind).Inc()
	return true
}

func (a *API) exit(kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.readers--
	a.metrics.readers.WithLabelValues(kind).Dec()
	a.tasks.Done()
}

// serveConn serves one connection until its end.
func (a *API) serveConn(w *wire, serve func(context.Context, *wire) (frame.Position, error)) {
	ctx, cancel := context.WithCancelCause(a.ctx)
	defer cancel(nil)
	hurried := make(chan struct{})
	calm := context.AfterFunc(a.ctx, func() {
		defer close(hurried)
		w.hurry()
	})
	defer func() {
		if !calm() { // the connection is somebody else's when this returns
			<-hurried
		}
	}()
	left := make(chan struct{})
	go func() { // nothing is to come from a client: what ends this is that it goes
		defer close(left)
		_, _ = io.Copy(io.Discard, w.conn)
		cancel(endGone)
	}()
	defer func() {
		_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed already does not wait either
		<-left
	}()
	err := w.begin()
	var at frame.Position
	if err == nil {
		at, err = serve(ctx, w)
	}
	var why *end
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && errors.As(cause, &why) {
		err = why
	}
	e := endOf(err)
	a.metrics.ends.WithLabelValues(e.code).Inc()
	if !e.mute {
		w.finish(e, at)
	}
}
