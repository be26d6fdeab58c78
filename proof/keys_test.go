package proof

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

const (
	clusterID = "k7q2m9x4"
	origin    = "gapless/" + clusterID
)

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

// keyCommandOf makes a key known as that of a server, in the place of the one of the node until now, if that is given.
func keyCommandOf(t testing.TB, key sign.Key, server string, replaced ...sign.Key) keyCommand {
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
	c := keyCommand{Server: server, Origin: origin, VKey: vkey.String(), LogVKey: asLog.String(), By: server}
	if len(replaced) > 0 {
		before, err := replaced[0].VerifierKey(vkey.Name)
		if err != nil {
			t.Fatal(err)
		}
		c.Replaces = before.String()
		c.ReplacedSignature = lineOf(t, replaced[0], server, c.word())
	}
	c.Signature = lineOf(t, key, server, c.word())
	return c
}

// lineOf is what a server says of a key with this one.
func lineOf(t testing.TB, key sign.Key, server string, w sign.KeyWord) string {
	t.Helper()
	node, _, _ := strings.Cut(server, ".")
	line, err := key.SignKeyWord(node, w)
	if err != nil {
		t.Fatal(err)
	}
	return line
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
		l.want("", KindKey, keyCommandOf(t, keyOf(t, byte(32*i)), server))
	}
	return l
}

func TestKeys(t *testing.T) {
	old, next, third := keyOf(t, 0), keyOf(t, 128), keyOf(t, 160)
	first := keyCommandOf(t, old, "n1.a")
	rotation := keyCommandOf(t, next, "n1.a", old)
	replaced := []string{"n1.z", "n2.b", "n3.c"}
	for _, tt := range []struct {
		name   string
		voters []string
		c      keyCommand
		change func(c *keyCommand)
		want   string
	}{
		{"again", three, keyCommandOf(t, old, "n1.a", old), nil, CodeNotCurrent},
		{"as the first one", three, keyCommandOf(t, next, "n1.a"), nil, CodeNotCurrent},
		{"in the place of another", three, keyCommandOf(t, next, "n1.a", third), nil, CodeNotCurrent},
		{"rotation", three, rotation, nil, ""},
		{"without a vote", three, keyCommandOf(t, next, "n4.d"), nil, CodeNotVoter},
		{"of another node", three, keyCommandOf(t, keyOf(t, 32), "n1.a", old), nil, CodeBadProof},
		{"of another log", three, rotation, func(c *keyCommand) { c.Origin = "gapless/other" }, CodeBadProof},
		{"under another node's name", three, rotation, func(c *keyCommand) { c.VKey = keyCommandOf(t, next, "n2.b").VKey }, CodeBadProof},
		{"as the log another key", three, rotation, func(c *keyCommand) { c.LogVKey = keyCommandOf(t, third, "n1.a").LogVKey }, CodeBadProof},
		{"the two exchanged", three, rotation, func(c *keyCommand) { c.VKey, c.LogVKey = c.LogVKey, c.VKey }, CodeBadProof},
		{"no key", three, rotation, func(c *keyCommand) { c.VKey = "n1" }, CodeBadProof},
		{"of no node", []string{".a"}, first, func(c *keyCommand) { c.Server = ".a" }, CodeBadProof},
		{"no incarnation", []string{"n1"}, first, func(c *keyCommand) { c.Server = "n1" }, CodeBadProof},
		{"a long principal", three, rotation, func(c *keyCommand) { c.By = strings.Repeat("x", maxBy+1) }, CodeBadProof},
		{"nobody has the new key", three, rotation, func(c *keyCommand) { c.Signature = "" }, CodeBadSignature},
		{"by the old key twice", three, rotation, func(c *keyCommand) { c.Signature = c.ReplacedSignature }, CodeBadSignature},
		{"by the new key twice", three, rotation, func(c *keyCommand) { c.ReplacedSignature = c.Signature }, CodeBadSignature},
		{"the old key says nothing", three, rotation, func(c *keyCommand) { c.ReplacedSignature = "" }, CodeBadSignature},
		{"the old key says it of another", three, rotation, func(c *keyCommand) {
			c.ReplacedSignature = keyCommandOf(t, third, "n1.a", old).ReplacedSignature
		}, CodeBadSignature},
		{"a line more", three, rotation, func(c *keyCommand) { c.Signature += "\n" + notePrefix + c.ReplacedSignature }, CodeBadSignature},
		{"a byte changed", three, rotation, func(c *keyCommand) { c.Signature = flip(c.Signature) }, CodeBadSignature},
		{"a new disk with a new key", replaced, keyCommandOf(t, next, "n1.z", old), nil, ""},
		{"a new disk, the old key is gone", replaced, keyCommandOf(t, next, "n1.z", old), func(c *keyCommand) { c.ReplacedSignature = "" }, ""},
		{"a new disk, and a forged word of the old key", replaced, keyCommandOf(t, next, "n1.z", old), func(c *keyCommand) {
			c.ReplacedSignature = c.Signature
		}, CodeBadSignature},
		{"a new disk with the key of the old", replaced, keyCommandOf(t, old, "n1.z", old), nil, ""},
		{"two disks with one key", append([]string{"n1.z"}, three...), keyCommandOf(t, old, "n1.z", old), nil, CodeBadProof},
		{"a second disk takes over", append([]string{"n1.z"}, three...), keyCommandOf(t, next, "n1.z", old), func(c *keyCommand) {
			c.ReplacedSignature = ""
		}, CodeBadSignature},
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
			l.keyRecord(size, tt.c)
		})
	}
}

// keyRecord checks a KEY record as an auditor can, who has nothing but the log.
func (l *log) keyRecord(n int64, c keyCommand) {
	l.t.Helper()
	r, err := record.Parse(l.records[n])
	if err != nil {
		l.t.Fatal(err)
	}
	k := r.(*record.Key)
	if k.VKey != c.VKey || k.Server != c.Server || k.Replaces != c.Replaces || k.By != c.By || k.Census != l.s.census {
		l.t.Errorf("the KEY is %s", l.records[n])
	}
	w := sign.KeyWord{Origin: l.s.Origin(), Server: k.Server, VKey: k.VKey, Replaces: k.Replaces}
	if err := sign.CheckKeyWord(k.VKey, w, k.Signed); err != nil {
		l.t.Errorf("by the new key: %v", err)
	}
	if k.ReplacedSigned == "" {
		return
	}
	if err := sign.CheckKeyWord(k.Replaces, w, k.ReplacedSigned); err != nil {
		l.t.Errorf("by the replaced key: %v", err)
	}
}

// TestKeyUsedBefore: a key that was replaced never comes back, for no node.
func TestKeyUsedBefore(t *testing.T) {
	l := keyed(t)
	old, next := keyOf(t, 0), keyOf(t, 128)
	l.want("", KindKey, keyCommandOf(t, next, "n1.a", old))
	l.want(CodeBadProof, KindKey, keyCommandOf(t, old, "n1.a", next))
	l.want(CodeBadProof, KindKey, keyCommandOf(t, old, "n2.b", keyOf(t, 32)))
	keys := l.s.Keys()
	if len(keys) != 4 || keys[0].Until != 4 || keys[3].Since != 4 || keys[3].Until != 0 {
		t.Errorf("keys %+v", keys)
	}
	l.tellsAll("key n1.a", "key n2.b", "key n3.c", "key n1.a")
}

// TestKeysAreBounded: no node can use up the keys of all.
func TestKeysAreBounded(t *testing.T) {
	l := keyed(t)
	key := keyOf(t, 0)
	for i := 1; i < maxNodeKeys; i++ {
		next := seeded(t, i)
		if l.apply(KindKey, keyCommandOf(t, next, "n1.a", key)) != "" {
			t.Fatalf("key %d is refused", i)
		}
		key = next
	}
	l.want(CodeProofLimit, KindKey, keyCommandOf(t, seeded(t, maxNodeKeys), "n1.a", key))
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 129), "n2.b", keyOf(t, 32)))
	if left := l.s.KeysLeft("n1"); left != 0 || l.s.KeysLeft("n2") != maxNodeKeys-2 {
		t.Errorf("%d keys are left to n1, %d to n2", left, l.s.KeysLeft("n2"))
	}
	l.voters = append([]string{"n1.z"}, three[1:]...)
	l.want("", KindKey, keyCommandOf(t, key, "n1.z", key)) // a new disk goes on with the key of the old one
	for i := len(l.s.keys); i < maxKeys; i++ {
		l.s.keys = append(l.s.keys, Key{Node: fmt.Sprint("old", i), LogVKey: strings.Repeat("k", 2*maxName), VKey: strings.Repeat("k", 3*maxName), Server: strings.Repeat("s", maxName), Until: 1})
	}
	l.want(CodeProofLimit, KindKey, keyCommandOf(t, keyOf(t, 130), "n2.b", keyOf(t, 129)))
	if size := int64(len(frozen(t, l.s))); size > maxKeys*2048 {
		t.Errorf("%d keys take %d bytes", maxKeys, size)
	}
}

// seeded is a key like no other's.
func seeded(t testing.TB, i int) sign.Key {
	t.Helper()
	key, err := sign.Generate(strings.NewReader(fmt.Sprintf("a key with the number %010d", i)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
