package proof

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/sign"
)

// TestCosign: what a server signed counts if it is of the tree at hand, with the server's own key in both roles, and the server has a vote.
func TestCosign(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(l *log, c *cosignCommand)
		want   string
	}{
		{"right", func(*log, *cosignCommand) {}, ""},
		{"another size", func(_ *log, c *cosignCommand) { c.Size++ }, CodeNotCurrent},
		{"another root", func(_ *log, c *cosignCommand) { c.Root = hashOf("x") }, CodeNotCurrent},
		{"of another tree", func(l *log, c *cosignCommand) {
			other := cosignOf(l.t, keyOf(l.t, 0), "n1.a", Tree{Size: 2, Root: l.s.Current().Root})
			c.Signature, c.AsLog = other.Signature, other.AsLog
		}, CodeBadSignature},
		{"a foreign key", func(l *log, c *cosignCommand) { *c = cosignOf(l.t, keyOf(l.t, 200), "n1.a", l.s.Current()) }, CodeBadSignature},
		{"another server's key", func(l *log, c *cosignCommand) { *c = cosignOf(l.t, keyOf(l.t, 32), "n1.a", l.s.Current()) }, CodeBadSignature},
		{"another server's signature", func(l *log, c *cosignCommand) {
			*c = cosignOf(l.t, keyOf(l.t, 32), "n2.b", l.s.Current())
			c.Server = "n1.a"
		}, CodeBadSignature},
		{"as the log another key", func(l *log, c *cosignCommand) { c.AsLog = cosignOf(l.t, keyOf(l.t, 32), "n2.b", l.s.Current()).AsLog }, CodeBadSignature},
		{"the two exchanged", func(_ *log, c *cosignCommand) { c.Signature, c.AsLog = c.AsLog, c.Signature }, CodeBadSignature},
		{"no signature as the log", func(_ *log, c *cosignCommand) { c.AsLog = "" }, CodeBadSignature},
		{"a line more", func(_ *log, c *cosignCommand) { c.Signature += "\n— evil/w AAAA" }, CodeBadSignature},
		{"a line end", func(_ *log, c *cosignCommand) { c.Signature += "\n" }, CodeBadSignature},
		{"a carriage return", func(_ *log, c *cosignCommand) { c.AsLog += "\r" }, CodeBadSignature},
		{"a byte changed", func(_ *log, c *cosignCommand) { c.Signature = flip(c.Signature) }, CodeBadSignature},
		{"no vote", func(l *log, _ *cosignCommand) { l.voters = three[1:] }, CodeNotVoter},
		{"another disk of the node", func(l *log, c *cosignCommand) {
			l.voters = append([]string{"n1.z"}, three...)
			c.Server = "n1.z"
		}, CodeBadSignature},
		{"a node without a key", func(l *log, c *cosignCommand) {
			l.voters = append([]string{"n9.z"}, three...)
			*c = cosignOf(l.t, keyOf(l.t, 200), "n9.z", l.s.Current())
		}, CodeBadSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := keyed(t)
			c := cosignOf(t, keyOf(t, 0), "n1.a", l.s.Current())
			tt.change(l, &c)
			l.want(tt.want, KindCosign, c)
			if l.s.Signed("n1.a") != (tt.want == "") || l.s.Newest().Size != 0 {
				t.Errorf("signed: %t, newest %+v", l.s.Signed("n1.a"), l.s.Newest())
			}
		})
	}
	newLog(t, three...).want(CodeNotCurrent, KindCosign, cosignOf(t, keyOf(t, 0), "n1.a", Tree{Root: NewSection().LogRoot()}))
}

func flip(line string) string {
	i := len(line) - 10
	return line[:i] + map[bool]string{true: "B", false: "A"}[line[i] == 'A'] + line[i+1:]
}

func (l *log) cosign(seed byte, server string) {
	l.t.Helper()
	l.want("", KindCosign, cosignOf(l.t, keyOf(l.t, seed), server, l.s.Current()))
}

// TestCheckpoint: a tree is the newest checkpoint once a majority of the voters has signed it, not of those who signed, and each of them once.
func TestCheckpoint(t *testing.T) {
	l := keyed(t)
	l.cosign(0, "n1.a")
	l.cosign(0, "n1.a")
	if l.s.Newest().Size != 0 || l.s.Note() != "" {
		t.Fatalf("one server signed twice: %+v", l.s.Newest())
	}
	l.cut()
	l.roots("n1.a", 1, 5, 7)
	l.roots("n2.b", 1, 5, 7)
	if l.s.Signed("n1.a") {
		t.Error("the signature of the tree before counts for the next one")
	}
	l.cosign(64, "n3.c")
	l.cosign(0, "n1.a")
	newest := l.s.Newest()
	if newest.Tree != l.s.Current() || newest.Counted != 1 || newest.Index != l.s.index || newest.Index == 0 {
		t.Errorf("the newest checkpoint is %+v", newest)
	}
	l.checkNote("n1", "n3")
	l.cosign(32, "n2.b")
	l.checkNote("n1", "n2", "n3")

	// A fourth server: two of four are no majority, three are; the checkpoint before stays until then.
	l.voters = append(slices.Clone(three), "n4.d")
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 96), "n4.d"))
	l.cosign(0, "n1.a")
	l.cosign(32, "n2.b")
	if l.s.Newest().Size != newest.Size || l.s.Current().Size != newest.Size+1 {
		t.Error("two of four make a checkpoint")
	}
	// One that signed and went counts no more; the third of those that stay makes it.
	l.voters = []string{"n2.b", "n3.c", "n4.d"}
	l.cosign(64, "n3.c")
	l.checkNote("n2", "n3")
	if l.s.Newest().Size != newest.Size+1 {
		t.Errorf("the newest checkpoint is %+v", l.s.Newest())
	}
}

// checkNote holds the note of the newest checkpoint against a policy that asks for exactly these nodes.
func (l *log) checkNote(nodes ...string) {
	l.t.Helper()
	var list []sign.Node
	for _, k := range l.s.Keys() {
		if i := slices.IndexFunc(list, func(n sign.Node) bool { return n.ID == k.Node }); i >= 0 {
			list[i].Keys = append(list[i].Keys, k.VKey)
		} else if slices.Contains(nodes, k.Node) {
			list = append(list, sign.Node{ID: k.Node, Keys: []string{k.VKey}})
		}
	}
	p, err := sign.Build(origin, list, len(list), nil, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	signed, err := p.Check([]byte(l.s.Note()))
	if err != nil {
		l.t.Fatalf("%v\n%s", err, l.s.Note())
	}
	if signed.Checkpoint.Root != l.s.Newest().Root || signed.Checkpoint.Size != l.s.Newest().Size {
		l.t.Errorf("the note is of %+v", signed.Checkpoint)
	}
	if got := strings.Count(l.s.Note(), "\n— "); got != 2*len(nodes) {
		l.t.Errorf("%d signatures, want those of %q in both roles:\n%s", got, nodes, l.s.Note())
	}
}

// witnessLine is what a witness signs of the newest checkpoint.
func (l *log) witnessLine(seed byte, name string, seconds int64) string {
	l.t.Helper()
	signer, err := keyOf(l.t, seed).Cosigner(name, func() time.Time { return time.Unix(seconds, 0) })
	if err != nil {
		l.t.Fatal(err)
	}
	newest := l.s.Newest()
	line, err := signatureLine(newest.body(origin), signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return line
}

func TestWitnesses(t *testing.T) {
	l := keyed(t)
	l.cosign(0, "n1.a")
	l.want(CodeNotCurrent, KindWitness, witnessCommand{Signatures: []string{"w x"}}) // there is no checkpoint yet
	l.cosign(32, "n2.b")
	newest := l.s.Newest()
	say := func(lines ...string) witnessCommand { return witnessCommand{newest.Size, hashText(newest.Root), lines} }
	good := l.witnessLine(96, "witness.example/w1", 1)
	for name, c := range map[string]witnessCommand{
		"no line":           say(),
		"a word":            say("w"),
		"no base64":         say("w !"),
		"too short":         say("w AAAA"),
		"two lines":         say(good + "\n— w2 AAAA"),
		"an end of a line":  say(good + "\n"),
		"the log's name":    say(l.witnessLine(96, origin, 1)),
		"a node's name":     say(l.witnessLine(96, origin+"/n1", 1)),
		"too long":          say("w" + strings.Repeat("w", maxLine) + " AAAAAAAA"),
		"beside a good one": say(good, "w !"),
	} {
		t.Run(name, func(t *testing.T) { l.t = t; l.want(CodeBadSignature, KindWitness, c) })
	}
	l.t = t
	wrong := say(good)
	wrong.Size++
	l.want(CodeNotCurrent, KindWitness, wrong)
	l.want("", KindWitness, say(good))
	l.want("", KindWitness, say(l.witnessLine(97, "a.example/w", 1), l.witnessLine(98, origin+"-other/n1", 1)))
	later := l.witnessLine(96, "witness.example/w1", 2)
	l.want("", KindWitness, say(later))
	if got := l.s.Newest().Witnesses; len(got) != 3 || !slices.Contains(got, later) || slices.Contains(got, good) {
		t.Errorf("witnesses %q", got)
	}
	if _, err := sign.Verified(sign.Checkpoint{Origin: origin, Size: newest.Size, Root: newest.Root}, []byte(notePrefix+later+"\n")); err == nil {
		t.Error("verified without a key")
	}
	l.checkReadable()
	var many []string
	for i := range maxWitnesses + 1 {
		many = append(many, l.witnessLine(byte(100+i), "many.example/w", 1))
	}
	l.want(CodeBadSignature, KindWitness, say(many...))
	other := l.s.Newest().Witnesses
	l.want("", KindWitness, say(many[:maxWitnesses-1]...))
	if got, want := l.s.Newest().Witnesses, append([]string{later}, many[:maxWitnesses-1]...); !slices.Equal(got, want) || other[2] != later {
		t.Errorf("what came first did not go: %q, want %q", got, want)
	}
	l.want("", KindWitness, say(good, good))
	if got, want := l.s.Newest().Witnesses, append(slices.Clone(many[:maxWitnesses-1]), good); !slices.Equal(got, want) {
		t.Errorf("a newer line of the same key did not take its place: %q, want %q", got, want)
	}
	l.checkReadable()
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 128), "n3.c", keyOf(t, 64)))
	l.cosign(0, "n1.a")
	l.cosign(32, "n2.b")
	if w := l.s.Newest().Witnesses; len(w) != 0 {
		t.Errorf("the next checkpoint has the witnesses of the one before: %q", w)
	}
}

// checkReadable opens the note with the key of a server: one bad line would make it unreadable.
func (l *log) checkReadable() {
	l.t.Helper()
	k, _ := l.s.KeyOf("n1")
	vkey, err := sign.ParseVerifierKey(k.VKey)
	if err != nil {
		l.t.Fatal(err)
	}
	_, lines, err := sign.Split([]byte(l.s.Note()))
	if err != nil {
		l.t.Fatal(err)
	}
	newest := l.s.Newest()
	if _, err := sign.Verified(sign.Checkpoint{Origin: origin, Size: newest.Size, Root: newest.Root}, lines, vkey); err != nil {
		l.t.Errorf("%v\n%s", err, l.s.Note())
	}
}

// TestManySigners: a note has 100 signatures at most.
func TestManySigners(t *testing.T) {
	l := newLog(t)
	for i := range maxSigners + 5 {
		l.voters = append(l.voters, "n"+string(rune('A'+i))+".a")
	}
	for i, v := range l.voters {
		l.want("", KindKey, keyCommandOf(t, keyOf(t, byte(i)), v))
	}
	for i, v := range l.voters {
		l.cosign(byte(i), v)
	}
	if got := len(l.s.Newest().Signatures); got != 2*maxSigners {
		t.Errorf("%d signatures", got)
	}
	if got := len(l.s.Note()); got == 0 || strings.Count(l.s.Note(), notePrefix)+maxWitnesses > 100 {
		t.Errorf("a note of %d bytes with too many signatures", got)
	}
}
