package certify

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/query"
)

// How slowly a client may take an answer: for as long it holds one of the few turns.
const (
	stall     = 10 * time.Second
	leastRate = 64 << 10 // bytes a second
	piece     = 32 << 10
)

// sending is the body of an answer that is written as the client takes it: the HTTP server reads a piece of it between two writes to the client.
type sending struct {
	*io.PipeReader
	patience query.Patience
}

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	s.patience.Taken()
	n, err := s.PipeReader.Read(p)
	s.patience.Allow(n)
	return n, err
}

// stream answers with what write gives, as the client takes it: nothing is held twice, however large it is. Where it breaks off the connection does, too,
// and what came of it has no end that a reader of JSON or tar takes for one.
func (a *API) stream(ctx *fasthttp.RequestCtx, contentType string, write func(io.Writer) error, sent func()) {
	out, in := io.Pipe()
	go func() {
		defer sent()
		w := bufio.NewWriterSize(in, piece)
		err := errors.Join(write(w), w.Flush())
		if err != nil {
			a.opt.Logger.Warn("a certificate broke off", "err", err)
		}
		_ = in.CloseWithError(err) // it has no error; nil is the end
	}()
	ctx.SetContentType(contentType)
	ctx.SetBodyStream(&sending{out, query.Patience{Conn: ctx.Conn(), Stall: a.opt.Stall, Rate: leastRate}}, -1)
}
