package raftfsm

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// check is a vfs.Trial's Check: the log holds what was acknowledged, and of the call that was running all, nothing, or of an append
// its beginning; what it says now it still says after the next power loss.
func (l *guardedLife) check(fsys vfs.FS) error {
	got, err := l.read(fsys)
	if err != nil {
		return err
	}
	if err := l.allowed(got); err != nil {
		return err
	}
	again, err := l.read(fsys.(*vfs.Mem).CrashClone(vfs.Crash{}))
	if err != nil {
		return err
	}
	if !equalLogs(got, again) {
		return fmt.Errorf("the log was %s, and after a power loss it is %s", span(got), span(again))
	}
	return nil
}

func (l *guardedLife) allowed(got []*raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(got)
	switch {
	case l.broken != nil:
		return l.broken
	case equalLogs(got, l.before), equalLogs(got, l.after):
		return nil
	case n > len(l.before) && n < len(l.after) && equalLogs(got, l.after[:n]): // of an append
		return nil
	}
	return fmt.Errorf("the log is %s; acknowledged was %s, asked for %s", span(got), span(l.before), span(l.after))
}

// read opens the log and reads all there is.
func (l *guardedLife) read(fsys vfs.FS) (es []*raft.Log, err error) {
	log, err := wal.Open(fsys, "wal", l.walOptions())
	if err != nil {
		return nil, err
	}
	defer log.Close()
	first, _ := log.FirstIndex()
	last, err := log.LastIndex()
	for i := first; i <= last && i > 0 && err == nil; i++ {
		e := new(raft.Log)
		err = log.GetLog(i, e)
		es = append(es, e)
	}
	return es, err
}

func equalLogs(a, b []*raft.Log) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Index != b[i].Index || a[i].Term != b[i].Term || a[i].Type != b[i].Type || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

// span describes a log by its terms.
func span(es []*raft.Log) string {
	if len(es) == 0 {
		return "empty"
	}
	s := fmt.Sprintf("%d", es[0].Index)
	for i, e := range es {
		if i > 0 && e.Term != es[i-1].Term {
			s += fmt.Sprintf("..%d (term %d), %d", es[i-1].Index, es[i-1].Term, e.Index)
		}
	}
	end := es[len(es)-1]
	return s + fmt.Sprintf("..%d (term %d)", end.Index, end.Term)
}

// fence is the limit of the guards here; a stall is much longer, or a little shorter.
const fence = 2 * time.Second

func TestGuardedLogCrashes(t *testing.T) {
	l := &guardedLife{limit: fence, inline: true}
	vfs.EachCrash(t, vfs.Trial{Workload: l.run, Check: l.check, Seeds: 2, Recovery: 3, Points: diskPoints})
}

func TestGuardedLogFaults(t *testing.T) {
	l := &guardedLife{limit: fence, inline: true}
	vfs.EachFault(t, vfs.Trial{Workload: l.run, Check: l.check, Seeds: 1, Recovery: 3, Points: diskPoints})
}

func TestGuardedLogStalls(t *testing.T) {
	for _, stall := range []time.Duration{fence - 1, 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := &guardedLife{limit: fence}
			run := func(fsys vfs.FS) error {
				err := l.run(fsys)
				if err != nil && stall < fence {
					l.breach("a stall of %s, and the log failed: %w", stall, err)
				}
				return err
			}
			vfs.EachStall(t, vfs.Trial{Workload: run, Check: l.check, Seeds: 1, Points: diskPoints}, stall)
		})
	}
}
