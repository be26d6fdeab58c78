package query

import (
	"encoding/hex"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// ledger serves GET /v1/ledger: the balances at one index. A, C and D are those of the principal's tenant; B counts whole listeners,
// which tenants share, and is shown to those who may administer. The digest covers the ledger of all tenants: replicas at the same
// index have the same.
func (a *API) ledger(r *request) error {
	var b balances
	err := a.view(r, func(v *View) error { return b.read(v, r.who.Tenant, a.opt.MaxStreams) })
	if err != nil {
		return err
	}
	if b.segments, err = a.census.frames(&r.reading, b.manifest, r.who.Tenant); err != nil {
		return err
	}
	c := b.sum.result()
	if err := r.requireComplete(&c); err != nil {
		return err
	}
	w := &r.w
	w.open('{')
	w.key("balances")
	w.open('{')
	w.key("A")
	if err := w.marshal(&b.a); err != nil {
		return err
	}
	w.key("B")
	if err := a.writeB(r); err != nil {
		return err
	}
	b.writeC(w)
	b.writeD(w)
	w.close('}')
	w.key("digest")
	w.str(hex.EncodeToString(b.digest[:]))
	r.writeState(b.asOf, &c)
	w.close('}')
	r.rows = 1
	return nil
}

// writeB writes balance B, null for those it is not for.
func (a *API) writeB(r *request) error {
	if a.opt.BalanceB == nil || !r.who.Scopes.Has(auth.Admin) {
		r.w.null()
		return nil
	}
	return r.w.marshal(a.opt.BalanceB())
}

// balances is what one View says.
type balances struct {
	asOf   AsOf
	a      ledger.Balance
	digest ledger.Digest
	sum    sum

	head     uint64 // frames of the tenant in the heads
	segments uint64 // and in the segments of
	manifest *segment.Manifest
}

func (b *balances) read(v *View, tenant string, maxStreams int) error {
	if v.Ledger.Len() > maxStreams {
		return limitError("query.max_streams", maxStreams, "the digest covers every stream, and this node holds more")
	}
	b.asOf, b.manifest = v.AsOf, v.Manifest
	b.a = v.Ledger.TenantBalance(tenant)
	b.digest = v.Ledger.Root()
	all := selection{tenant: tenant, system: true}
	all.each(v, "", "", func(id frame.StreamID, _ frame.StreamKey) bool {
		b.head += uint64(v.Head.Count(id))
		for _, sealed := range v.Sealed {
			b.head += uint64(sealed.Count(id))
		}
		if grade, ok := v.Ledger.Grade(id); ok {
			b.sum.add(completeness{verdict: grade})
		}
		return true
	})
	b.sum.expected, b.sum.stored = b.a.Expected, b.a.Stored
	return nil
}

// writeC writes where the accepted frames are: those that are in no segment yet are in the log only, whatever heads show them.
func (b *balances) writeC(w *writer) {
	w.key("C")
	w.open('{')
	w.key("accepted")
	w.uint(b.a.Stored)
	w.key("log_only")
	w.uint(b.head)
	w.key("hot")
	w.uint(b.segments)
	for _, name := range []string{"cold_only", "expired", "erased"} {
		w.key(name)
		w.uint(0)
	}
	w.key("balance")
	w.int(b.balance())
	w.close('}')
}

// balance is what the ledger calls stored less what is there.
func (b *balances) balance() int64 { return int64(b.a.Stored - b.head - b.segments) }

// writeD writes whether what the ledger calls stored can be read.
func (b *balances) writeD(w *writer) {
	w.key("D")
	w.open('{')
	w.key("stored")
	w.uint(b.a.Stored)
	w.key("head")
	w.uint(b.head)
	w.key("segments")
	w.uint(b.segments)
	w.key("balance")
	w.int(b.balance())
	w.close('}')
}
