package slowreader

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/sign"
)

// textOf reads a block of a page.
func textOf(t *testing.T, page, kind string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/format/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```"+kind+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatalf("%s has no block %s", page, kind)
	}
	return []byte(block)
}

func TestCheckpointOfThePage(t *testing.T) {
	policy, err := ParsePolicy(textOf(t, "tlog.md", "policy"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Believe(textOf(t, "tlog.md", "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	root := treeRoot([]Hash{leafHash([]byte("one")), leafHash([]byte("two")), leafHash([]byte("three"))})
	if want := (Checkpoint{"gapless/k7q2m9x4", 3, root}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// Both readers believe the same notes under the same policies, and give the same fault where they do not.
func TestPoliciesAgree(t *testing.T) {
	policyText, msg := textOf(t, "tlog.md", "policy"), textOf(t, "tlog.md", "checkpoint")
	faults := map[string]int{}
	for seed := range uint64(2000) {
		rnd := dice(seed)
		policyBytes, noteBytes := policyText, msg
		if rnd.IntN(3) == 0 {
			policyBytes = damageText(rnd, policyBytes)
		}
		if rnd.IntN(3) > 0 {
			noteBytes = damageText(rnd, noteBytes)
		}
		if rnd.IntN(30) == 0 { // a key of a known name that nobody knows
			noteBytes = []byte(strings.NewReplacer("/n1 C7sE", "/n1 C7sF").Replace(string(msg)))
			noteBytes = []byte(strings.Join(slices.DeleteFunc(strings.SplitAfter(string(noteBytes), "\n"), func(line string) bool {
				return strings.HasPrefix(line, "— ") && !strings.Contains(line, "/n1 ")
			}), ""))
		}
		slow, slowErr := ParsePolicy(policyBytes)
		ours, oursErr := sign.ParsePolicy(policyBytes)
		if (slowErr == nil) != (oursErr == nil) {
			t.Fatalf("seed %d: slow reader: %v\nours: %v\n%s", seed, slowErr, oursErr, policyBytes)
		}
		if slowErr != nil {
			faults["policy"]++
			continue
		}
		c, slowErr := slow.Believe(noteBytes)
		signed, oursErr := ours.Check(noteBytes)
		var fault *sign.SignatureError
		if (slowErr == nil) != (oursErr == nil) ||
			slowErr != nil && (!errors.As(oursErr, &fault) || !strings.HasSuffix(slowErr.Error(), string(fault.Fault))) {
			t.Fatalf("seed %d: slow reader: %v\nours: %v\n%s%s", seed, slowErr, oursErr, policyBytes, noteBytes)
		}
		if slowErr != nil {
			faults[string(fault.Fault)]++
			continue
		}
		faults["none"]++
		if (c != Checkpoint{signed.Origin, uint64(signed.Size), Hash(signed.Root)}) {
			t.Fatalf("seed %d: %+v, ours %+v", seed, c, signed)
		}
	}
	for _, fault := range []string{"none", "policy", "malformed", "origin", "foreign", "altered", "moved", "log", "quorum"} {
		if faults[fault] == 0 {
			t.Errorf("%s was never met: %v", fault, faults)
		}
	}
}

// damageText changes a text a little, or drops, doubles or moves lines of it.
func damageText(rnd *rand.Rand, b []byte) []byte {
	lines := strings.SplitAfter(string(b), "\n")
	for range 1 + rnd.IntN(3) {
		at, to := rnd.IntN(len(lines)), rnd.IntN(len(lines))
		switch rnd.IntN(6) {
		case 0:
			lines[at], lines[to] = lines[to], lines[at]
		case 1:
			lines[at] = ""
		case 2:
			lines[at] += lines[to]
		case 3:
			if lines[at] != "" {
				k := rnd.IntN(len(lines[at]))
				lines[at] = lines[at][:k] + fmt.Sprintf("%c", "+ \tAz0195\n\r=/"[rnd.IntN(13)]) + lines[at][min(len(lines[at]), k+rnd.IntN(2)):]
			}
		case 4: // the words of a policy
			words := []string{"any", "all", "1", "2", "3", "02", "node:n1", "nodes", "none", "key:n2:1"}
			lines[at] = strings.Replace(lines[at], words[rnd.IntN(len(words))], words[rnd.IntN(len(words))], 1)
		case 5: // another signature's bytes, or only those of some
			lines = lines[:max(4, len(lines)-rnd.IntN(4))]
		}
	}
	return []byte(strings.Join(lines, ""))
}
