package query

import (
	"encoding/json"
	"net/url"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// TestReadersWhileRowsMove reads listings in pages while another goroutine commits, seals and flushes: every listing has each number that
// its first page counted, once and in order.
func TestReadersWhileRowsMove(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.crowded = true
	s.put(t, measured("d", 0))
	api := newAPI(t, s, Options{})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for n := 0; ; n++ {
				readListing(t, api)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for seq := uint64(1); seq < 400; seq++ {
		s.put(t, measured("d", seq))
		switch seq % 10 {
		case 3, 7:
			s.seal()
		case 5, 9:
			s.flush(t)
		}
	}
	close(done)
	readers.Wait()
	readListing(t, api)
}

func readListing(t *testing.T, api *API) {
	args, seq := url.Values{"device": {"d"}, "limit": {"50"}, "fields": {"value-0"}}, uint64(0)
	for {
		body, err := api.ask(question{"frames", "", args.Encode()}, "t")
		if err != nil {
			t.Error(err)
			return
		}
		var a answer
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			t.Error(err)
			return
		}
		for _, f := range a.Frames {
			if f.Seq != seq {
				t.Errorf("number %d came where %d was due", f.Seq, seq)
				return
			}
			seq++
		}
		if a.Next == nil {
			if seq != a.Completeness.Stored || a.Completeness.Missing != 0 {
				t.Errorf("%d frames of %+v", seq, a.Completeness)
			}
			return
		}
		args.Set("cursor", *a.Next)
	}
}
