package slowreader

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// The words of a KEY record, signed by package sign, are believed; whatever is changed in them is not.
func TestKeyWords(t *testing.T) {
	w := world.New(t, "slow")
	w.Rotate("n1")
	older, newer := w.Keys["n1"][0], w.Keys["n1"][1]
	vkey := func(k sign.Key) string {
		v, err := k.VerifierKey(sign.CosignerName(w.Origin, "n1"))
		if err != nil {
			t.Fatal(err)
		}
		return v.String()
	}
	line := func(by sign.Key, word sign.KeyWord) string {
		l, err := by.SignKeyWord("n1", word)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	word := sign.KeyWord{Origin: w.Origin, Server: "n1.a", VKey: vkey(newer), Replaces: vkey(older)}
	first := sign.KeyWord{Origin: w.Origin, Server: "n1.a", VKey: vkey(older)}
	asLog, err := newer.LogVerifierKey(w.Origin)
	if err != nil {
		t.Fatal(err)
	}
	for what, rec := range map[string]record.Key{
		"its first": {Node: "n1", Server: "n1.a", VKey: first.VKey, LogVKey: "its own", By: "n1.a", Signed: line(older, first)},
		"a rotation": {Node: "n1", Server: "n1.a", VKey: word.VKey, LogVKey: asLog.String(), Replaces: word.Replaces, By: "<admin>",
			Signed: line(newer, word), ReplacedSigned: line(older, word)},
		"after a server that went": {Node: "n1", Server: "n1.a", VKey: word.VKey, LogVKey: asLog.String(), Replaces: word.Replaces,
			Signed: line(newer, word)},
		"retired": {Node: "n1", Server: "n1.a", Replaces: word.VKey},
	} {
		rec.Head, rec.Census = record.NewHead(record.TypeKey, time.Now().UnixMilli()), -1
		k := readKey(t, rec)
		if err := k.checkWords(w.Origin); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := k.checkWords("gapless/other"); err == nil && k.VKey != "" {
			t.Errorf("%s: believed of another log", what)
		}
		for _, name := range []string{"Node", "Server", "VKey", "Replaces", "Signed", "ReplacedSigned"} {
			changed := *k
			field := reflect.ValueOf(&changed).Elem().FieldByName(name)
			if was := field.String(); was == "" {
				field.SetString(rec.Replaces + "x")
			} else {
				field.SetString(was[:len(was)-2] + "x" + was[len(was)-1:])
			}
			if err := changed.checkWords(w.Origin); err == nil && !(what == "retired" && name != "Signed" && name != "ReplacedSigned" && name != "VKey") {
				t.Errorf("%s, with another %s: believed: %+v", what, name, changed)
			}
		}
	}
}

// The records and the word of the page are read as the page tells.
func TestRecordsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/tlog.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string) string {
		_, text, ok := strings.Cut(string(page), "```"+name+"\n")
		text, _, closed := strings.Cut(text, "```")
		if !ok || !closed {
			t.Fatalf("the page has no block %s", name)
		}
		return text
	}
	kinds := map[string]int{}
	for line := range strings.Lines(block("records")) {
		r, err := parseRecord([]byte(strings.TrimSuffix(line, "\n")))
		switch {
		case err != nil:
			kinds["refused"]++
		case r.seal != nil && r.seal.Census == -1 && r.seal.At < r.seal.Time:
			kinds["SEAL"]++
		case r.census != nil && r.census.Census == -1 && r.census.At < r.census.Time:
			kinds["CENSUS"]++
		case r.key != nil && (r.key.VKey != "" || r.key.Census == 4 && r.key.checkWords("gapless/c") == nil):
			kinds["KEY"]++
		}
	}
	if !maps.Equal(kinds, map[string]int{"refused": 3, "SEAL": 1, "CENSUS": 1, "KEY": 2}) { // those that no certificate shows
		t.Errorf("records of the page: %v", kinds)
	}
	n, err := parseNote([]byte(block("keyword")))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(n.text, "\n")
	_, signed, _ := strings.Cut(block("keyword"), "— ")
	k := keyRecord{Node: "n1", Server: lines[2], VKey: lines[3], Signed: strings.TrimSuffix(signed, "\n")}
	if err := k.checkWords(lines[0]); err != nil || lines[4] != "-" {
		t.Errorf("the word of the page: %v", err)
	}
}

// readKey reads a record as package record writes it.
func readKey(t *testing.T, rec record.Key) *keyRecord {
	t.Helper()
	b, err := record.Encode(&rec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRecord(b)
	if err != nil || r.key == nil {
		t.Fatalf("%s: %v", b, err)
	}
	again, err := json.Marshal(r.key)
	if err != nil || string(again) != string(b) {
		t.Fatalf("%s is read as %s, %v", b, again, err)
	}
	return r.key
}
