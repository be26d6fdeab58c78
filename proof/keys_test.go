package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

const origin = "gapless/k7q2m9x4"

// keyOf is a key with the seed from, from+1, ...
func keyOf(t testing.TB, from byte) sign.Key {
	t.Helper()
	seed := make([]byte, 32)
	for i := range seed {
		seed[i] = from + byte(i)
	}
	key, err := sign.Generate(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyCommandOf makes a key known as that of a server.
func keyCommandOf(t testing.TB, key sign.Key, server, replaces string) keyCommand {
	t.Helper()
	node, _, _ := strings.Cut(server, ".")
	vkey, err := key.VerifierKey(sign.CosignerName(origin, node))
	if err != nil {
		t.Fatal(err)
	}
	asLog, err := key.LogVerifierKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	return keyCommand{server, origin, vkey.String(), asLog.String(), replaces, server}
}

// cosignOf is a server's signature of a tree.
func cosignOf(t testing.TB, key sign.Key, server string, tree Tree) cosignCommand {
	t.Helper()
	node, _, _ := strings.Cut(server, ".")
	cosigner, err := key.Cosigner(sign.CosignerName(origin, node), func() time.Time { return time.Unix(1_795_334_400, 0) })
	if err != nil {
		t.Fatal(err)
	}
	asLog, err := key.LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	c := cosignCommand{Server: server, Size: tree.Size, Root: hashText(tree.Root)}
	if c.Signature, err = signatureLine(tree.body(origin), cosigner); err != nil {
		t.Fatal(err)
	}
	if c.AsLog, err = signatureLine(tree.body(origin), asLog); err != nil {
		t.Fatal(err)
	}
	return c
}

// keyed is a log in which three nodes have made their keys known, as the seeds 0, 32 and 64.
func keyed(t testing.TB) *log {
	l := newLog(t, three...)
	for i, server := range three {
		l.want("", KindKey, keyCommandOf(t, keyOf(t, byte(32*i)), server, ""))
	}
	return l
}

func TestKeys(t *testing.T) {
	second := keyOf(t, 128)
	first := keyCommandOf(t, keyOf(t, 0), "n1.a", "")
	for _, tt := range []struct {
		name   string
		voters []string
		c      keyCommand
		change func(c *keyCommand)
		want   string
	}{
		{"again", three, first, func(c *keyCommand) { c.Replaces = c.VKey }, CodeNotCurrent},
		{"as the first one", three, keyCommandOf(t, second, "n1.a", ""), nil, CodeNotCurrent},
		{"in the place of another", three, keyCommandOf(t, second, "n1.a", keyCommandOf(t, second, "n1.a", "").VKey), nil, CodeNotCurrent},
		{"rotation", three, keyCommandOf(t, second, "n1.a", first.VKey), nil, ""},
		{"without a vote", three, keyCommandOf(t, second, "n4.d", ""), nil, CodeNotVoter},
		{"of another node", three, keyCommandOf(t, keyOf(t, 32), "n1.a", first.VKey), nil, CodeBadProof},
		{"of another log", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.Origin = "gapless/other" }, CodeBadProof},
		{"under another node's name", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.VKey = keyCommandOf(t, second, "n2.b", "").VKey }, CodeBadProof},
		{"as the log another key", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.LogVKey = keyCommandOf(t, keyOf(t, 160), "n1.a", "").LogVKey }, CodeBadProof},
		{"the two exchanged", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.VKey, c.LogVKey = c.LogVKey, c.VKey }, CodeBadProof},
		{"no key", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.VKey = "n1" }, CodeBadProof},
		{"of no node", []string{".a"}, keyCommandOf(t, second, ".a", ""), nil, CodeBadProof},
		{"no incarnation", []string{"n1"}, keyCommandOf(t, second, "n1", ""), nil, CodeBadProof},
		{"a long principal", three, keyCommandOf(t, second, "n1.a", first.VKey), func(c *keyCommand) { c.By = strings.Repeat("x", maxBy+1) }, CodeBadProof},
		{"a new disk with a new key", []string{"n1.z", "n2.b", "n3.c"}, keyCommandOf(t, second, "n1.z", first.VKey), nil, ""},
		{"a new disk with the key of the old", []string{"n1.z", "n2.b", "n3.c"}, keyCommandOf(t, keyOf(t, 0), "n1.z", first.VKey), nil, ""},
		{"two disks with one key", append([]string{"n1.z"}, three...), keyCommandOf(t, keyOf(t, 0), "n1.z", first.VKey), nil, CodeBadProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := keyed(t)
			l.voters = tt.voters
			if tt.change != nil {
				tt.change(&tt.c)
			}
			before, size := l.s.Current(), l.s.LogSize()
			l.want(tt.want, KindKey, tt.c)
			if tt.want != "" {
				return
			}
			known, ok := l.s.KeyOf("n1")
			if !ok || known.VKey != tt.c.VKey || known.Server != tt.c.Server {
				t.Errorf("n1 cosigns with %+v", known)
			}
			if tree := l.s.Current(); tree == before || tree.Size != size+1 {
				t.Errorf("to cosign: %+v", tree)
			}
			var r record.Key
			if err := json.Unmarshal(l.records[size], &r); err != nil || r.VKey != tt.c.VKey || r.Replaces != first.VKey || r.Server != tt.c.Server {
				t.Errorf("the KEY is %s", l.records[size])
			}
		})
	}
}

// TestKeyUsedBefore: a key that was replaced never comes back, for no node.
func TestKeyUsedBefore(t *testing.T) {
	l := keyed(t)
	old, next := keyCommandOf(t, keyOf(t, 0), "n1.a", ""), keyCommandOf(t, keyOf(t, 128), "n1.a", "")
	next.Replaces = old.VKey
	l.want("", KindKey, next)
	old.Replaces = next.VKey
	l.want(CodeBadProof, KindKey, old)
	l.want(CodeBadProof, KindKey, keyCommandOf(t, keyOf(t, 0), "n2.b", keyCommandOf(t, keyOf(t, 32), "n2.b", "").VKey))
	keys := l.s.Keys()
	if len(keys) != 4 || keys[0].Until != 4 || keys[3].Since != 4 || keys[3].Until != 0 {
		t.Errorf("keys %+v", keys)
	}
	l.tells("key n1.a", "key n2.b", "key n3.c", "key n1.a")
}

func TestKeysAreBounded(t *testing.T) {
	l := keyed(t)
	for i := len(l.s.keys); i < maxKeys; i++ {
		l.s.keys = append(l.s.keys, Key{Node: fmt.Sprint("old", i), LogVKey: strings.Repeat("k", 2*maxName), VKey: strings.Repeat("k", 3*maxName), Server: strings.Repeat("s", maxName), Until: 1})
	}
	l.want(CodeProofLimit, KindKey, keyCommandOf(t, keyOf(t, 128), "n1.a", l.s.keys[0].VKey))
	if size := int64(len(frozen(t, l.s))); size > maxKeys*2048 {
		t.Errorf("%d keys take %d bytes", maxKeys, size)
	}
}
