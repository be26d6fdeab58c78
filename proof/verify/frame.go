package verify

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// Frame is what is known of the one frame that was asked for.
type Frame struct {
	Tenant     string `json:"tenant,omitempty"` // of a trace: a certificate's scope says it
	Device     string `json:"device"`
	Stream     string `json:"stream"`
	Epoch      uint32 `json:"epoch"`
	Seq        uint64 `json:"seq"`
	State      string `json:"state"`                // "stored", "unexpected", or that of its gap
	Ordinal    uint32 `json:"ordinal,omitempty"`    // seal ordinal in which it was hashed
	Index      uint64 `json:"index,omitempty"`      // last Raft index of that ordinal
	Time       string `json:"time,omitempty"`       // when that ended
	Cause      string `json:"cause,omitempty"`      // why it is missing
	Confidence string `json:"confidence,omitempty"` // in the cause
	Reason     string `json:"reason,omitempty"`

	Content *content.Frame `json:"-"` // its bytes, when there are segments
	Bytes   []byte         `json:"-"` // canonical, of the group that it was hashed with
}

// frame finds out about the frame that was asked for.
func (r *run) frame() (string, error) {
	f, e, err := r.find()
	if err != nil {
		return "", err
	}
	r.done.Frame = f
	name := fmt.Sprintf("number %d of %s/%s epoch %d", f.Seq, f.Device, f.Stream, f.Epoch)
	if f.Seq < e.Base || f.Seq >= e.Next {
		f.State = "unexpected"
		return name + " is not expected: nobody said that it exists", nil
	}
	for i := range e.Gaps {
		if g := &e.Gaps[i]; g.First <= f.Seq && f.Seq <= g.Last {
			f.State, f.Confidence, f.Reason = string(g.State), g.Confidence(), g.Reason
			if g.Cause == 0 {
				return name + " is missing, and may still come", nil
			}
			f.Cause = g.Cause.String()
			return fmt.Sprintf("%s is missing: %s (%s)", name, f.Cause, f.Confidence), nil
		}
	}
	f.State = "stored"
	return r.stored(f, name)
}

// stored finds the strip of a stored frame, if it is shown, and with segments proves its bytes.
func (r *run) stored(f *Frame, name string) (string, error) {
	k := leaves.Key{Epoch: f.Epoch}
	k.Tenant, k.Device, k.Stream = r.c.Scope.Tenant, f.Device, f.Stream
	for i, strips := range r.strips {
		for _, s := range strips {
			if s.key != k {
				continue
			}
			proven, err := content.ParseStrip(s.leaf)
			if err != nil {
				return "", err
			}
			if _, out := outside([]ledger.Run{{First: f.Seq, Last: f.Seq}}, proven.Runs); out {
				continue
			}
			f.Ordinal, f.Index, f.Time = r.seals[i].Ordinal, r.seals[i].Last, r.seals[i].At
			text := fmt.Sprintf("%s is stored, sealed in ordinal %d at %s", name, f.Ordinal, f.Time)
			if r.segments == nil {
				return text, nil
			}
			return text + "; its bytes lead to that seal", r.prove(f, k, s.leaf)
		}
	}
	return name + " is stored; the certificate does not show in which seal", nil
}

func (r *run) prove(f *Frame, k leaves.Key, leaf []byte) error {
	p, err := content.ProveFrame(r.ctx, r.segments.of(f.Ordinal, f.Ordinal), k.StreamKey, k.Epoch, f.Ordinal, f.Seq)
	if err != nil {
		return damage(err)
	}
	got, err := p.Check(f.Seq)
	if err != nil || string(p.Strip.Append(nil)) != string(leaf) {
		return tampered("number %d of %s is not the frame that was hashed: %v", f.Seq, k, err)
	}
	f.Content, f.Bytes = &got, p.Group
	return nil
}

// inScope reports whether the certificate says something of a number.
func (r *run) inScope(k leaves.Key, seq uint64) bool {
	if len(r.c.Scope.Time) > 0 {
		e := r.epochOf(k)
		return e != nil && len(e.Seq) == 2 && e.Seq[0] <= seq && seq <= e.Seq[1]
	}
	counts := r.c.Scope.Counts()
	return r.c.Scope.HoldsEpoch(k.Epoch) && counts.First <= seq && seq <= counts.Last
}

// find reads which frame was asked for. Names of devices may have slashes in them, so the scope decides where one ends.
func (r *run) find() (*Frame, *census.Epoch, error) {
	bad := func(format string, args ...any) error {
		return fail(CodeUsage, "frame %q: %s", r.in.Frame, fmt.Sprintf(format, args...))
	}
	parts := strings.Split(r.in.Frame, "/")
	if len(parts) < 3 {
		return nil, nil, bad("give device/epoch/seq, or device/stream/epoch/seq")
	}
	n := len(parts)
	epoch, err := strconv.ParseUint(parts[n-2], 10, 32)
	if err != nil || epoch == 0 {
		return nil, nil, bad("the epoch is an ordinal: 1, 2, ...")
	}
	seq, err := strconv.ParseUint(parts[n-1], 10, 64)
	if err != nil {
		return nil, nil, bad("the last part is a number")
	}
	name := strings.Join(parts[:n-2], "/")
	var found []*census.Leaf
	for _, l := range r.streams {
		if l.Key.Device == name || l.Key.Device+"/"+l.Key.Stream == name {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return nil, nil, bad("the certificate is not about it")
	case 1:
	default:
		return nil, nil, bad("%d streams are called so, among them %s and %s: name the stream, device/stream/epoch/seq", len(found), found[0].Key, found[1].Key)
	}
	e := found[0].Epoch(uint32(epoch))
	if e == nil {
		return nil, nil, bad("%s has %d epochs", found[0].Key, len(found[0].Epochs))
	}
	if !r.inScope(leaves.Key{StreamKey: found[0].Key, Epoch: e.Ordinal}, seq) {
		return nil, nil, bad("the certificate is about other numbers")
	}
	return &Frame{Device: found[0].Key.Device, Stream: found[0].Key.Stream, Epoch: e.Ordinal, Seq: seq}, e, nil
}
