package influx

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/valyala/fasthttp"
)

// maxReasons bad lines stand in an answer with their reason, the others with their place only: clients put it all into one line of a log.
const maxReasons = 10

// answer tells a client what became of its lines; lines has the place of each in the body.
func answer(ctx *fasthttp.RequestCtx, v *version, a *ingest.Answer, lines []uint32) {
	h := &ctx.Response.Header
	if a.Position != nil {
		h.Set(positionHeader, *a.Position)
	}
	h.Set(deliveryHeader, a.Delivery)
	outcome := fmt.Sprintf("accepted=%d duplicate=%d conflict=%d unverified=%d rejected=%d",
		a.Accepted, a.Duplicate, a.Conflict, a.Unverified, len(a.Rejected))
	if a.Replayed {
		outcome += " replayed=true"
	}
	h.Set(outcomeHeader, outcome)
	if a.Receipt != "" {
		h.Set(receiptHeader, base64.StdEncoding.EncodeToString([]byte(a.Receipt)))
	}
	if len(a.Rejected) == 0 {
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return
	}
	// Clients know these words, and that sending the same again would not help.
	begin := "partial write: "
	if a.Error != nil {
		begin = "unable to parse: "
	}
	v.partial(ctx, begin+complaint(a.Rejected, lines), int(lines[a.Rejected[0].Item]))
}

// complaint names every bad line: "line 3: field "x": ... (bad_field); line 9: ...; also lines 11-14, 20; dropped=7".
func complaint(rejected []ingest.Rejection, lines []uint32) string {
	var b strings.Builder
	for _, r := range rejected[:min(len(rejected), maxReasons)] {
		fmt.Fprintf(&b, "line %d: %s (%s); ", lines[r.Item], r.Message, r.Code)
	}
	if len(rejected) > maxReasons {
		fmt.Fprintf(&b, "also lines %s; ", ranges(rejected[maxReasons:], lines))
	}
	fmt.Fprintf(&b, "dropped=%d", len(rejected))
	return b.String()
}

// ranges lists places: "11-14, 20". Lines count as neighbours when nothing but comments and blanks stands between them.
func ranges(rejected []ingest.Rejection, lines []uint32) string {
	var list []byte
	for i := 0; i < len(rejected); {
		last := i
		for last+1 < len(rejected) && rejected[last+1].Item == rejected[last].Item+1 {
			last++
		}
		if i > 0 {
			list = append(list, ", "...)
		}
		list = strconv.AppendUint(list, uint64(lines[rejected[i].Item]), 10)
		if last > i {
			list = append(list, '-')
			list = strconv.AppendUint(list, uint64(lines[rejected[last].Item]), 10)
		}
		i = last + 1
	}
	return string(list)
}
