package sign

import (
	"fmt"
	"strings"
	"testing"
)

func TestPolicyFileIsStrict(t *testing.T) {
	log := "log " + archeKey + "\n"
	n := nodeOf(t, ours, "n1", 2)
	w1, w2 := "witness w1 "+n.Keys[0]+"\n", "witness w2 "+n.Keys[1]+"\n"
	k := keyMust(t, n.Keys[0])
	k.Name = "impostor"
	for _, tt := range []struct{ text, want string }{
		{"", "quorum"},
		{"quorum none\n", "begins with log"},
		{log, "quorum"},
		{log + "quorum none", "does not end"},
		{log + "quorum none\r\n", "control character"},
		{log + "quorum none\x01\n", "control character"},
		{log + "quorum none\x7f\n", "control character"},
		{log + "quibble w1\nquorum none\n", "line 2: \"quibble\" is none of"},
		{log + "quorum none\nquorum none\n", "line 3: want one line: quorum"},
		{log + "quorum\n", "quorum <name>"},
		{log + "quorum none none\n", "quorum <name>"},
		{log + "quorum w1\n" + w1, "\"w1\" is not defined above"},
		{log + "witness w1\nquorum none\n", "witness <name>"},
		{log + "witness w1 " + n.Keys[0] + " https://w/ # comment\nquorum w1\n", "witness <name>"},
		{log + "witness w1 " + sumdbKey + "\nquorum w1\n", "type 0x01, want 0x04"},
		{log + w1 + "witness w1 " + n.Keys[1] + "\nquorum w1\n", "line 3: \"w1\" is defined already"},
		{log + "witness none " + n.Keys[0] + "\nquorum none\n", "\"none\" is defined already"},
		{log + w1 + "witness w2 " + n.Keys[0] + "\nquorum w1\n", "stands in the policy already"},
		{log + w1 + "witness w2 " + k.String() + "\nquorum w1\n", "one key is one witness"},
		{log + log + "quorum none\n", "line 2: the key of log"},
		{log + "log garbage\nquorum none\n", "not a verifier key"},
		{"log " + remoraKey + "\nquorum none\n", "type 0x04, want 0x01"},
		{"log\nquorum none\n", "log <verifier key>"},
		{log + w1 + "group w1 any w1\nquorum w1\n", "\"w1\" is defined already"},
		{log + w1 + "group none any w1\nquorum none\n", "\"none\" is defined already"},
		{log + w1 + "group g 1\nquorum w1\n", "group <name>"},
		{log + w1 + "group g 0 w1\nquorum g\n", "a number from 1 to 1"},
		{log + w1 + "group g 2 w1\nquorum g\n", "a number from 1 to 1"},
		{log + w1 + "group g 01 w1\nquorum g\n", "a number from 1 to 1"},
		{log + w1 + "group g +1 w1\nquorum g\n", "a number from 1 to 1"},
		{log + w1 + "group g -1 w1\nquorum g\n", "a number from 1 to 1"},
		{log + w1 + "group g any w2\nquorum g\n", "\"w2\" is not defined above"},
		{log + "group g any w1\n" + w1 + "quorum g\n", "\"w1\" is not defined above"},
		{log + w1 + "group g any g\nquorum g\n", "\"g\" is not defined above"},
		{log + w1 + "group g any none w1\nquorum g\n", "\"none\" is not defined above"},
		{log + w1 + "group g all w1 w1\nquorum g\n", "would count twice"},
		{log + w1 + w2 + "group g any w1 w2\ngroup h any w1\nquorum g\n", "member of g already"},
		{strings.Repeat("#\n", maxPolicyBytes), "limit"},
	} {
		p, err := ParsePolicy([]byte(tt.text))
		if err == nil {
			t.Errorf("%.300q was read as\n%s", tt.text, p.Text())
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.300q: %q does not say %q", tt.text, err, tt.want)
		}
	}
}

func TestPolicyFileFreedoms(t *testing.T) {
	n := nodeOf(t, ours, "n1", 2)
	text := "\n# comment\n\t # another\n\tlog \t " + archeKey + "   https://log.example/  \nwitness all " + n.Keys[0] + "\nwitness \x80K\xe2 " + n.Keys[1] +
		" http://w\ngroup group all all \x80K\xe2\n\n  quorum\tgroup\n \n"
	p, err := ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("log %s https://log.example/\nwitness all %s\nwitness \x80K\xe2 %s http://w\ngroup group 2 all \x80K\xe2\nquorum group\n", archeKey, n.Keys[0], n.Keys[1])
	if p.Text() != want {
		t.Errorf("got\n%q\nwant\n%q", p.Text(), want)
	}
}
