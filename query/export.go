package query

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// Formats of GET /v1/frames.
const (
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatCSV    = "csv"
	formatArrow  = "arrow"
)

const (
	csvType   = "text/csv"
	arrowType = "application/vnd.apache.arrow.stream"
)

// Headers of an export. exportEnd is a trailer: it comes behind the last byte of a whole export, and of no other.
const (
	exportAsOf         = "X-Gapless-As-Of"
	exportCompleteness = "X-Gapless-Completeness"
	exportEstimate     = "X-Gapless-Rows-Estimate"
	exportEnd          = "X-Gapless-End"
)

// frameFormat is how frames are asked for. What streams has no pages.
type frameFormat struct {
	name    string
	streams bool
}

// frameFormat reads the parameter format, or else the header Accept. With limit or cursor lines are those of a page.
func (r *request) frameFormat() (f frameFormat, err error) {
	if f.name, err = r.args.enum("format", formatJSON, formatNDJSON, formatCSV, formatArrow); err != nil {
		return f, err
	}
	accept := r.http.Request.Header.Peek("Accept")
	switch {
	case r.args.has("format"):
	case bytes.Contains(accept, []byte(ndjsonType)):
		f.name = formatNDJSON
	case bytes.Contains(accept, []byte(csvType)):
		f.name = formatCSV
	case bytes.Contains(accept, []byte(arrowType)):
		f.name = formatArrow
	default:
		f.name = formatJSON
	}
	paged := r.args.has("limit") || r.args.has("cursor")
	f.streams = f.name != formatJSON && !paged
	switch {
	case paged && (f.name == formatCSV || f.name == formatArrow):
		return f, badParameter("format", f.name, "json or ndjson together with limit or cursor: csv and arrow have no pages")
	case r.args.has("progress") && !(f.streams && f.name == formatNDJSON):
		return f, badParameter("progress", r.args.text("progress"), "a number of rows, with format=ndjson and neither limit nor cursor")
	}
	return f, nil
}

// export answers with all frames of a selection, as a stream without pages that shows one state. What has to be known before the first byte
// (state, completeness, columns) is found here; the rows are read while the client takes them (exportStream).
func (a *API) export(r *request, f frameFormat) error {
	e := &exportStream{listing: listing{walk: walk{api: a, r: r}}, began: time.Now(), patience: Patience{Conn: r.http.Conn(), Stall: a.opt.Stall}}
	show, err := e.parse()
	if err != nil {
		return err
	}
	if err := a.enterExport(); err != nil {
		return err
	}
	err = e.open(f, show)
	if err == nil && !r.http.IsHead() {
		err = e.piece() // the first one here: it may still be refused
	}
	if err != nil || r.http.IsHead() {
		a.leaveExport()
	}
	if err != nil {
		return err
	}
	e.announce(&r.http.Response.Header)
	r.contentType = e.sink.contentType()
	if r.http.IsHead() { // a trailer without a body would be taken for the next answer
		return nil
	}
	_ = r.http.Response.Header.SetTrailer(exportEnd) // a name that trailers may have
	r.http.Response.ImmediateHeaderFlush = true
	r.stream = e
	return nil
}

// parse reads the parameters.
func (e *exportStream) parse() (show shown, err error) {
	if e.sel, err = e.r.manySelection(); err != nil {
		return show, err
	}
	if e.sel.epoch != 0 && e.sel.device == "" {
		return show, badParameter("epoch", e.r.args.text("epoch"), "an ordinal together with one device: every device counts its own epochs")
	}
	if e.span, err = e.r.span(); err != nil {
		return show, err
	}
	if e.progress, err = e.r.args.count("progress", 0, 1<<30); err != nil {
		return show, err
	}
	return e.r.shown()
}

// open finds everything that stands before the rows.
func (e *exportStream) open(f frameFormat, show shown) error {
	if err := e.listing.start(nil); err != nil {
		return err
	}
	if err := e.r.requireComplete(&e.completeness); err != nil {
		return err
	}
	e.first = e.place
	var err error
	switch f.name {
	case formatCSV:
		e.sink, err = e.newCSVSink(show)
	case formatArrow:
		e.sink, err = e.newArrowSink(show)
	default:
		e.sink = e.newLineSink(show)
	}
	if err == nil {
		e.cols = e.sink.columns()
	}
	return err
}

// announce writes the headers.
func (e *exportStream) announce(h *fasthttp.ResponseHeader) {
	var asOf, complete writer
	asOf.asOf(e.asOf)
	e.completeness.write(&complete)
	h.SetBytesV(exportAsOf, asOf.b)
	h.SetBytesV(exportCompleteness, complete.b)
	h.Set(exportEstimate, strconv.FormatUint(e.stored, 10))
}

// enterExport takes one of the places for exports.
func (a *API) enterExport() error {
	if a.exports.Add(1) <= int64(a.opt.MaxExports) {
		a.metrics.exports.Inc()
		return nil
	}
	a.exports.Add(-1)
	return &Error{
		Status:  http.StatusTooManyRequests,
		Code:    "too_many_exports",
		Message: "as many exports as the limit query.max_exports of " + strconv.Itoa(a.opt.MaxExports) + " allows are under way",
		Hint:    "wait for one of them to end, or ask another node",
		Retry:   exportRetry,
		limit:   "query.max_exports",
	}
}

// exportRetry is how long a client should wait for a place.
const exportRetry = 5 * time.Second

// leaveExport gives the place back.
func (a *API) leaveExport() {
	a.metrics.exports.Dec()
	a.exports.Add(-1)
}

// manySelection is selection for an endpoint that takes several devices.
func (r *request) manySelection() (selection, error) {
	devices := slices.Clone(r.args["device"])
	if len(devices) < 2 {
		return r.selection()
	}
	one := *r
	one.args = params{}
	for name, v := range r.args {
		one.args[name] = v
	}
	one.args["device"] = devices[:1]
	s, err := one.selection()
	if slices.Contains(devices, "") {
		return s, badParameter("device", "", "the name of a device")
	}
	slices.Sort(devices)
	s.device, s.devices = "", slices.Compact(devices)
	return s, err
}
