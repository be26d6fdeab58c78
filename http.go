package gapless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ingest/influx"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/query/certify"
)

// Bounds of the HTTP server that nobody needs to set.
const (
	maxHeaderBytes = 64 << 10
	readTimeout    = 60 * time.Second // of a whole request, and of its answer
	idleTimeout    = 2 * time.Minute
)

// openHTTP binds the API: the rooms' routes and the node's own behind one listener.
func (n *Node) openHTTP() error {
	var err error
	opt := auth.Options{Insecure: n.cfg.Insecure && n.cfg.TokenFile == "", AllowLoopback: n.cfg.TokenFile == ""}
	if n.tokens, err = auth.LoadTokens(n.cfg.TokenFile, opt); err != nil {
		return err
	}
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := n.cfg.Registerer.Register(c); err != nil && !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
			return fmt.Errorf("gapless: metrics: %w", err)
		}
	}
	if err := n.openRooms(); err != nil {
		return err
	}
	n.routes = append(n.routes, n.adminRoutes()...)
	n.server = &fasthttp.Server{
		Handler: n.serve, ErrorHandler: n.serveBroken, ConnState: turnClient, Name: "gapless",
		Concurrency:    2 * n.files.clients, // a worker may be slower to end than the connection
		ReadBufferSize: maxHeaderBytes, MaxRequestBodySize: n.cfg.MaxBodyBytes,
		StreamRequestBody: true, DisablePreParseMultipartForm: true,
		ReadTimeout: readTimeout, WriteTimeout: readTimeout, IdleTimeout: idleTimeout, CloseOnShutdown: true, NoDefaultContentType: true,
		Logger: httpLogger{n},
	}
	listener, err := n.cfg.Machine.Listen("tcp", n.cfg.HTTP)
	if err != nil {
		return fmt.Errorf("gapless: http: %w", err)
	}
	n.clients = newClients(listener, n.files.clients, n.log)
	if err := n.clients.measure(n.cfg.Registerer); err != nil {
		return err
	}
	n.tasks.Go(func() {
		if err := n.server.Serve(n.clients); err != nil && n.ctx.Err() == nil {
			n.fail(fmt.Errorf("gapless: http: %w", err))
		}
	})
	return nil
}

// closeHTTP answers the requests that are in work. What is not whole by the end of the time that a request may take is cut off.
func (n *Node) closeHTTP() error {
	if n.clients == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.RequestTimeout+time.Second)
	defer cancel()
	err := errors.Join(n.closeTail(), n.server.ShutdownWithContext(ctx))
	if closed := n.clients.Close(); err == nil && !errors.Is(closed, net.ErrClosed) { // Serve may not have begun: then nobody closed it
		err = closed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		n.log.Info("connections cut off in the middle of a request", "connections", n.clients.end())
		return nil
	}
	return err
}

// openRooms builds the doors and takes their routes.
func (n *Node) openRooms() (err error) {
	if err := errors.Join(n.measureDevices(), n.cfg.Registerer.Register(n.foreign)); err != nil {
		return err
	}
	n.ingest, err = ingest.New(n, n.ingestOptions())
	if err != nil {
		return err
	}
	api, err := query.New(n, opener{n}, query.Options{
		Deadline: n.cfg.RequestTimeout, MaxStreams: ledger.Defaults().MaxStreams, Metrics: n.cfg.Registerer, BalanceB: n.balanceB, Prover: prover{n},
	})
	if err != nil {
		return err
	}
	n.queries = api
	if n.influx, err = influx.New(n.ingest, n.influxOptions()); err != nil {
		return err
	}
	for _, r := range append(n.ingest.Routes(), n.influx.Routes()...) {
		n.routes = append(n.routes, ingestRoute(r))
	}
	for _, r := range api.Routes() {
		n.routes = append(n.routes, queryRoute(r))
	}
	for _, r := range certify.New(certifier{n}, certify.Options{Deadline: sealPatience * n.cfg.RequestTimeout, Logger: n.log}).Routes() {
		n.routes = append(n.routes, queryRoute(r))
	}
	return n.openTail()
}

// serve is every request: route, principal, scope, handler, error body.
func (n *Node) serve(ctx *fasthttp.RequestCtx) {
	var p auth.Principal
	r, err := n.findRoute(ctx)
	if err == nil {
		p, err = n.admitRequest(ctx, r)
	}
	if err != nil || !r.takesBody() {
		n.skipBody(ctx)
	}
	if err == nil {
		err = r.handle(ctx, p)
	}
	if err != nil {
		n.writeError(ctx, r, err)
	}
	if n.clients.full.Load() {
		ctx.SetConnectionClose()
	}
}

// admitRequest finds out who sends a request, and refuses one that may not be sent.
func (n *Node) admitRequest(ctx *fasthttp.RequestCtx, r *route) (p auth.Principal, err error) {
	if r.open {
		return p, nil
	}
	if p, err = n.tokens.Authenticate(r.authorization(ctx), fromLoopback(ctx.RemoteAddr())); err != nil {
		return p, authError(err)
	}
	if !p.Scopes.Has(r.scope) {
		return p, &httpError{http.StatusForbidden, "forbidden", fmt.Sprintf("%s has not the scope %s", p.ID, r.scope), "use a token with that scope"}
	}
	return p, r.refuseParams(ctx.QueryArgs())
}

// skipBody takes a body away that nobody reads. The HTTP server would take what is left of it for the next request of the connection, which a proxy
// may share with others. A handler that gets one reads it to its end, or ends the connection.
func (n *Node) skipBody(ctx *fasthttp.RequestCtx) {
	if body := ctx.RequestBodyStream(); body != nil {
		if _, err := io.CopyN(io.Discard, body, int64(n.cfg.MaxBodyBytes)+1); err != io.EOF {
			ctx.SetConnectionClose()
		}
		ctx.Request.ResetBody()
	}
}

func fromLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// serveBroken answers requests that fasthttp could not read.
func (n *Node) serveBroken(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		err = &httpError{http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the body is larger than max_body_bytes %d", n.cfg.MaxBodyBytes), "send fewer frames at once"}
	case errors.As(err, &small):
		err = &httpError{http.StatusRequestHeaderFieldsTooLarge, "header_too_large", fmt.Sprintf("the request line and headers are larger than %d bytes", maxHeaderBytes), "shorten them"}
	case errors.As(err, &timeout) && timeout.Timeout():
		err = &httpError{http.StatusRequestTimeout, "slow_request", fmt.Sprintf("the request was not complete within %s", readTimeout), "send it faster or in parts"}
	default:
		err = &httpError{http.StatusBadRequest, "bad_request", "the request could not be read: " + err.Error(), "send HTTP/1.1"}
	}
	n.writeError(ctx, nil, err)
}

// serveMetrics adapts the Prometheus handler.
func (n *Node) serveMetrics() func(*fasthttp.RequestCtx, auth.Principal) error {
	handler := fasthttpadaptor.NewFastHTTPHandler(promhttp.HandlerFor(n.cfg.Registerer, promhttp.HandlerOpts{}))
	return func(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
		handler(ctx)
		return nil
	}
}

// httpLogger keeps fasthttp's remarks about broken connections out of the way.
type httpLogger struct{ n *Node }

func (l httpLogger) Printf(format string, args ...any) {
	l.n.log.Debug("http", "says", fmt.Sprintf(format, args...))
}
