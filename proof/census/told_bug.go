//go:build bug_cert_forgets_gap

package census

// Breaks: a gap is in the census as long as it is open, too. One that a heartbeat told of, behind everything that came, is left out.
func told(e Epoch) Epoch {
	n := len(e.Gaps) - 1
	if n >= 0 && e.Tail == TailWatermark && e.Gaps[n].Cause == 0 && e.Gaps[n].Last+1 == e.Next && e.Gaps[n].First > e.Base {
		e.Next, e.Gaps, e.Tail, e.TailMS = e.Gaps[n].First, e.Gaps[:n], TailLastSeen, 0
	}
	return e
}
