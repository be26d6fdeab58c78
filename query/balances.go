package query

import (
	"encoding/hex"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
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
	head   uint64 // frames of the tenant in the head
	digest ledger.Digest
	sum    sum
}

func (b *balances) read(v *View, tenant string, maxStreams int) error {
	if v.Ledger.Len() > maxStreams {
		return limitError("query.max_streams", maxStreams, "the digest covers every stream, and this node holds more")
	}
	b.asOf = v.AsOf
	b.a = v.Ledger.TenantBalance(tenant)
	b.digest = v.Ledger.Root()
	all := selection{tenant: tenant, system: true}
	all.each(v, "", "", func(id frame.StreamID, _ frame.StreamKey) bool {
		b.head += uint64(v.Head.Count(id))
		if grade, ok := v.Ledger.Grade(id); ok {
			b.sum.add(completeness{verdict: grade})
		}
		return true
	})
	b.sum.expected, b.sum.stored = b.a.Expected, b.a.Stored
	return nil
}

// writeC writes where the accepted frames are. Until there are segments they are in the log and its head.
func (b *balances) writeC(w *writer) {
	w.key("C")
	w.open('{')
	w.key("accepted")
	w.uint(b.a.Stored)
	w.key("log_only")
	w.uint(b.head)
	for _, name := range []string{"hot", "cold_only", "expired", "erased"} {
		w.key(name)
		w.uint(0)
	}
	w.key("balance")
	w.int(int64(b.a.Stored - b.head))
	w.close('}')
}

// writeD writes whether what the ledger calls stored can be read.
func (b *balances) writeD(w *writer) {
	w.key("D")
	w.open('{')
	w.key("stored")
	w.uint(b.a.Stored)
	w.key("head")
	w.uint(b.head)
	w.key("segments")
	w.uint(0)
	w.key("balance")
	w.int(int64(b.a.Stored - b.head))
	w.close('}')
}
