package verify

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/segment"
)

// frames computes the strips shown again from the files, and compares them.
func (r *run) frames() (string, error) {
	m := &matching{run: r, ahead: map[uint32][]strip{}}
	total := int64(0)
	for i, seal := range r.seals {
		m.ahead[seal.Ordinal] = r.strips[i]
		for _, s := range r.strips[i] {
			want, err := content.ParseStrip(s.leaf)
			if err != nil {
				return "", err
			}
			total += int64(want.Frames)
		}
	}
	opt := content.Options{
		Want: func(key frame.StreamKey, epoch uint32) bool {
			return r.c.Scope.Holds(key) && r.c.Scope.HoldsEpoch(epoch)
		},
		Only:     r.shown, // rows of other ordinals may be anything
		From:     r.from,
		Progress: func(frames uint64) { r.in.Progress("frames", int64(frames), total) },
	}
	if len(r.c.Scope.Time) > 0 {
		r.timings = map[leaves.Key]*certificate.Timing{}
		opt.Rows = r.timed
	}
	if n := len(r.seals); n > 0 {
		first, last := r.seals[0].Ordinal, r.seals[n-1].Ordinal
		if err := content.Compute(r.ctx, r.segments.of(first, last), first, last, opt, m.take); err != nil {
			return "", damage(err)
		}
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
	run     *run
	ahead   map[uint32][]strip // by ordinal
	frames  uint64
	strips  int
	missing uint64 // frames that no file has
	first   string // of them
}

func (m *matching) take(s *content.Strip) error {
	k := leaves.Key{StreamKey: s.Key, Epoch: s.Epoch}
	ahead := m.ahead[s.Ordinal]
	for len(ahead) > 0 && ahead[0].key.Compare(k) < 0 {
		if err := m.lost(ahead[0].leaf, nil); err != nil {
			return err
		}
		ahead = ahead[1:]
	}
	m.ahead[s.Ordinal] = ahead
	if len(ahead) == 0 || ahead[0].key != k {
		if m.run.counts(k, s.Runs) {
			return tampered("%s, ordinal %d: the files have %d frames of which the log knows nothing, the first with number %d", k, s.Ordinal, s.Frames, s.Runs[0].First)
		}
		return nil // none of them is in scope
	}
	leaf := ahead[0].leaf
	m.ahead[s.Ordinal] = ahead[1:]
	if string(s.Append(nil)) != string(leaf) {
		return m.lost(leaf, s)
	}
	m.strips++
	m.frames += s.Frames
	return nil
}

// rest takes the strips of which no file has a frame.
func (m *matching) rest() error {
	for _, seal := range m.run.seals {
		for _, s := range m.ahead[seal.Ordinal] {
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

// from is the first key from one on that may be in scope.
func (r *run) from(key frame.StreamKey) (frame.StreamKey, bool) {
	k := leaves.Key{StreamKey: key}
	i := sort.Search(len(r.spans), func(i int) bool { return k.Compare(r.spans[i].End) < 0 })
	if i == len(r.spans) {
		return key, false
	}
	if first := r.spans[i].First; k.Compare(first) < 0 {
		return first.StreamKey, true
	}
	return key, true
}

// timed takes the times of rows of an epoch in scope. Their numbers are those that the census calls stored, or their strips are not those shown.
func (r *run) timed(key frame.StreamKey, epoch uint32, rows *segment.SealedRows) error {
	k := leaves.Key{StreamKey: key, Epoch: epoch}
	if r.epochs[k] == nil {
		return nil
	}
	t, err := r.timing(k)
	if err != nil {
		return err
	}
	if err := certificate.EachMoment(rows, t.Add); err != nil {
		return tampered("%w", err)
	}
	return nil
}

// timing is the times of an epoch in scope, as far as they were read.
func (r *run) timing(k leaves.Key) (t *certificate.Timing, err error) {
	if t = r.timings[k]; t == nil {
		t, err = r.c.Scope.Timing(k.StreamKey, r.epochs[k])
		r.timings[k] = t
	}
	return t, err
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
			k := leaves.Key{StreamKey: l.Key, Epoch: e.Ordinal}
			timing, err := r.timing(k)
			if err != nil {
				return "", err
			}
			got, said := timing.Range(), r.epochOf(k)
			if said == nil || fmt.Sprint(got) != fmt.Sprint(said.Seq) {
				return "", tampered("%s epoch %d: the numbers %v lie in the time, by its frames %v", l.Key, e.Ordinal, said, got)
			}
			epochs++
		}
	}
	return fmt.Sprintf("the numbers in the time are those stated, in %d epochs", epochs), nil
}

// shown reports whether the certificate shows the SEAL of an ordinal.
func (r *run) shown(ordinal uint32) bool {
	_, found := slices.BinarySearchFunc(r.seals, ordinal, func(s *record.Seal, n uint32) int { return cmp.Compare(s.Ordinal, n) })
	return found
}
