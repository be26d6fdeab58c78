package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// coverage finds the streams of the scope in the census, all of them.
func (r *run) coverage() (string, error) {
	var parsed []*census.Leaf
	tree, err := openTree("census", r.c.Proof.Census.Ranges, r.census.Streams, r.census.Root, func(b []byte) (leaves.Key, error) {
		l, err := census.Parse(b)
		if err != nil {
			return leaves.Key{}, err
		}
		parsed = append(parsed, l)
		return leaves.Key{StreamKey: l.Key}, nil
	})
	if err != nil {
		return "", err
	}
	for _, span := range r.spans {
		from, to, err := tree.within(&span)
		if err != nil {
			return "", err
		}
		for _, l := range parsed[from:to] {
			if r.c.Scope.Holds(l.Key) {
				r.streams = append(r.streams, l)
			}
		}
	}
	return fmt.Sprintf("%d streams of %d that the cluster has are in scope: each is in the census, and no other one is", len(r.streams), r.census.Streams), nil
}

// statement says again what the census leaves say, and compares word by word.
func (r *run) statement() (string, error) {
	said := make(map[leaves.Key][]uint64) // numbers in the scope's time: the issuer's word, until there are segments
	if len(r.c.Scope.Time) > 0 {
		for i := range r.c.Streams {
			s := &r.c.Streams[i]
			for j := range s.Epochs {
				said[r.key(s, s.Epochs[j].Epoch)] = s.Epochs[j].Seq
			}
		}
	}
	account, err := certificate.Restate(&r.c.Scope, r.streams, func(key frame.StreamKey, e *census.Epoch) ([]uint64, error) {
		return said[leaves.Key{StreamKey: key, Epoch: e.Ordinal}], nil
	})
	if err != nil {
		return "", tampered("%w", err)
	}
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"statement", r.c.Statement, account.Statement},
		{"verdict", r.c.Verdict, account.Verdict},
		{"streams", r.c.Streams, account.Streams},
		{"not_proven", r.c.NotProven, account.NotProven},
	} {
		if where, got, want, ok := differs(part.got, part.want); ok {
			return "", tampered("%s%s says %s, by the proof it is %s", part.name, where, got, want)
		}
	}
	return summary(&account.Statement, account.Verdict), nil
}

func (r *run) key(s *certificate.Stream, epoch uint32) leaves.Key {
	return leaves.Key{StreamKey: frame.StreamKey{Tenant: r.c.Scope.Tenant, Device: s.Device, Stream: s.Stream}, Epoch: epoch}
}

// summary is a statement in one line.
func summary(s *certificate.Statement, verdict string) string {
	text := fmt.Sprintf("%s: %d expected, %d stored, %d missing", verdict, s.Expected, s.Stored, s.Missing)
	var parts []string
	if s.Open > 0 {
		parts = append(parts, fmt.Sprintf("%d may still come", s.Open))
	}
	for cause, n := range s.Causes {
		parts = append(parts, fmt.Sprintf("%d %s", n, cause))
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Compare(a, b) })
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	if len(s.Absent) > 0 {
		text += fmt.Sprintf("; the cluster knows nothing of %d devices, the first is %q", len(s.Absent), s.Absent[0])
	}
	return text
}
