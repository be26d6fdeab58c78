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
	Stream  string     `json:"stream,omitempty"`  // tenant/device/stream and epoch of the first leaf that differs
	What    string     `json:"what,omitempty"`    // about that leaf
	Key     leaves.Key `json:"-"`                 // of that leaf

	explained bool
}

func (d *Difference) String() string {
	if d.Census != 0 {
		return fmt.Sprintf("this node's root of the census at %d is another one", d.Census)
	}
	return fmt.Sprintf("this node's root of seal %d is another one", d.Ordinal)
}

// Differences lists where this node's count is not the cluster's, ascending by ordinal, contents before the census. They are copies.
func (s *Sealer) Differences() []Difference {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// explain looks for the first stream in which this node's strips are not those of a node that has the cluster's root.
func (s *Sealer) explain(ctx context.Context, look *Look, d Difference) {
	for _, server := range look.Peers {
		first, err := s.against(ctx, server, &d)
		if err != nil {
			s.log.Info("strips could not be compared", "seal", d.Ordinal, "server", server, "err", err)
			continue
		}
		s.mu.Lock()
		if at := s.differs[d.Ordinal]; at != nil {
			at.Against, at.Key, at.Stream, at.What, at.explained = server, first.Key, first.Key.String(), first.String(), true
		}
		s.mu.Unlock()
		s.log.Error("the first stream in which this node's content is not the cluster's",
			"seal", d.Ordinal, "against", server, "stream", first.Key.String(), "difference", first.String())
		return
	}
}

// against compares with the file of another server, if that has the cluster's root.
func (s *Sealer) against(ctx context.Context, server string, d *Difference) (first leaves.Difference, err error) {
	name := s.archive.path(leaves.Strips, uint64(d.Ordinal)) + otherExtension
	if err := s.archive.removeFile(name); err != nil { // of a failure
		return first, err
	}
	defer func() { err = errors.Join(err, s.archive.removeFile(name)) }()
	if err := s.fetch(ctx, server, d.Ordinal, name); err != nil {
		return first, err
	}
	theirs, err := leaves.Open(s.opt.FS, name)
	if err != nil {
		return first, err
	}
	defer theirs.Close()
	if hashText(theirs.Root()) != d.Want {
		return first, fmt.Errorf("proof: the strips of %s have root %s, the cluster's is %s", server, theirs.Root(), d.Want)
	}
	ours, err := s.archive.Open(leaves.Strips, uint64(d.Ordinal))
	if err != nil {
		return first, err
	}
	defer ours.Close()
	first, err = leaves.First(ours, theirs)
	if err == nil && first.Where == leaves.Nowhere {
		err = fmt.Errorf("proof: the strips of %s do not differ from this node's", server)
	}
	return first, s.archive.Suspect(err)
}

// fetchBytes is what one call asks another server for.
const fetchBytes = 1 << 20

// fetch copies another server's strips.
func (s *Sealer) fetch(ctx context.Context, server string, ordinal uint32, name string) (err error) {
	f, err := s.opt.FS.Create(name)
	if err != nil {
		return fmt.Errorf("proof: create %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for at := int64(0); ; {
		b, err := s.opt.Catalog.Strips(ctx, server, ordinal, at, fetchBytes)
		if err != nil && !errors.Is(err, io.EOF) {
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
