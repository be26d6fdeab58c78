//go:build linux

package fault

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
)

// dumpBytes bounds what is kept of what a disk holds.
const dumpBytes = 16 << 10

// dump reads the disks of stopped nodes with `gapless dump`: a witness that asks no node. What it prints goes into the report; damage that is still
// there once all is healed and every process has ended in good order breaks a promise.
func (w *world) dump(out *drive.Outcome) (logs map[string]string) {
	logs = map[string]string{}
	for _, c := range w.computers {
		for _, what := range []string{"manifest", "wal"} {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			text, err := exec.CommandContext(ctx, w.setup.Binary, "dump", what, c.dir).CombinedOutput()
			cancel()
			logs[c.name+": gapless dump "+what] = string(text[max(0, len(text)-dumpBytes):])
			if err != nil {
				out.Verdict.Add(out.Run, check.Violation{
					Checker: "dump", What: fmt.Sprintf("DAMAGED: gapless dump %s: %v", what, err), Node: c.name, At: out.Took,
					Witnesses: []string{string(text[max(0, len(text)-1000):])},
				})
			}
		}
	}
	return logs
}
