package workload

import (
	"fmt"
	"net/http"

	"github.com/gaplessdb/gapless/tests/check"
)

// heartbeat says how far the counter is.
func (s *Sender) heartbeat(src *source) check.Outcome {
	claim := check.Claim{Kind: check.Heartbeat, Counter: src.counter(), Declares: true, Next: src.next}
	return s.claim("heartbeat", &claim, fmt.Sprintf(`"first":0,"next_seq":%d`, src.next))
}

// declareLost says which numbers will never come.
func (s *Sender) declareLost(src *source, first, last uint64) {
	claim := check.Claim{Kind: check.Lost, Counter: src.counter(), First: first, Next: last + 1}
	s.claim("declare-lost", &claim, fmt.Sprintf(`"from":%d,"to":%d,"reason":"ring overflow"`, first, last))
}

// seal says that the epoch has ended.
func (s *Sender) seal(src *source) {
	claim := check.Claim{Kind: check.Sealed, Counter: src.counter(), Next: src.next}
	s.claim("seal", &claim, fmt.Sprintf(`"last_seq":%d`, src.next-1))
}

// claim sends what a device says of its counter, once, to any node, and records what is known of it.
func (s *Sender) claim(path string, claim *check.Claim, body string) check.Outcome {
	at := s.site.Nodes[s.rng.IntN(len(s.site.Nodes))]
	claim.Client, claim.Node = s.id, at.Name
	header := http.Header{"Content-Type": {"application/json"}}
	body = fmt.Sprintf(`{"stream":%q,"epoch":%q,%s}`, claim.Counter.Stream, claim.Counter.Epoch, body)
	claim.Invoke = s.site.Now()
	status, raw, err := s.ask.Do(at, http.MethodPost, "/v1/devices/"+claim.Counter.Device+"/"+path, header, []byte(body), sendWithin)
	claim.Return = s.site.Now()
	if err == nil {
		if err := check.ParseClaim(status, raw, claim); err != nil {
			s.site.Violate("answers", err.Error())
		}
	}
	s.site.Record(func(r *check.Run) { r.Claims = append(r.Claims, *claim) })
	return claim.Outcome
}
