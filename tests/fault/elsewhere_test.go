//go:build !linux

package fault

import (
	"flag"
	"testing"

	_ "github.com/gaplessdb/gapless/tests/trial" // its flags: commands that work on Linux are skips here, and no errors
)

var which = flag.String("scenarios", "none", "TestScenarios skips, unless it is none")

// TestScenarios says aloud what this system cannot do: make fault and make planted ask for it.
func TestScenarios(t *testing.T) {
	if *which != "none" {
		t.Skip("SKIP tests/fault: needs Linux")
	}
}
