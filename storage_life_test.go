package gapless

import (
	"bytes"
	"fmt"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// life is what a node does in a trial.
type life struct {
	storagePromises
	do   func(l *life, disk *vfs.Mem) error
	away bool // it makes no merges
}

// run is a vfs.Trial's Workload.
func (l *life) run(disk vfs.FS) error {
	l.storagePromises = storagePromises{here: map[segment.Name]bool{}}
	return l.do(l, disk.(*vfs.Mem))
}

// check is a vfs.Trial's Check: the next process on what is left.
func (l *life) check(disk vfs.FS) error {
	n, err := bootStorage(disk)
	if err != nil {
		return err
	}
	if newest, own := n.newestFloor(), sickStory().floors[1]; l.sick && (newest.Index < own.Index || newest.Hash == own.Hash) {
		if err := l.verify(n, sickStory()); err != nil {
			return fmt.Errorf("after the start, sick: %w", err)
		}
		err = (&life{storagePromises: storagePromises{here: map[segment.Name]bool{}}}).heal(n)
	} else if err = l.verify(n, trueStory()); err != nil {
		err = fmt.Errorf("after the start: %w", err)
	}
	if err != nil {
		return err
	}
	if err := finish(n, trueStory()); err != nil {
		return fmt.Errorf("going on: %w", err)
	}
	return n.close()
}

// live appends the entries up to an index, flushes at each flush point as soon as lag heads are sealed, and cuts the log.
func (l *life) live(n *storageNode, s *story, upto uint64, lag int) error {
	at, err := n.applied()
	if err != nil {
		return err
	}
	for _, e := range s.entries[at:upto] {
		if err := n.append(e); err != nil {
			return err
		}
		l.acked = e.Index
		if e.Index == s.planned && !l.away {
			if err := n.merge(); err != nil {
				return err
			}
		}
		if e.Type != 0 || !isFlushPoint(s, e.Index) || n.sealed() < lag {
			continue
		}
		for n.sealed() > 0 {
			if err := n.step(); err != nil {
				return err
			}
			l.has(n)
			if err := n.cut(); err != nil {
				return err
			}
		}
	}
	return n.cut()
}

func isFlushPoint(s *story, index uint64) bool {
	_, ok := s.at(index)
	return ok
}

// sealed is how many heads wait for their flush.
func (n *storageNode) sealed() (count int) {
	n.state.View(func(v raftfsm.View) { count = len(v.Sealed) })
	return count
}

// restart ends the process in order and starts the next one.
func restart(n *storageNode, disk *vfs.Mem) (*storageNode, error) {
	if err := n.close(); err != nil {
		return nil, err
	}
	return bootStorage(disk)
}

// heal lives the sick story to its second floor and takes the majority's instead.
func (l *life) heal(n *storageNode) error {
	sick, majority := sickStory(), trueStory().floors[1]
	if err := l.live(n, sick, sick.floors[1].Index, 1); err != nil {
		return err
	}
	if err := n.flushAll(); err != nil {
		return err
	}
	n.state.Abandon()
	if _, err := n.floors.Adopt(onlyReads{bytes.NewReader(majority.file)}, majority.Hash); err != nil {
		return err
	}
	return n.restoreNewest()
}

// install takes a floor from the leader. A flush of a head that the floor covers comes between its file and the state.
func (l *life) install(n *storageNode, c chapter) error {
	if err := n.receive(c); err != nil {
		return err
	}
	l.acked, l.installed = max(l.acked, c.Index), c.Index
	if err := n.step(); err != nil {
		return err
	}
	if err := n.restoreNewest(); err != nil {
		return err
	}
	return n.wipe()
}

// bring pulls what is missing.
func (l *life) bring(n *storageNode, s *story) error {
	if err := n.bring(s); err != nil {
		return err
	}
	l.has(n)
	return nil
}
