package gapless

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
	"github.com/gaplessdb/gapless/vfs"
)

// storagePromises is what a node has said or done before it was interrupted.
type storagePromises struct {
	acked     uint64                // every entry up to it is durable and applied, or below an installed floor
	here      map[segment.Name]bool // segments of which it had a verified copy
	installed uint64                // index of a floor that a peer gave it
	rotten    segment.Name          // segment in which a bit flipped
	sick      bool                  // its own second floor is not the majority's
}

// has notes of which segments of its manifest a node has verified copies. A merge that it did not see may be missing.
func (p *storagePromises) has(n *storageNode) {
	n.state.View(func(v raftfsm.View) {
		for _, info := range v.Manifest.Segments() {
			p.here[info.Name] = n.shelf.Has(info)
		}
	})
}

// verify holds a node that has just started to what was promised: it has every acknowledged frame once, in a head or in a segment of the
// manifest, or knows that the segment is missing and to be pulled.
func (p *storagePromises) verify(n *storageNode, s *story) error {
	if err := n.shelf.Check(n.ctx, p.rotten); err != nil && !errors.Is(err, shelf.ErrNotHere) && !errors.Is(err, segment.ErrCorrupt) {
		return err
	}
	at, err := n.applied()
	if err != nil {
		return err
	}
	if at < p.acked {
		return fmt.Errorf("the state is at %d, and %d was acknowledged", at, p.acked)
	}
	if at > 0 && n.root() != s.roots[at-1] {
		return fmt.Errorf("the ledger at %d differs from that of an undisturbed replay", at)
	}
	return errors.Join(p.verifyFloors(n, s), p.verifyLog(n, s), p.verifyFiles(n, s), verifyFrames(n, s, at))
}

// verifyFloors: each floor is the one that everybody makes at its index.
func (p *storagePromises) verifyFloors(n *storageNode, s *story) error {
	for _, f := range n.floors.Floors() {
		if c, ok := s.at(f.Index); !ok || c.Hash != f.Hash {
			return fmt.Errorf("floor %d has hash %x, others have %x", f.Index, f.Hash[:4], c.Hash[:4])
		}
	}
	return nil
}

// verifyLog: floor and log meet, nothing is cut of the log that a second member has not reported to have, and the entry at the floor stays: a
// leader looks it up as the one before the next.
func (p *storagePromises) verifyLog(n *storageNode, s *story) error {
	first, last, err := n.logRange()
	newest, installed := n.newestFloor(), p.installed
	for _, f := range n.floors.Floors() { // one whose coming was interrupted counts as well
		if f.Installed {
			installed = max(installed, f.Index)
		}
	}
	switch {
	case err != nil:
		return err
	case last == 0 && newest.Index > 0 && !newest.Installed:
		return fmt.Errorf("the log is empty behind the local floor %d", newest.Index)
	case last == 0:
		return nil
	case first > newest.Index+1 || last < newest.Index:
		return fmt.Errorf("the log has %d to %d, the newest floor is %d", first, last, newest.Index)
	case first > max(s.safe(last), 1) && first > installed+1:
		return fmt.Errorf("the log begins at %d, and the cluster has reported no more than floor %d", first, s.safe(last))
	}
	return nil
}

// verifyFiles: what any floor on this disk lists and was here is here, and nothing unfinished is left.
func (p *storagePromises) verifyFiles(n *storageNode, s *story) error {
	listed, err := n.listed()
	if err != nil {
		return err
	}
	for _, info := range listed {
		b, err := vfs.ReadFile(n.dir, path.Join(segmentsDir, info.Name.FileName()), 1<<20)
		switch {
		case p.here[info.Name] && err != nil && !n.inQuarantine(s, info.Name):
			return fmt.Errorf("a segment that a floor lists was here and is not: %w", err)
		case err == nil && string(b) != string(s.segments[info.Name]):
			return fmt.Errorf("segment %s holds something else", info.Name)
		}
	}
	for _, dir := range []string{segmentsDir, floorsDir} {
		names, err := n.dir.List(dir)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(names, func(name string) bool { return strings.HasSuffix(name, ".tmp") }); i >= 0 {
			return fmt.Errorf("%s/%s was left behind", dir, names[i])
		}
	}
	return nil
}

// inQuarantine reports whether a whole copy of a segment was put aside because the disk once did not read it.
func (n *storageNode) inQuarantine(s *story, name segment.Name) bool {
	dir := path.Join(segmentsDir, "quarantine")
	names, _ := n.dir.List(dir)
	return slices.ContainsFunc(names, func(file string) bool {
		b, err := vfs.ReadFile(n.dir, path.Join(dir, file), 1<<20)
		return strings.HasPrefix(file, name.String()) && err == nil && string(b) == string(s.segments[name])
	})
}

// verifyFrames: the frames of the entries up to at are readable, each once, in its place and as it was sent, and no others; those of a
// segment that is missing are as good where the node knows that it is.
func verifyFrames(n *storageNode, s *story, at uint64) error {
	found := map[string]int{}
	missing := map[segment.Name]bool{}
	for _, info := range n.shelf.Missing() {
		missing[info.Name] = true
	}
	var wrong error
	err := n.see(s, missing, func(name string, index uint64, f *frame.Frame) {
		found[name]++
		if want := s.frames[name]; want.index != index || index > at || want.values != contents(f) {
			wrong = errors.Join(wrong, fmt.Errorf("at %d: frame %s of entry %d reads %v, sent was %+v", at, name, index, f.Fields, want))
		}
	})
	for name, want := range s.frames {
		if want.index <= at && found[name] != 1 {
			wrong = errors.Join(wrong, fmt.Errorf("at %d: frame %s of entry %d is there %d times", at, name, want.index, found[name]))
		}
	}
	return errors.Join(err, wrong)
}

// see shows every frame of the heads and of the segments that the manifest lists. Of a segment that is missing it shows what a peer has.
func (n *storageNode) see(s *story, missing map[segment.Name]bool, show func(name string, index uint64, f *frame.Frame)) (err error) {
	var m *segment.Manifest
	n.state.View(func(v raftfsm.View) {
		m = v.Manifest
		for _, head := range append(v.Sealed, v.Head) {
			head.Each(func(id frame.StreamID, epoch uint32, rows []segment.Row) {
				key, _ := v.Ledger.Key(id)
				for i := range rows {
					f := frameOf(&rows[i])
					rows[i].Body.Decode(&f)
					show(frameName(key, epoch, f.Seq), rows[i].Index, &f)
				}
			})
		}
	})
	for _, info := range m.Segments() {
		err = errors.Join(err, n.seeSegment(s, info, missing, show))
	}
	return err
}

func (n *storageNode) seeSegment(s *story, info segment.Info, missing map[segment.Name]bool, show func(string, uint64, *frame.Frame)) error {
	r, release, err := n.shelf.Open(info.Name)
	switch {
	case errors.Is(err, shelf.ErrNotHere) && !missing[info.Name]:
		return fmt.Errorf("%w, and nobody is going to pull it", err)
	case errors.Is(err, shelf.ErrNotHere):
		b := s.segments[info.Name]
		r, err = segment.NewReader(strings.NewReader(string(b)), int64(len(b)), segment.ReaderOptions{Name: info.Name})
		release = func() {}
	}
	if err != nil {
		return err
	}
	defer release()
	return r.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		_, err := r.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
			f := frameOf(&rec.Row)
			f.Fields, f.Raw = rec.Fields, rec.Raw
			show(frameName(key, e.Ordinal, f.Seq), rec.Index, &f)
			return true
		})
		return err
	})
}

// finish pulls what is missing, lives on to the end of the next chapter, and compares what the node has then.
func finish(n *storageNode, s *story) error {
	if err := n.bring(s); err != nil {
		return fmt.Errorf("pull: %w", err)
	}
	if left := n.shelf.Missing(); len(left) > 0 {
		return fmt.Errorf("%d segments are still missing", len(left))
	}
	at, err := n.applied()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.floors, func(c chapter) bool { return c.Index > at })
	if i < 0 {
		i = len(s.floors) - 1
	}
	want := s.floors[i]
	for at < want.end {
		if err := n.append(s.entries[at]); err != nil {
			return err
		}
		at++
	}
	if err := n.flushAll(); err != nil {
		return err
	}
	if err := n.cut(); err != nil {
		return err
	}
	if got := n.newestFloor(); got.Index != want.Index || got.Hash != want.Hash {
		return fmt.Errorf("in the end the floor is %d %x, want %d %x", got.Index, got.Hash[:4], want.Index, want.Hash[:4])
	}
	p := storagePromises{acked: at, here: map[segment.Name]bool{}, installed: want.Index}
	p.has(n)
	return p.verify(n, s)
}
