package port

import (
	"context"
	"fmt"
	"testing"
)

// TestCaller: a handler knows which server asks, and whether that is proven, also on a connection that is used again.
func TestCaller(t *testing.T) {
	who := func(o *Options) {
		o.Handler = func(ctx context.Context, _ byte, _ []byte) ([]byte, error) {
			c, ok := CallerOf(ctx)
			return fmt.Appendf(nil, "%s %t %t", c.Server, c.Proven, ok), nil
		}
	}
	ca := newAuthority(t)
	for want, of := range map[string][]func(*Options){
		"n1.a false true": {who},
		"n1.a true true":  {who, with(ca.equip(t, "n1"))},
	} {
		a := listen(t, "c", "n1.a", of...)
		if len(of) > 1 {
			of[1] = with(ca.equip(t, "n2"))
		}
		b := listen(t, "c", "n2.b", of...)
		for range 2 {
			if out, err := a.Call(t.Context(), at(b), 5, nil); err != nil || string(out) != want {
				t.Errorf("%q, %v, want %q", out, err, want)
			}
		}
	}
	if _, ok := CallerOf(t.Context()); ok {
		t.Error("nobody asked")
	}
}
