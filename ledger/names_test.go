package ledger

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func codeOf(err error) string {
	var ce *CommandError
	if errors.As(err, &ce) {
		return ce.Code
	}
	return fmt.Sprint(err)
}

func TestDefine(t *testing.T) {
	key := func(device string) frame.StreamKey { return frame.StreamKey{Tenant: "t", Device: device, Stream: "0"} }
	l := New(Policy{MaxStreams: 3})
	for _, c := range []struct {
		id   frame.StreamID
		key  frame.StreamKey
		want string
	}{
		{1, key("a"), ""},
		{1, key("a"), ""},
		{1, key("b"), CodeIDTaken},
		{3, key("a"), CodeKeyTaken},
		{0, key("b"), CodeIDOutOfRange},
		{1 << 20, key("b"), CodeIDOutOfRange},
		{1<<32 - 1, key("b"), CodeIDOutOfRange},
		{5, key("b"), ""},
		{3, key("c"), ""},
		{7, key("d"), CodeTooManyStreams},
		{7, key(""), CodeBadName},
		{7, key("a\x00b"), CodeBadName},
		{7, key(strings.Repeat("x", 257)), CodeBadName},
		{7, frame.StreamKey{Device: "d", Stream: "0"}, CodeBadName},
	} {
		err := l.Define(c.id, c.key)
		if got := codeOf(err); err != nil && got != c.want || err == nil && c.want != "" {
			t.Errorf("%d %q: %v, want %q", c.id, c.key, err, c.want)
		}
	}
	if id, ok := l.ID(key("b")); id != 5 || !ok {
		t.Errorf("b is %d", id)
	}
	if k, ok := l.Key(3); k != key("c") || !ok {
		t.Errorf("3 is %v", k)
	}
	if _, ok := l.Key(2); ok {
		t.Error("2 was never defined")
	}
	if l.Len() != 3 || l.NextID()%2 != 1 || l.NextID() <= 5 {
		t.Errorf("%d streams, next id %d", l.Len(), l.NextID())
	}
	if _, err := l.Intern(key("z")); codeOf(err) != CodeTooManyStreams {
		t.Error(err)
	}
	id, err := l.InternOwn(key("_audit"))
	if again, _ := l.InternOwn(key("_audit")); err != nil || id%2 != 0 || again != id || l.DefineOwn(9, key("_conflict")) != nil || l.Len() != 5 {
		t.Errorf("streams of the store's own beyond the limit: %d, then %d, %v, %d in all", id, again, err, l.Len())
	}
	if err := l.DefineOwn(9, key("_dlq")); codeOf(err) != CodeIDTaken {
		t.Error(err)
	}
}

// Names that apply interns and names that a proposer defines ahead never meet.
func TestInternLeavesProposersIDs(t *testing.T) {
	l := New(Policy{})
	next := l.NextID()
	id, err := l.Intern(testKey)
	if err != nil || id == next || id == next+IDStep {
		t.Fatalf("interned %d, a proposer may have taken %d: %v", id, next, err)
	}
	for i := range frame.StreamID(3) {
		if err := l.Define(next+i*IDStep, frame.StreamKey{Tenant: "t", Device: fmt.Sprint(i), Stream: "x"}); err != nil {
			t.Error(err)
		}
	}
}

// Streams are listed by (device, stream), whatever the order of their definition, and from any cursor on.
func TestStreamsAgainstSorting(t *testing.T) {
	for _, count := range []int{0, 1, 40, 3000} {
		l := New(Policy{})
		rng := rand.New(rand.NewSource(int64(count)))
		keys := []frame.StreamKey{}
		for i := range count {
			key := frame.StreamKey{Tenant: fmt.Sprint("t", i%2), Device: fmt.Sprintf("d%d", rng.Intn(count)), Stream: fmt.Sprint(i % 3)}
			if _, known := l.ID(key); known {
				continue
			}
			if err := l.Define(l.NextID(), key); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b frame.StreamKey) int {
			return strings.Compare(a.Tenant+"\x00"+a.Device+"\x00"+a.Stream, b.Tenant+"\x00"+b.Device+"\x00"+b.Stream)
		})
		for range 100 {
			prefix := []string{"", "d", "d1", "d12", "x"}[rng.Intn(5)]
			after, want := "", []frame.StreamKey{}
			if len(keys) > 0 && rng.Intn(4) > 0 {
				k := keys[rng.Intn(len(keys))]
				if after = k.Device; rng.Intn(2) == 0 {
					after = After(k)
				}
			}
			for _, k := range keys {
				at := After(k)
				if !strings.Contains(after, "\x00") {
					at = k.Device
				}
				if k.Tenant == "t1" && strings.HasPrefix(k.Device, prefix) && (after == "" || at > after) {
					want = append(want, k)
				}
			}
			got := []frame.StreamKey{}
			l.Streams("t1", prefix, after, func(id frame.StreamID, key frame.StreamKey) bool {
				if have, _ := l.Key(id); have != key {
					t.Fatalf("id %d is %v, not %v", id, have, key)
				}
				got = append(got, key)
				return len(got) < 50
			})
			if want = want[:min(len(want), 50)]; !slices.Equal(got, want) {
				t.Fatalf("prefix %q after %q: got %v, want %v", prefix, after, got, want)
			}
		}
	}
}
