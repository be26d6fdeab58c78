package sign

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const (
	ours   = testOrigin
	theirs = "gapless/fedcba9876543210"
)

func TestCheckBelieves(t *testing.T) {
	p, c := twoOfThree(t, ours), checkpointOf(ours, 42)
	s, err := p.Check(signed(t, c, logSigner(t, ours, "n3", 0), cosigner(t, ours, "n1", 2), cosigner(t, ours, "n2", 0),
		cosigner(t, theirs, "n1", 0), cosigner(t, "witness.example", "w", 0))) // names in no policy are ignored
	if err != nil {
		t.Fatal(err)
	}
	if s.Checkpoint != c || !slices.Equal(s.Names, []string{ours + "/n1", ours + "/n2"}) || s.Times[ours+"/n1"].Unix() != 1700000002 {
		t.Errorf("got %+v", s)
	}
	// Of several keys of one node the last time counts.
	s, err = p.Check(signed(t, c, logSigner(t, ours, "n3", 0), cosigner(t, ours, "n1", 2), cosigner(t, ours, "n1", 0), cosigner(t, ours, "n2", 0)))
	if err != nil || len(s.Names) != 2 || s.Times[ours+"/n1"].Unix() != 1700000002 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestCheckRefuses(t *testing.T) {
	p := twoOfThree(t, ours)
	c, later := checkpointOf(ours, 42), checkpointOf(ours, 43)
	lg, n1, n2 := logSigner(t, ours, "n1", 0), cosigner(t, ours, "n1", 0), cosigner(t, ours, "n2", 0)
	lines := func(msg []byte) string {
		_, l, err := Split(msg)
		if err != nil {
			t.Fatal(err)
		}
		return string(l)
	}
	whole := string(signed(t, c, lg, n1, n2))
	for _, tt := range []struct {
		name  string
		msg   string
		fault Fault
		words []string
	}{
		{"nothing", "", FaultMalformed, nil},
		{"no signatures", c.Text(), FaultMalformed, nil},
		{"not a checkpoint", strings.Replace(whole, "\n42\n", "\nforty-two\n", 1), FaultMalformed, []string{"forty-two", "size of the tree"}},
		{"extension line", c.Text() + "more\n\n" + lines([]byte(whole)), FaultMalformed, []string{"three lines"}},
		{"wrong origin", string(signed(t, checkpointOf(theirs, 42), logSigner(t, theirs, "n1", 0), cosigner(t, theirs, "n1", 0), cosigner(t, theirs, "n2", 0))),
			FaultOrigin, []string{theirs, ours}},
		{"wrong origin, our keys", string(signed(t, checkpointOf(theirs, 42), n1, n2)), FaultOrigin, []string{theirs, ours}},
		{"other cluster's keys", string(signed(t, c, cosigner(t, theirs, "n1", 0), cosigner(t, theirs, "n2", 0))), FaultForeign, []string{theirs + "/n1+"}},
		{"our names, other keys", string(signed(t, c, cosigner(t, ours, "n1", 7), cosigner(t, ours, "n2", 7), logSigner(t, ours, "n2", 7))),
			FaultForeign, []string{"other keys named " + ours, "another cluster"}},
		{"tampered size", strings.Replace(whole, "\n42\n", "\n43\n", 1), FaultAltered, []string{"changed after it was signed", ours + "/n1+", ours + "/n2+"}},
		{"moved signature", c.Text() + "\n" + lines(signed(t, c, lg, n1)) + lines(signed(t, later, n2)), FaultMoved, []string{"by " + ours + "/n2+", "another text", "2 others"}},
		{"moved signature of the log", c.Text() + "\n" + lines(signed(t, c, n1, n2)) + lines(signed(t, later, lg)), FaultMoved, []string{"by " + ours + "+", "2 others"}},
		{"one node", string(signed(t, c, lg, n1)), FaultQuorum, []string{"nodes needs 2 of 3 and has 1", "node:n2 did not", "node:n3 did not", "it has " + ours + "/n1"}},
		{"one node, all its keys", string(signed(t, c, lg, n1, cosigner(t, ours, "n1", 1), cosigner(t, ours, "n1", 2))), FaultQuorum, []string{"has 1"}},
		{"the log's signatures count for nothing", string(signed(t, c, lg, logSigner(t, ours, "n2", 0), logSigner(t, ours, "n3", 0))), FaultQuorum, []string{"has 0"}},
		{"not signed as the log", string(signed(t, c, n1, n2)), FaultLog, []string{"in the name of the log", ours + "/n1, " + ours + "/n2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := p.Check([]byte(tt.msg))
			wantFault(t, err, tt.fault, tt.words...)
		})
	}
}

// Every byte of a note that just suffices counts: changed, it is refused.
func TestEveryByteCounts(t *testing.T) {
	p := twoOfThree(t, ours)
	msg := signed(t, checkpointOf(ours, 42), logSigner(t, ours, "n3", 0), cosigner(t, ours, "n1", 0), cosigner(t, ours, "n2", 0))
	for i := range msg {
		for _, flip := range []byte{1, 2 << (i % 7)} {
			bad := bytes.Clone(msg)
			bad[i] ^= flip
			if _, err := p.Check(bad); err == nil {
				t.Fatalf("byte %d, %#02x for %#02x: believed\n%s", i, bad[i], msg[i], bad)
			} else if _, ok := err.(*SignatureError); !ok {
				t.Fatalf("byte %d: %T, want *SignatureError: %v", i, err, err)
			}
		}
		if _, err := p.Check(msg[:i]); err == nil {
			t.Fatalf("believed the first %d of %d bytes", i, len(msg))
		}
	}
}

func TestQuorums(t *testing.T) {
	witness := func(i int) string {
		v, err := keyOf(t, fmt.Sprintf("w/%d/0", i)).VerifierKey(fmt.Sprintf("w/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		return v.String()
	}
	log, err := keyOf(t, ours+"/n1/0").LogVerifierKey(ours)
	if err != nil {
		t.Fatal(err)
	}
	head := "log " + log.String() + "\n"
	for i := 1; i <= 6; i++ {
		head += fmt.Sprintf("witness W%d %s\n", i, witness(i))
	}
	nested := head + "group X 2 W1 W2 W3\ngroup Y any W4 W5\ngroup Z all X Y\n"
	for _, tt := range []struct {
		text  string
		by    []int
		words string // "": believed
	}{
		{nested + "quorum Z\n", []int{1, 3, 5}, ""},
		{nested + "quorum Z\n", []int{1, 2, 3, 4, 5, 6}, ""},
		{nested + "quorum Z\n", []int{1, 2, 3}, "Z needs 2 of 2 and has 1 (Y needs 1 of 2 and has 0 (W4 did not, W5 did not))"},
		{nested + "quorum Z\n", []int{1, 4, 5, 6}, "Z needs 2 of 2 and has 1 (X needs 2 of 3 and has 1 (W2 did not, W3 did not))"},
		{nested + "quorum X\n", []int{4, 5, 6, 1}, "X needs 2 of 3"},
		{nested + "quorum W6\n", []int{6}, ""},
		{nested + "quorum W6\n", []int{1, 2, 3, 4, 5}, "W6 did not"},
		{head + "quorum none\n", nil, ""},
		{head + "group one 1 W1\nquorum one\n", []int{2}, "one did not"},
	} {
		p, err := ParsePolicy([]byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		signers := []note.Signer{logSigner(t, ours, "n1", 0)}
		for _, i := range tt.by {
			signers = append(signers, cosigner(t, "w", fmt.Sprint(i), 0))
		}
		_, err = p.Check(signed(t, checkpointOf(ours, 3), signers...))
		if tt.words == "" {
			if err != nil {
				t.Errorf("cosigned by %v: %v", tt.by, err)
			}
			continue
		}
		wantFault(t, err, FaultQuorum, tt.words)
	}
}

func TestBuild(t *testing.T) {
	nodes := []Node{nodeOf(t, ours, "n1", 2), nodeOf(t, ours, "n2", 1)}
	w1, _ := keyOf(t, "w1").VerifierKey("w.example/1")
	w2, _ := keyOf(t, "w2").VerifierKey("w.example/2")
	p, err := Build(ours, nodes, 2, []Outside{{w1.String(), "https://w.example/1/"}, {w2.String(), ""}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePolicy([]byte(p.Text()))
	if err != nil || again.Text() != p.Text() || p.Quorum != "both" || len(p.Logs) != 3 || !slices.Equal(p.Origins(), []string{ours}) {
		t.Errorf("%v: %+v", err, p)
	}
	c := checkpointOf(ours, 5)
	lg, n1, n2 := logSigner(t, ours, "n1", 1), cosigner(t, ours, "n1", 1), cosigner(t, ours, "n2", 0)
	_, err = p.Check(signed(t, c, lg, n1, n2))
	wantFault(t, err, FaultQuorum, "both needs 2 of 2", "outside needs 1 of 2")
	out, err := keyOf(t, "w2").Cosigner("w.example/2", at(9))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := p.Check(signed(t, c, lg, n1, n2, out)); err != nil || len(s.Names) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	// Witnesses that nobody asks for are named all the same: one word makes them count.
	p, err = Build(ours, nodes, 2, []Outside{{w1.String(), "https://w.example/1/"}, {w2.String(), ""}}, 0)
	if err != nil || p.Quorum != "nodes" {
		t.Fatalf("%v: %+v", err, p)
	}
	if _, err := p.Check(signed(t, c, lg, n1, n2)); err != nil {
		t.Error(err)
	}
	strict, err := ParsePolicy([]byte(strings.Replace(p.Text(), "quorum nodes\n", "quorum both\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = strict.Check(signed(t, c, lg, n1, n2))
	wantFault(t, err, FaultQuorum, "outside needs 1 of 2")
	if _, err := strict.Check(signed(t, c, lg, n1, n2, out)); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]func() (*Policy, error){
		"more nodes than there are": func() (*Policy, error) { return Build(ours, nodes, 3, nil, 0) },
		"no node":                   func() (*Policy, error) { return Build(ours, nodes, 0, nil, 0) },
		"a node without a key":      func() (*Policy, error) { return Build(ours, []Node{{ID: "n1"}}, 1, nil, 0) },
		"another node's key":        func() (*Policy, error) { return Build(ours, []Node{{ID: "n2", Keys: nodes[0].Keys}}, 1, nil, 0) },
		"another cluster's key":     func() (*Policy, error) { return Build(theirs, nodes, 1, nil, 0) },
		"a key twice": func() (*Policy, error) {
			return Build(ours, []Node{nodes[0], {ID: "n1", Keys: nodes[0].Keys}}, 1, nil, 0)
		},
		"a key that is none":            func() (*Policy, error) { return Build(ours, []Node{{ID: "n1", Keys: []string{"key"}}}, 1, nil, 0) },
		"witnesses that are not named":  func() (*Policy, error) { return Build(ours, nodes, 1, nil, 1) },
		"more witnesses than there are": func() (*Policy, error) { return Build(ours, nodes, 1, []Outside{{w1.String(), ""}}, 2) },
		"a witness that is a node": func() (*Policy, error) {
			return Build(ours, nodes[:1], 1, []Outside{{nodes[1].Keys[0], ""}}, 0)
		},
		"an address that is two lines": func() (*Policy, error) {
			return Build(ours, nodes, 1, []Outside{{w1.String(), "http://w\nlog " + sumdbKey}}, 1)
		},
		"a witness that is a log's key": func() (*Policy, error) { return Build(ours, nodes, 1, []Outside{{sumdbKey, ""}}, 1) },
	} {
		if p, err := bad(); err == nil {
			t.Errorf("%s: built\n%s", name, p.Text())
		}
	}
}
