package upgrade

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/raftfsm"
)

// commandsOf lists, by cluster version, the commands that a binary must know to take part, as kind.version. What is listed for a version that
// was released is never changed: nodes of that release are out there.
var commandsOf = map[int][]string{
	1: {"1.1", "2.1", "3.1", "16.1", "17.1", "18.1", "19.1", "32.1", "33.1", "34.1", "48.1", "64.1"},
	2: {"34.2", "48.2", "80.1", "81.1", "82.1", "96.1", "97.1", "98.1", "112.1", "113.1", "114.1", "115.1", "116.1"},
	3: {"48.3", "128.1", "129.1", "130.1", "131.1", "132.1", "133.1"},
}

// TestNewCommandsRaiseTheVersion: a command that an older binary of this cluster version does not know would end it as soon as a new leader
// proposes it. So a new command, or a new version of one, comes with a new cluster version, and is proposed only once that is in force.
func TestNewCommandsRaiseTheVersion(t *testing.T) {
	var want []string
	for v := 1; v <= raftfsm.SupportedVersion; v++ {
		if len(commandsOf[v]) == 0 {
			t.Errorf("cluster version %d has no commands here: list what it adds", v)
		}
		want = append(want, commandsOf[v]...)
	}
	var got []string
	state := raftfsm.NewState(gapless.Sections)
	for kind := range uint16(256) { // sections end at 143
		for version := range 256 {
			if state.Knows(kind, uint8(version)) {
				got = append(got, fmt.Sprintf("%d.%d", kind, version))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("this binary knows %v, cluster version %d has %v: "+
			"raise raftfsm.SupportedVersion for a new command, propose it only at that version, and list it here", got,
			raftfsm.SupportedVersion, want)
	}
}
