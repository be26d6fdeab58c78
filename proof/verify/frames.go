package verify

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// frames computes the strips of the scope again from the files, and compares them with the proven ones.
func (r *run) frames() (string, error) {
	m := &matching{ahead: make([][]strip, len(r.strips))}
	copy(m.ahead, r.strips)
	total := int64(0)
	for _, l := range r.streams {
		for i := range l.Epochs {
			total += int64(l.Epochs[i].Balance().Stored)
		}
	}
	opt := content.Options{
		Want:     func(key frame.StreamKey, _ uint32) bool { return r.c.Scope.Holds(key) },
		Progress: func(frames uint64) { r.in.Progress("frames", int64(frames), total) },
	}
	if err := content.Compute(r.ctx, r.segments.readers, 1, r.census.Seal, opt, m.take); err != nil {
		return "", damage(err)
	}
	if err := m.rest(); err != nil {
		return "", err
	}
	if m.missing > 0 {
		return "", r.incomplete(m)
	}
	return fmt.Sprintf("the bytes of %d frames in %d strips are the ones that were hashed", m.frames, m.strips), nil
}

// incomplete is the failure of frames that no file has.
func (r *run) incomplete(m *matching) error {
	if len(r.segments.absent) == 0 {
		return tampered("%d frames are in no segment, though all the certificate lists are there; the first is %s", m.missing, m.first)
	}
	return fail(CodeSegmentMissing, "%d frames are in none of the files; the first is %s. The certificate lists %d segments that are not there, the first is %s",
		m.missing, m.first, len(r.segments.absent), r.segments.absent[0])
}

// matching goes through computed strips, which ascend by key and then ordinal, and the proven ones of each ordinal.
type matching struct {
	ahead   [][]strip // by ordinal - 1
	frames  uint64
	strips  int
	missing uint64 // frames that no file has
	first   string // of them
}

func (m *matching) take(s *content.Strip) error {
	k := leaves.Key{StreamKey: s.Key, Epoch: s.Epoch}
	ahead := &m.ahead[s.Ordinal-1]
	for len(*ahead) > 0 && (*ahead)[0].key.Compare(k) < 0 {
		if err := m.lost((*ahead)[0].leaf, nil); err != nil {
			return err
		}
		*ahead = (*ahead)[1:]
	}
	if len(*ahead) == 0 || (*ahead)[0].key != k {
		return tampered("%s, ordinal %d: the files have %d frames of which the log knows nothing, the first with number %d", k, s.Ordinal, s.Frames, s.Runs[0].First)
	}
	leaf := (*ahead)[0].leaf
	*ahead = (*ahead)[1:]
	if string(s.Append(nil)) != string(leaf) {
		return m.lost(leaf, s)
	}
	m.strips++
	m.frames += s.Frames
	return nil
}

// rest takes the strips of which no file has a frame.
func (m *matching) rest() error {
	for _, ahead := range m.ahead {
		for _, s := range ahead {
			if err := m.lost(s.leaf, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost compares a proven strip with another one that was computed: it may lack frames; that it has others is tampering.
func (m *matching) lost(leaf []byte, got *content.Strip) error {
	want, err := content.ParseStrip(leaf)
	if err != nil {
		return err
	}
	k := leaves.Key{StreamKey: want.Key, Epoch: want.Epoch}
	if got == nil {
		got = &content.Strip{}
	}
	if n, ok := outside(got.Runs, want.Runs); ok {
		return tampered("%s, ordinal %d: the files have a frame with number %d, the log does not", k, want.Ordinal, n)
	}
	n, ok := outside(want.Runs, got.Runs)
	if !ok {
		return tampered("%s, ordinal %d: the frames %d to %d have other bytes than those that were hashed: their root is %s, not %s",
			k, want.Ordinal, want.Runs[0].First, want.Runs[len(want.Runs)-1].Last, got.Root, want.Root)
	}
	if m.missing == 0 {
		m.first = fmt.Sprintf("number %d of %s", n, k)
	}
	m.missing += want.Frames - got.Frames
	return nil
}

// outside is the first number of some runs that is in none of others.
func outside(runs, others []ledger.Run) (n uint64, found bool) {
	at := 0
	for _, run := range runs {
		for next := run.First; ; {
			for at < len(others) && others[at].Last < next {
				at++
			}
			if at == len(others) || others[at].First > next {
				return next, true
			}
			if others[at].Last >= run.Last {
				break
			}
			next = others[at].Last + 1
		}
	}
	return 0, false
}

// times checks which numbers lie in the scope's time: until here the issuer said so.
func (r *run) times() (string, error) {
	epochs := 0
	for _, l := range r.streams {
		for i := range l.Epochs {
			e := &l.Epochs[i]
			if !r.c.Scope.HoldsEpoch(e.Ordinal) {
				continue
			}
			got, err := r.c.Scope.Numbers(e, func(fn func(certificate.Moment)) error {
				return certificate.Moments(r.segments.readers, l.Key, e.Ordinal, e.Runs, fn)
			})
			if err != nil {
				return "", damage(err)
			}
			said := r.epochOf(epochKey{l.Key, e.Ordinal})
			if said == nil || fmt.Sprint(got) != fmt.Sprint(said.Seq) {
				return "", tampered("%s epoch %d: the numbers %v lie in the time, by its frames %v", l.Key, e.Ordinal, said, got)
			}
			epochs++
		}
	}
	return fmt.Sprintf("the numbers in the time are those stated, in %d epochs", epochs), nil
}
