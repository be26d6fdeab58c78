package drive

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// sameWithin is how long it may take until every node has applied and flushed the same.
const sameWithin = time.Minute

// heal ends every fault and waits until each node is a voter, ready, and has what the others have. It reports whether that came.
func (d *Driver) heal() bool {
	d.world.Network().Calm()
	for _, m := range d.machines {
		for _, t := range []Trouble{FailSync, DropSync, FailRead, FailWrite, Full, StallLog, SlowAll, HangAll} {
			m.Disk().Disarm(t)
		}
		m.Clock().SetSkew(0)
	}
	d.Record(func(r *check.Run) { r.Healed = d.Now() })
	d.journal.note("", "healed")
	return d.until("liveness", "all nodes ready", d.opt.HealWithin, d.allReady)
}

// until waits for a condition. When it does not come it finds fault, and is false.
func (d *Driver) until(checker, what string, limit time.Duration, holds func() (bool, string)) bool {
	deadline := time.Now().Add(limit)
	for {
		ok, why := holds()
		if ok {
			return true
		}
		if time.Now().After(deadline) {
			d.Violate(checker, fmt.Sprintf("%s: not within %s of the heal: %s", what, limit, why))
			return false
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// settle flushes everything, and waits until every node stands at the same index and floor.
func (d *Driver) settle() {
	d.until("liveness", "a flush", sameWithin, func() (bool, string) {
		m := d.leader()
		if m == nil {
			return false, "no leader"
		}
		status, body, err := d.control.Do(m.node(), http.MethodPost, "/v1/cluster/flush", nil, nil, 10*time.Second)
		return err == nil && status == http.StatusOK, fmt.Sprintf("%d %s %v", status, body, err)
	})
	d.until("replicas", "one floor on all nodes", sameWithin, func() (bool, string) {
		var first *check.Storage
		for _, m := range d.machines {
			s := d.Storage(d.control, m.node())
			switch {
			case s == nil:
				return false, m.Name() + " does not answer"
			case s.Missing > 0:
				return false, fmt.Sprintf("%s lacks %d segments", m.Name(), s.Missing)
			case first == nil:
				first = s
			case s.Floor != first.Floor || s.FloorHash != first.FloorHash:
				return false, fmt.Sprintf("%s has floor %d %.8s, %s has %d %.8s", m.Name(), s.Floor, s.FloorHash, first.Node, first.Floor,
					first.FloorHash)
			}
		}
		return true, ""
	})
}
