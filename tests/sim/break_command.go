package sim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// commanded asks the cluster for something, again until it is done, for commandFor at most.
func (c *cluster) commanded(step schedule.Step) bite {
	felt := uint64(0)
	c.tasks.Go(func() {
		for deadline := time.Now().Add(commandFor); time.Now().Before(deadline); {
			if c.command(step.Fault, step.Peer) {
				c.mu.Lock()
				felt = 1
				c.mu.Unlock()
				return
			}
			if !c.wait(200 * time.Millisecond) {
				return
			}
		}
	})
	return bite{witness: func() uint64 { return felt }}
}

// commandFor is how long a command is asked for.
const commandFor = 10 * time.Second

// command asks the leader once, and reports whether it was done.
func (c *cluster) command(what schedule.Fault, peer int) bool {
	m := c.leader()
	if m == nil {
		return false
	}
	path, body := "/v1/cluster/flush", ""
	if what == schedule.Transfer {
		path, body = "/v1/cluster/transfer", "{}"
		if peer > 0 && c.machines[peer-1] == m {
			return true // it leads already
		}
		if peer > 0 {
			body = fmt.Sprintf(`{"to":%q}`, c.machines[peer-1].name)
		}
	}
	status, answer, err := c.control.do(m, http.MethodPost, path, nil, []byte(body), 15*time.Second)
	c.journal.note(m.name, fmt.Sprintf("%s answers %d %s %v", path, status, answer, err))
	return err == nil && status == http.StatusOK
}

// commandNow asks without caring for the answer.
func (c *cluster) commandNow(what schedule.Fault) { c.command(what, 0) }
