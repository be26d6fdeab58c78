package ingest

import (
	"strings"

	"github.com/gaplessdb/gapless/auth"
	"github.com/valyala/fasthttp"
)

// What the formats of this API mean, see Format.
const (
	formatJSON   = "\x01"
	formatNDJSON = "\x02"
	formatBatch  = "\x03"
)

// postFrames is POST /v1/frames.
func (h *Handler) postFrames(ctx *fasthttp.RequestCtx, p auth.Principal) error {
	a, err := h.Post(ctx, p, func(ctx *fasthttp.RequestCtx) (form Format, err error) {
		if form, err = readContentType(ctx); err == nil {
			form.Receipt, err = readReceipt(ctx)
		}
		return form, err
	})
	if err != nil {
		return err
	}
	return h.write(ctx, a)
}

// readContentType is the format that a request names.
func readContentType(ctx *fasthttp.RequestCtx) (Format, error) {
	kind := string(ctx.Request.Header.ContentType())
	media, _, _ := strings.Cut(kind, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/json":
		return Format{Meaning: formatJSON, Collect: (*Collector).document}, nil
	case "application/x-ndjson":
		return Format{Meaning: formatNDJSON, Collect: (*Collector).lines}, nil
	case "application/vnd.gapless.batch":
		return Format{Meaning: formatBatch, Collect: (*Collector).binary}, nil
	default:
		return Format{}, refuse(fasthttp.StatusUnsupportedMediaType, "unknown_content_type",
			"set Content-Type to application/json, application/x-ndjson or application/vnd.gapless.batch", "Content-Type %q is not supported", kind)
	}
}
