//go:build linux

package fault

import (
	"encoding/binary"
	"fmt"
	"regexp"

	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// moment is an operation by which an act can be told from any other.
type moment struct {
	op   faultfs.Op
	path *regexp.Regexp
	cuts bool // it takes the beginning of the log away
}

// Names of files that only one act has: docs/ARCHITECTURE.md, and the packages that write them.
var (
	segments  = exactly(`segments`)
	flushTemp = exactly(`segments/\d{20}-\d{20}\.tmp`)
	mergeTemp = exactly(`segments/[0-9a-f]{16}-\d\d\.tmp`)
	pullTemp  = exactly(`segments/[0-9a-f]{64}\.part`)
	floors    = exactly(`floors`)
	madeHere  = exactly(`floors/\d{20}-l\.gfl`)
	fromOther = exactly(`floors/\d{20}-i\.gfl`)
	anyFloor  = exactly(`floors/\d{20}-[li]\.gfl`)
	log       = exactly(`wal`)
	logFile   = exactly(`wal/\d{20}\.wal`)
	logTemp   = exactly(`wal/meta\.tmp`)
	logMeta   = exactly(`wal/meta`)
)

func exactly(pattern string) *regexp.Regexp { return regexp.MustCompile(`^` + pattern + `$`) }

// acts lists the moments of each act, in the order in which they come. Of a floor only the name tells whether it was made here, so nothing
// is known of it before it gets one: it is whole by then.
var acts = map[string][]moment{
	schedule.Flushing: {
		{op: faultfs.Create, path: flushTemp}, {op: faultfs.Write, path: flushTemp}, {op: faultfs.Sync, path: flushTemp},
		{op: faultfs.Rename, path: flushTemp}, {op: faultfs.SyncDir, path: segments},
	},
	schedule.Publishing: {{op: faultfs.Rename, path: madeHere}, {op: faultfs.SyncDir, path: floors}, {op: faultfs.Remove, path: anyFloor}},
	schedule.Merging: { // a few files at once, which get their names one after the other
		{op: faultfs.Create, path: mergeTemp}, {op: faultfs.Write, path: mergeTemp}, {op: faultfs.Sync, path: mergeTemp},
		{op: faultfs.Rename, path: mergeTemp}, {op: faultfs.SyncDir, path: segments},
	},
	schedule.Cutting: {{op: faultfs.Rename, path: logMeta, cuts: true}, {op: faultfs.SyncDir, path: log}},
	schedule.Recycling: {
		{op: faultfs.Rename, path: logFile}, {op: faultfs.SyncDir, path: log}, {op: faultfs.Write, path: logTemp},
		{op: faultfs.Rename, path: logMeta},
	},
	schedule.Installing: { // then the log is emptied, and the segments that the floor lists are pulled
		{op: faultfs.Rename, path: fromOther}, {op: faultfs.SyncDir, path: floors}, {op: faultfs.Rename, path: logMeta},
		{op: faultfs.Write, path: pullTemp},
	},
}

// trap waits for one moment of an act.
type trap struct {
	moments []moment
	wanted  int // of them
	seen    int // moments of the act that is under way
	read    func(name string) ([]byte, error)
}

func newTrap(act string, chance uint64, read func(name string) ([]byte, error)) *trap {
	moments := acts[act]
	return &trap{moments: moments, wanted: int(chance % uint64(len(moments))), read: read}
}

// springs is shown every operation before it is done, and a rename once for each of its names, and reports whether this is the moment.
func (t *trap) springs(path string, op faultfs.Op) bool {
	switch {
	case t.is(0, path, op):
		t.seen = 1
	case t.seen < len(t.moments) && t.is(t.seen, path, op):
		t.seen++
	default:
		return false
	}
	return t.seen-1 == t.wanted
}

func (t *trap) is(n int, path string, op faultfs.Op) bool {
	m := &t.moments[n]
	return op == m.op && m.path.MatchString(path) && (!m.cuts || t.cuts())
}

// cuts reports whether the log begins later by what wal/meta.tmp says than by wal/meta (docs/format/wal.md). An empty one begins at 0.
func (t *trap) cuts() bool {
	first := func(name string) uint64 {
		b, err := t.read(name)
		if err != nil || len(b) < 16 {
			return 0
		}
		return binary.LittleEndian.Uint64(b[8:])
	}
	before := first("wal/meta")
	return before > 0 && first("wal/meta.tmp") > before
}

// Trap implements drive.Trapper.
func (d *disk) Trap(act string, chance uint64, sprung func(what string)) (off func()) {
	t := newTrap(act, chance, d.fs.ReadFile)
	return d.fs.Hang(once(func(path string, op faultfs.Op) bool {
		if !t.springs(path, op) {
			return false
		}
		sprung(fmt.Sprintf("%s %s", op, path))
		return true
	})).Clear
}
