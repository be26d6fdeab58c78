//go:build linux

package fault

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// limitsEvery is how often a process is looked at.
const limitsEvery = 200 * time.Millisecond

// limits is what the processes of a computer met of what they may have.
type limits struct {
	memory atomic.Uint64
	waited atomic.Uint64 // processes that said that clients had to wait for a place: a node holds them back before it is out of descriptors
	files  atomic.Int64  // the most descriptors that were found in use
}

// watch counts until the process of c has ended.
func (l *limits) watch(c *computer, p *process) {
	tick := time.NewTicker(limitsEvery)
	defer tick.Stop()
	var memory, waited, full uint64
	for running := true; running; {
		select {
		case <-p.Exited():
			running = false
		case <-tick.C:
		}
		met, crowded := p.MemoryMet(), min(1, p.log.crowded.Load())
		l.memory.Add(met - memory)
		l.waited.Add(crowded - waited)
		memory, waited = met, crowded
		if open, _, err := p.Descriptors(); err == nil { // of one that is just ending nobody knows
			l.files.Store(max(l.files.Load(), int64(open)))
		}
		if now := p.log.full.Load(); now > 0 && full == 0 {
			full = now
			c.w.Violate("descriptors", fmt.Sprintf("%s is out of descriptors: clients took what the log, Raft and segments need", c.name))
		}
	}
}

// Felt implements drive.Narrow.
func (w *world) Felt() (list []check.Fault) {
	var memory, waited uint64
	var files int64
	for _, c := range w.computers {
		memory += c.limits.memory.Load()
		waited += c.limits.waited.Load()
		files = max(files, c.limits.files.Load())
	}
	if most := w.setup.Limits.MemoryBytes; most > 0 {
		list = append(list, check.Fault{Kind: "memory", Text: fmt.Sprintf("at most %d MiB for each process", most>>20), Witness: memory})
	}
	if most := w.setup.Limits.OpenFiles; most > 0 {
		list = append(list, check.Fault{Kind: "open_files", Witness: waited,
			Text: fmt.Sprintf("at most %d descriptors for each process, of which at most %d were found in use", most, files)})
	}
	return list
}
