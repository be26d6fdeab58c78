package sign

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// Receipt is a node's signed word that a batch was committed: what was sent (its SHA-256), where, and how many of its items ended how. Whoever
// holds one can show later that the cluster lost what it had acknowledged.
type Receipt struct {
	Origin   string
	Position frame.Position
	Body     [32]byte // SHA-256 of the request's body as it was sent, packed or not
	Counts
	Time time.Time // milliseconds
}

// Counts are what became of a batch's items, each counted once. Rejected were turned down by the door, Refused by the store; an answer lists
// both as rejected.
type Counts struct {
	Accepted, Duplicate, Conflict, Unverified, Rejected, Refused uint64
}

const receiptLine = "receipt/v1"

// Text is the text of the receipt's note; docs/format/tlog.md has its lines.
func (r Receipt) Text() string {
	return fmt.Sprintf("%s\n%s\nposition %d %d %d\nbody %x\naccepted %d\nduplicate %d\nconflict %d\nunverified %d\nrejected %d\nrefused %d\ntime %s\n",
		r.Origin, receiptLine, r.Position.History, r.Position.Index, r.Position.Ordinal, r.Body,
		r.Accepted, r.Duplicate, r.Conflict, r.Unverified, r.Rejected, r.Refused, r.Time.UTC().Format(receiptTime))
}

const receiptTime = "2006-01-02T15:04:05.000Z"

// ParseReceipt reads the text of a receipt's note: what Text writes, and nothing that merely resembles it.
func ParseReceipt(text []byte) (Receipt, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 12 || lines[1] != receiptLine {
		return Receipt{}, fmt.Errorf("sign: not a receipt: want 11 lines, the second of them %s", receiptLine)
	}
	r := Receipt{Origin: lines[0]}
	if err := checkLine(r.Origin); err != nil {
		return Receipt{}, fmt.Errorf("sign: receipt: the origin %w", err)
	}
	for i, n := range []*uint64{&r.Accepted, &r.Duplicate, &r.Conflict, &r.Unverified, &r.Rejected, &r.Refused} {
		_, number, _ := strings.Cut(lines[4+i], " ")
		*n, _ = strconv.ParseUint(number, 10, 64)
	}
	if at := strings.Split(lines[2], " "); len(at) == 4 {
		r.Position.History, _ = strconv.ParseUint(at[1], 10, 64)
		r.Position.Index, _ = strconv.ParseUint(at[2], 10, 64)
		ordinal, _ := strconv.ParseUint(at[3], 10, 32)
		r.Position.Ordinal = uint32(ordinal)
	}
	if sum, err := hex.DecodeString(strings.TrimPrefix(lines[3], "body ")); err == nil && len(sum) == len(r.Body) {
		r.Body = [32]byte(sum)
	}
	r.Time, _ = time.Parse(receiptTime, strings.TrimPrefix(lines[10], "time "))
	if got := strings.Split(r.Text(), "\n"); r.Text() != string(text) { // whatever did not parse does not come out again
		for i := range got {
			if got[i] != lines[i] {
				return Receipt{}, fmt.Errorf("sign: receipt: line %d is %.100q", i+1, lines[i])
			}
		}
	}
	return r, nil
}

// SignReceipt makes the note of a receipt, in the name of the node whose key k is.
func (k Key) SignReceipt(node string, r Receipt) ([]byte, error) {
	if _, err := ParseReceipt([]byte(r.Text())); err != nil {
		return nil, err
	}
	return k.signAs(node, r.Origin, r.Text())
}

// CheckReceipt believes a receipt or says why not, in a *SignatureError. One node's signature is enough, by any key that the policy
// has of it: a receipt is that node's own word. node is its id.
func (p *Policy) CheckReceipt(msg []byte) (r Receipt, node string, err error) {
	o, err := open(msg, p.nodeKeys())
	if err != nil {
		return Receipt{}, "", err
	}
	if r, err = ParseReceipt(o.text); err != nil {
		return Receipt{}, "", refuse(FaultMalformed, "%v", err)
	}
	if err := o.believable(); err != nil {
		return Receipt{}, "", err
	}
	node, ok := NodeOf(r.Origin, o.held[0].Key.Name)
	if !ok {
		return Receipt{}, "", refuse(FaultOrigin, "the receipt is of cluster %q, but signed by %s", r.Origin, o.held[0].Key.Name)
	}
	return r, node, nil
}
