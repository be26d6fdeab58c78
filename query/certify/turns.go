package certify

import (
	"net/http"
	"sync"

	"github.com/gaplessdb/gapless/auth"
)

// turns is the places for certificates that are being made or sent: that many are held in memory. Of whoever has a token one has a place, so that nobody
// keeps all of them by reading slowly.
type turns struct {
	most int

	mu    sync.Mutex // protects what follows
	taken int
	by    map[auth.Principal]int
}

// free makes sure that somebody could take one now. What comes before it may be dear: ending a seal for a request that is refused then.
func (t *turns) free(who auth.Principal) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refusal(who)
}

// refusal is called with mu held.
func (t *turns) refusal(who auth.Principal) error {
	switch {
	case t.taken == t.most:
		return refuseNow(http.StatusTooManyRequests, "overloaded", "wait for one of them", "%d certificates are being made or sent", t.most)
	case t.by[who] > 0 && who.ID != auth.Anonymous: // without tokens nobody can be told from anybody
		return refuseNow(http.StatusTooManyRequests, "overloaded", "take it first, or close its connection", "a certificate for %s is being made or sent", who.ID)
	}
	return nil
}

// take takes one. give may be called once.
func (t *turns) take(who auth.Principal) (give func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.refusal(who); err != nil {
		return nil, err
	}
	t.taken++
	t.by[who]++
	return func() { t.give(who) }, nil
}

func (t *turns) give(who auth.Principal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken--
	if t.by[who]--; t.by[who] == 0 {
		delete(t.by, who)
	}
}
