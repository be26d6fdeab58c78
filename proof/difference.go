package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// Difference is an ordinal of which this node computed another root than the cluster: of its content, or of the census where it ends.
type Difference struct {
	Ordinal uint32     `json:"ordinal"`
	Census  uint64     `json:"census,omitempty"`  // Raft index of the census that differs, 0: the content does
	Want    string     `json:"want"`              // the cluster's root
	Got     string     `json:"got"`               // this node's
	Against string     `json:"against,omitempty"` // server whose file this node's was compared with, "" while none could be had
	Stream  string     `json:"stream,omitempty"`  // tenant/device/stream, and epoch of a strip, of the first leaf that differs
	What    string     `json:"what,omitempty"`    // about that leaf
	Key     leaves.Key `json:"-"`                 // of that leaf

	explained bool
}

func (d *Difference) String() string {
	if d.Want == d.Got {
		return fmt.Sprintf("what the cluster says of seal %d is not what this node counted: %s", d.Ordinal, d.What)
	}
	if d.Census != 0 {
		return fmt.Sprintf("this node's root of the census at %d is another one", d.Census)
	}
	return fmt.Sprintf("this node's root of seal %d is another one", d.Ordinal)
}

// Differences lists where this node's count is not the cluster's, ascending by ordinal, contents before the census. They are copies.
func (s *Sealer) Differences() []Difference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.differences()
}

// differences is Differences for who holds mu.
func (s *Sealer) differences() []Difference {
	list := []Difference{}
	for _, d := range s.differs {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b Difference) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	if s.census != nil {
		list = append(list, *s.census)
	}
	return list
}

// task is the file that differs.
func (d *Difference) task() task {
	if d.Census != 0 {
		return task{leaves.Census, d.Census}
	}
	return task{leaves.Strips, uint64(d.Ordinal)}
}

// explain looks for the first stream in which this node's file is not that of a node that has the cluster's root.
func (s *Sealer) explain(ctx context.Context, look *Look, d Difference) {
	for _, server := range look.Peers {
		first, err := s.against(ctx, server, &d)
		if err != nil {
			s.log.Info("what others counted could not be compared", "seal", d.Ordinal, "census", d.Census, "server", server, "err", err)
			continue
		}
		s.mu.Lock()
		at := s.differs[d.Ordinal]
		if d.Census != 0 {
			at = s.census
		}
		if at != nil && at.Want == d.Want {
			at.Against, at.Key, at.Stream, at.What, at.explained = server, first.Key, first.Key.String(), first.String(), true
		}
		s.mu.Unlock()
		s.log.Error("the first stream in which this node's count is not the cluster's",
			"seal", d.Ordinal, "census", d.Census, "against", server, "stream", first.Key.String(), "difference", first.String())
		return
	}
}

// against compares with the file of another server, if that has the cluster's root.
func (s *Sealer) against(ctx context.Context, server string, d *Difference) (first leaves.Difference, err error) {
	t := d.task()
	name := s.archive.path(t.kind, t.number) + otherExtension
	if err := s.archive.removeFile(name); err != nil { // of a failure
		return first, err
	}
	defer func() { err = errors.Join(err, s.archive.removeFile(name)) }()
	own, here := s.archive.Has(t.kind, t.number)
	if !here {
		return first, ErrNotCounted
	}
	if err := s.fetch(ctx, server, t, name, max(fetchTimes*own.Bytes, fetchBytes)); err != nil {
		return first, err
	}
	theirs, err := leaves.Open(s.opt.FS, name)
	if err != nil {
		return first, err
	}
	defer theirs.Close()
	if hashText(theirs.Root()) != d.Want {
		return first, fmt.Errorf("proof: %s %d of %s has root %s, the cluster's is %s", t.kind, t.number, server, theirs.Root(), d.Want)
	}
	ours, err := s.archive.Open(t.kind, t.number)
	if err != nil {
		return first, err
	}
	defer ours.Close()
	first, err = leaves.First(ours, theirs)
	if err == nil && first.Where == leaves.Nowhere {
		err = fmt.Errorf("proof: %s %d of %s does not differ from this node's", t.kind, t.number, server)
	}
	return first, s.archive.Suspect(err)
}

const (
	fetchBytes = 1 << 20 // what one call asks another server for, and what is taken of any file
	fetchTimes = 4       // as large as this node's own file may another server's be: else it would fill the disk
)

// fetch copies another server's file of at most so many bytes, while there is room.
func (s *Sealer) fetch(ctx context.Context, server string, t task, name string, most int64) (err error) {
	f, err := s.opt.FS.Create(name)
	if err != nil {
		return fmt.Errorf("proof: create %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for at := int64(0); ; {
		b, err := s.opt.Catalog.Leaves(ctx, server, t.kind, t.number, at, fetchBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if at+int64(len(b)) > most {
			return fmt.Errorf("proof: %s %d of %s has more than %d bytes, which is far more than this node's", t.kind, t.number, server, most)
		}
		if err := s.archive.room(); err != nil {
			return err
		}
		if _, werr := f.WriteAt(b, at); werr != nil {
			return fmt.Errorf("proof: write %s: %w", name, werr)
		}
		at += int64(len(b))
		if err != nil || len(b) < fetchBytes {
			return nil
		}
	}
}
