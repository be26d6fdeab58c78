package influx

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/ingest"
)

// plainNotary writes receipts of several lines, as notes are.
type plainNotary struct{}

func (plainNotary) Ready() (ingest.Signer, error) {
	return func(r ingest.Receipt) (string, error) {
		return fmt.Sprintf("receipt\n%d %x\n\n— a%d d%d r%d x%d\n", r.Position.Index, r.Body[:4], r.Accepted, r.Duplicate, r.Rejected, r.Refused), nil
	}, nil
}

// A header asks for a receipt, and a header of the answer has it, also where some lines are bad.
func TestReceiptHeader(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{Notary: plainNotary{}})
	for _, tt := range []struct {
		path, lines, wish string
		status            int
		want              string // "" for no receipt; %s is the hash
	}{
		{"/write?db=d", "m,device=a seq=1i", "true", 204, "receipt\n1 %s\n\n— a1 d0 r0 x0\n"},
		{"/api/v2/write?bucket=b&org=o", "m,device=a seq=1i", "true", 204, "receipt\n2 %s\n\n— a0 d1 r0 x0\n"},
		{"/write", "m,device=a seq=2i\nm,device=a seq=\"x\"", "true", 400, "receipt\n3 %s\n\n— a1 d0 r1 x0\n"},
		{"/write", "m,device=a seq=3i", "", 204, ""},
		{"/write", "m,device=a seq=4i", "false", 204, ""},
		{"/write", "m,device=a seq=5i", "yes", 400, ""},
		{"/write?receipt=true", "m,device=a seq=5i", "true", 400, ""}, // no parameter of this house
	} {
		var header []string
		if tt.wish != "" {
			header = []string{receiptHeader, tt.wish}
		}
		resp := r.post(tt.path, tt.lines, header...)
		note, err := base64.StdEncoding.DecodeString(string(resp.Header.Peek(receiptHeader)))
		want := tt.want
		if want != "" {
			sum := sha256.Sum256([]byte(tt.lines))
			want = fmt.Sprintf(want, fmt.Sprintf("%x", sum[:4]))
		}
		if err != nil || string(note) != want || resp.StatusCode() != tt.status {
			t.Errorf("%s %q: %d, receipt %q, %v; want %q", tt.path, tt.lines, resp.StatusCode(), note, err, want)
		}
	}
	r.store.fail = &ingest.OutcomeUnknownError{}
	if resp := r.post("/write", "m,device=a seq=6i", receiptHeader, "true"); resp.StatusCode() != 503 || len(resp.Header.Peek(receiptHeader)) != 0 {
		t.Errorf("outcome unknown: %d, receipt %q", resp.StatusCode(), resp.Header.Peek(receiptHeader))
	}
	if len(r.store.frames) != 4 {
		t.Errorf("%d frames are stored", len(r.store.frames))
	}
}
