package verify

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/sign"
)

// ReceiptInput is what somebody has who wants to check a receipt. The Certificate may be nil: then nothing is said of what became of the batch since.
type ReceiptInput struct {
	Input
	Receipt []byte    // a note, docs/format/tlog.md
	Body    io.Reader // the request's body as it was sent; nil: not at hand
}

// Verdicts of a receipt whose every check held.
const (
	ReceiptSigned  = "RECEIPT SIGNED"  // a node said so
	ReceiptCovered = "RECEIPT COVERED" // and the census of the certificate was taken behind it
	ReceiptEarly   = "INDETERMINATE"   // the certificate is as of an earlier position, or does not show it
)

// RunReceipt checks a receipt, and a certificate with it. The Report's code is the receipt's: 0 where it holds, CodeIndeterminate where the
// certificate was taken before the batch, CodeRewritten where the log went on in another history without the position.
func RunReceipt(ctx context.Context, in ReceiptInput) (report Report) {
	r := &run{ctx: ctx, in: in.Input}
	if r.in.Progress == nil {
		r.in.Progress = func(string, int64, int64) {}
	}
	verdict, code := "", CodeInternal
	defer func() {
		if p := recover(); p != nil {
			r.checked(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "internal", "")
		}
		r.close()
		r.show()
		report = r.done
		report.CannotCheck = append(notInReceipt(&in), r.cannotCheck()...)
		if report.Verdict, report.Code = verdict, code; r.err != nil {
			report.Verdict, report.Code, report.Frame = "", codeOf(r.err), nil
		}
	}()
	verdict, code = r.receipt(&in)
	return
}

// receipt makes the checks in their order, until one fails.
func (r *run) receipt(in *ReceiptInput) (verdict string, code int) {
	var receipt sign.Receipt
	ok := r.check(step{"policy", true, r.readPolicy}) &&
		r.check(step{"receipt", true, func() (text string, err error) {
			receipt, text, err = r.signedReceipt(in.Receipt)
			return text, err
		}}) &&
		r.check(step{"body", in.Body != nil, func() (string, error) { return sameBody(in.Body, receipt.Body) }})
	if !ok || in.Certificate == nil {
		return ReceiptSigned, CodeComplete
	}
	if r.all(); r.err != nil {
		return "", CodeInternal
	}
	verdict, code = ReceiptCovered, CodeComplete
	r.check(step{"promise", true, func() (string, error) {
		if r.c.Origin != receipt.Origin {
			return "", tampered("the receipt is of %s, the certificate of %s", receipt.Origin, r.c.Origin)
		}
		text, covered, err := r.covers(receipt.Position)
		if err == nil && !covered {
			verdict, code = ReceiptEarly, CodeIndeterminate
		}
		return text, err
	}})
	return verdict, code
}

// signedReceipt is the receipt of a note by a node that the policy knows, and what it says.
func (r *run) signedReceipt(note []byte) (sign.Receipt, string, error) {
	receipt, node, err := r.policy.CheckReceipt(note)
	if err != nil {
		return receipt, "", fail(CodeSignature, "the receipt: %w", err)
	}
	return receipt, fmt.Sprintf("%s of %s signed on %s: committed at index %d of history %d: "+
		"%d accepted, %d duplicate, %d conflict, %d unverified, %d rejected, %d refused",
		node, receipt.Origin, receipt.Time.Format("2006-01-02T15:04:05.000Z07:00"), receipt.Position.Index, receipt.Position.History,
		receipt.Accepted, receipt.Duplicate, receipt.Conflict, receipt.Unverified, receipt.Rejected, receipt.Refused), nil
}

// sameBody holds a body against its hash in the receipt.
func sameBody(body io.Reader, want [sha256.Size]byte) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, body)
	if err != nil {
		return "", fail(CodeUsage, "reading the body: %w", err)
	}
	if got := h.Sum(nil); [sha256.Size]byte(got) != want {
		return "", tampered("these %d bytes have SHA-256 %x, the receipt is of %x: it is another body, or packed otherwise than it was sent",
			n, got, want)
	}
	return fmt.Sprintf("these %d bytes are what was sent: SHA-256 %x", n, want), nil
}

// covers reports whether what a position held was there when the census was taken. In the census's own history that is so of every index up to its own;
// in an earlier one a SEAL has to say so, because a restore may have taken the rest away.
func (r *run) covers(at frame.Position) (text string, covered bool, err error) {
	census := r.census
	if at.History > census.History || at.History == census.History && at.Index > census.Index {
		return fmt.Sprintf("the census is as of index %d of history %d, before the receipt's %d of %d: it says nothing of this batch; "+
			"ask for a certificate of now", census.Index, census.History, at.Index, at.History), false, nil
	}
	if at.History == census.History {
		return fmt.Sprintf("index %d is not behind the census at index %d, which counts what was stored there", at.Index, census.Index), true, nil
	}
	gone := at.Index >= census.Index
	for _, s := range r.seals {
		if s.History == at.History && s.First <= at.Index && at.Index <= s.Last {
			return fmt.Sprintf("index %d is in ordinal %d, which is sealed: the census at index %d of history %d counts what was stored there",
				at.Index, s.Ordinal, census.Index, census.History), true, nil
		}
		gone = gone || s.History > at.History && s.First <= at.Index
	}
	if gone {
		return "", false, fail(CodeRewritten, "index %d of history %d is in none of the SEALs, and the log goes on to index %d of history %d: "+
			"the cluster was put back to before the batch", at.Index, at.History, census.Index, census.History)
	}
	return fmt.Sprintf("the census is of history %d, and no SEAL shown has index %d of history %d: ask for a certificate of the device that sent the batch",
		census.History, at.Index, at.History), false, nil
}

// notInReceipt is what a receipt cannot show.
func notInReceipt(in *ReceiptInput) (lines []Line) {
	if in.Body == nil {
		lines = append(lines, Line{false, "body", "What was sent: give the body of the request, as it was sent."})
	}
	lines = append(lines, Line{false, "numbers", "Which numbers the batch had: a receipt has counts. The body says which; look each of them up in a certificate, as a frame."})
	if in.Certificate == nil {
		lines = append(lines,
			Line{false, "keys", "Whose the keys in the policy are: get them from somebody you trust, on another way than the receipt."},
			Line{false, "promise", "That the cluster still has it: give a certificate that was made later."})
	}
	return lines
}
