package ingest

import (
	"crypto/sha256"

	"github.com/gaplessdb/gapless/frame"
	"github.com/valyala/fasthttp"
)

// Receipt is what became of a batch, for a node to sign: what was sent, where it was committed, and how many of its items ended how. Together the
// counts are the items of the request.
type Receipt struct {
	Position frame.Position
	Body     [sha256.Size]byte // SHA-256 of the body as it was sent, before it was unpacked

	Accepted, Duplicate, Conflict, Unverified int
	Rejected                                  int // items that the door turned down
	Refused                                   int // frames that the store did
}

// Notary signs receipts. The root implements it; any number of goroutines call it.
type Notary interface {
	// Ready is called before anything is stored. What it returns signs the receipt of the batch, once that is committed and applied. An error, an
	// *Error, refuses the request: nothing is stored.
	Ready() (Signer, error)
}

// Signer signs one receipt. Its error can no longer refuse what is stored: the answer is sent without a receipt, and it is for the Notary to say so.
type Signer func(Receipt) (note string, err error)

// nobody is the Notary of a door that has none.
type nobody struct{}

func (nobody) Ready() (Signer, error) {
	return nil, refuse(fasthttp.StatusServiceUnavailable, "no_receipt", "leave out the wish for a receipt",
		"this node signs no receipts; nothing was stored")
}

// promise is the receipt that a request asked for. The zero value is none.
type promise struct {
	sign Signer
	body [sha256.Size]byte
}

// promised finds out whether the request can have the receipt that it asks for, if it does.
func (h *Handler) promised(form Format) (w promise, err error) {
	if form.Receipt {
		w.sign, err = h.opt.Notary.Ready()
	}
	return w, err
}

// sent takes the body as it came.
func (w *promise) sent(body []byte) {
	if w.sign != nil {
		w.body = sha256.Sum256(body)
	}
}

// keep puts the receipt into the answer. A batch that was not committed, because nothing of it could be, has none.
func (h *Handler) keep(w *promise, a *Answer, res *Result) {
	if w.sign == nil || res.Position.IsZero() {
		return
	}
	note, err := w.sign(Receipt{
		Position: res.Position, Body: w.body, Accepted: a.Accepted, Duplicate: a.Duplicate, Conflict: a.Conflict, Unverified: a.Unverified,
		Rejected: len(a.Rejected) - len(res.Refused), Refused: len(res.Refused),
	})
	h.metrics.receipt(err)
	if err == nil {
		a.Receipt = note
	}
}

// readReceipt reads ?receipt=.
func readReceipt(ctx *fasthttp.RequestCtx) (bool, error) {
	switch list := ctx.QueryArgs().PeekMulti("receipt"); {
	case len(list) == 0, len(list) == 1 && string(list[0]) == "false":
		return false, nil
	case len(list) == 1 && string(list[0]) == "true":
		return true, nil
	default:
		return false, refuse(fasthttp.StatusBadRequest, "bad_parameter", "true or false", "receipt is %q", list)
	}
}
