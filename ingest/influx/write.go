package influx

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/valyala/fasthttp"
)

// deviceTagParameter overrides Options.DeviceTag for one request.
const deviceTagParameter = "device_tag"

// formatLines is the first byte of what a body of lines means, see ingest.Format.
const formatLines = "\x04"

// The headers of an answer that has no body.
const (
	positionHeader = "X-Gapless-Position" // where the batch was committed: pass it as ?after= to read what was written
	deliveryHeader = "X-Gapless-Delivery" // exactly_once or at_least_once
	outcomeHeader  = "X-Gapless-Outcome"  // accepted=7 duplicate=0 conflict=0 unverified=0 rejected=0
	receiptHeader  = "X-Gapless-Receipt"  // true in a request asks for a receipt; in its answer, the note in base64: it has lines
)

// write is the handler of a version's write path.
func (d *Door) write(v *version) func(*fasthttp.RequestCtx, auth.Principal) error {
	return func(ctx *fasthttp.RequestCtx, p auth.Principal) error {
		r := d.readers.Get().(*reader)
		defer func() {
			r.forget()
			d.readers.Put(r)
		}()
		a, err := d.ingest.Post(ctx, p, func(ctx *fasthttp.RequestCtx) (ingest.Format, error) {
			m, err := d.mapping(ctx.QueryArgs(), v)
			if err != nil {
				return ingest.Format{}, err
			}
			r.reset(m)
			receipt, err := wantsReceipt(ctx)
			return ingest.Format{Meaning: m.meaning(), Receipt: receipt, Collect: r.collect}, err
		})
		if err != nil {
			return err
		}
		answer(ctx, v, a, r.lines)
		return nil
	}
}

// mapping is how the lines of one request become frames.
type mapping struct {
	deviceTags []string      // the first that a line has names its device
	seqField   string        // "" for none
	epochField string        // "" for none
	database   string        // kept in databaseField
	dbField    string        // "" for none
	unit       time.Duration // of timestamps
}

// meaning is what tells requests with the same lines apart.
func (m *mapping) meaning() string {
	return fmt.Sprintf("%s%d %q %q %q %q %q", formatLines, m.unit, m.deviceTags, m.seqField, m.epochField, m.dbField, m.database)
}

// mapping reads a request's parameters.
func (d *Door) mapping(q *fasthttp.Args, v *version) (m mapping, err error) {
	if err := checkParameters(q, v); err != nil {
		return m, err
	}
	m = mapping{seqField: named(d.opt.SeqField), epochField: named(d.opt.EpochField), unit: 1}
	if m.deviceTags, err = splitTags(cmp.Or(string(q.Peek(deviceTagParameter)), d.opt.DeviceTag)); err != nil {
		return m, badRequest("bad_device_tag", "see line_device_tag", "%v", err)
	}
	if db := string(q.Peek(v.database)); db != "" && named(d.opt.DatabaseField) != "" {
		m.dbField, m.database = d.opt.DatabaseField, db
	}
	if unit := string(q.Peek("precision")); unit != "" {
		known := false
		if m.unit, known = v.units[unit]; !known {
			return m, badRequest("bad_precision", "use "+v.unitList, "precision %q is not known", unit)
		}
	}
	return m, checkConsistency(string(q.Peek("consistency")))
}

// wantsReceipt reads the header that asks for one. A parameter of ours would stop clients that let nobody add one; a header they all can send.
func wantsReceipt(ctx *fasthttp.RequestCtx) (bool, error) {
	switch value := string(ctx.Request.Header.Peek(receiptHeader)); value {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, badRequest("bad_parameter", "true or false", "the header %s is %.100q", receiptHeader, value)
	}
}

// named is the name of a field, "" for None.
func named(field string) string {
	if field == None {
		return ""
	}
	return field
}

// checkParameters refuses what is not known: times in the wrong unit because of a misspelt precision could not be mended afterwards.
func checkParameters(q *fasthttp.Args, v *version) error {
	seen := map[string]bool{}
	for key := range q.All() {
		name := string(key)
		switch {
		case !slices.Contains(v.parameters, name):
			return badRequest("unknown_parameter", "known are "+strings.Join(v.parameters, ", "), "parameter %q is not known here", name)
		case seen[name]:
			return badRequest("duplicate_parameter", "send it once", "parameter %q appears twice", name)
		}
		seen[name] = true
	}
	return nil
}

// checkConsistency takes the levels that every write has here: it is on a majority before it is answered. More is not offered.
func checkConsistency(level string) error {
	switch level {
	case "", "any", "one", "quorum":
		return nil
	}
	return badRequest("bad_consistency", "use quorum, or leave it out: every write is on a majority of the nodes before it is answered",
		"consistency %q is not offered", level)
}

func badRequest(code, hint, format string, args ...any) error {
	return &ingest.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}
