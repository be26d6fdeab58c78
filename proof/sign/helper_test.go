package sign

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const testOrigin = "gapless/0123456789abcdef"

// keyOf is the key that a name always gets.
func keyOf(t *testing.T, name string) Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	k, err := Generate(bytes.NewReader(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func at(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}

// cosigner is the signer of a node of an origin with the n-th key that it ever had.
func cosigner(t *testing.T, origin, node string, n int) note.Signer {
	t.Helper()
	s, err := keyOf(t, fmt.Sprintf("%s/%s/%d", origin, node, n)).Cosigner(CosignerName(origin, node), at(1700000000+int64(n)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logSigner(t *testing.T, origin, node string, n int) note.Signer {
	t.Helper()
	s, err := keyOf(t, fmt.Sprintf("%s/%s/%d", origin, node, n)).LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// nodeOf is a node with its first keys, for Build.
func nodeOf(t *testing.T, origin, id string, keys int) Node {
	t.Helper()
	n := Node{ID: id}
	for i := range keys {
		v, err := keyOf(t, fmt.Sprintf("%s/%s/%d", origin, id, i)).VerifierKey(CosignerName(origin, id))
		if err != nil {
			t.Fatal(err)
		}
		n.Keys = append(n.Keys, v.String())
	}
	return n
}

// twoOfThree is the policy of a cluster of three nodes, of which n1 had three keys.
func twoOfThree(t *testing.T, origin string) *Policy {
	t.Helper()
	p, err := Build(origin, []Node{nodeOf(t, origin, "n1", 3), nodeOf(t, origin, "n2", 1), nodeOf(t, origin, "n3", 1)}, 2, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func checkpointOf(origin string, size int64) Checkpoint {
	return Checkpoint{origin, size, tlog.RecordHash(fmt.Appendf(nil, "%s at %d", origin, size))}
}

func signed(t *testing.T, c Checkpoint, signers ...note.Signer) []byte {
	t.Helper()
	msg, err := SignCheckpoint(c, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// wantFault fails unless err is a *SignatureError of that fault whose text has every word.
func wantFault(t *testing.T, err error, fault Fault, words ...string) {
	t.Helper()
	var e *SignatureError
	if !errors.As(err, &e) || e.Fault != fault {
		t.Fatalf("got %v, want the fault %q", err, fault)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q does not say %q", e.Error(), w)
		}
	}
}
