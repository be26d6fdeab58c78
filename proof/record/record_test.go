package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	root  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)

// examples has one record of each type, and what a key has that is in use no more.
func examples() []Record {
	const ms = 1_795_334_400_123
	head := func(t Type) Head { return NewHead(t, ms+250) }
	return []Record{
		&Key{head(TypeKey), "n1", "n1.a", "gapless/c/n1+00000000+BA==", "gapless/c+00000000+AQ==", "", "n1.a", "gapless/c/n1 AAAA", "", -1},
		&Audit{head(TypeAudit), 7, "default", "device_set", zeros},
		&Policy{head(TypePolicy), 8, 2, "ops <ops@example.com>", zeros},
		&Seal{head(TypeSeal), 1, 1, 1, 101, Time(ms), root, 5, 50, -1},
		&Census{head(TypeCensus), 1, 101, Time(ms), 1, root, 7, Totals{9, 1, 2, 1, 1, 2, 1, 1}, zeros, -1},
		&Merge{head(TypeMerge), 120, []string{zeros}, []string{}},
		&Key{Head: head(TypeKey), Node: "n1", Server: "n1.a", Replaces: "gapless/c/n1+00000000+BA==", Census: 4},
	}
}

// TestExamples: docs/format/tlog.md shows these records.
func TestExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/tlog.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, r := range examples() {
		b, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n", b)
		again, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", b, err)
			continue
		}
		if got, err := Encode(again); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s\nbecame\n%s, %v", b, got, err)
		}
	}
	if want := "```records\n" + all.String() + "```"; !strings.Contains(string(page), want) {
		t.Errorf("docs/format/tlog.md does not show\n%s", want)
	}
}

// TestParseRefuses: there is one way to write a record.
func TestParseRefuses(t *testing.T) {
	seal, err := Encode(examples()[3])
	if err != nil {
		t.Fatal(err)
	}
	good := string(seal)
	for name, text := range map[string]string{
		"nothing":                 "",
		"null":                    "null",
		"an array":                "[" + good + "]",
		"something behind":        good + "{}",
		"a space":                 strings.Replace(good, ":", ": ", 1),
		"a line end":              good + "\n",
		"a newer version":         strings.Replace(good, `"v":1`, `"v":2`, 1),
		"an unknown type":         strings.Replace(good, "SEAL", "ERASE", 1),
		"a member less":           strings.Replace(good, `,"census":-1`, "", 1),
		"a member twice":          strings.Replace(good, `"census":-1`, `"census":-1,"census":-1`, 1),
		"an unknown member":       strings.Replace(good, `"census":-1`, `"census":-1,"more":1`, 1),
		"another case":            strings.Replace(good, `"root"`, `"Root"`, 1),
		"another order":           strings.Replace(good, `"strips":5,"frames":50`, `"frames":50,"strips":5`, 1),
		"an escape too many":      strings.Replace(good, "SEAL", `\u0053EAL`, 1),
		"another number":          strings.Replace(good, `"last":101`, `"last":1.01e2`, 1),
		"a time without its ms":   strings.Replace(good, ".123Z", "Z", 1),
		"a time in another zone":  strings.Replace(good, ".123Z", ".123+00:00", 1),
		"a time that is none":     strings.Replace(good, ".123Z", ".123", 1),
		"another time of writing": strings.Replace(good, ".373Z", "", 1),
		"a number for a text":     strings.Replace(good, `"root":"`+root+`"`, `"root":1`, 1),
		"a byte that is no UTF-8": strings.Replace(good, "AAAA", "AAA\xff", 1),
		"a record too long":       `{"v":1,"type":"AUDIT","time":"` + strings.Repeat("x", MaxBytes) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if text == good {
				t.Fatal("nothing was changed")
			}
			if r, err := Parse([]byte(text)); err == nil {
				t.Errorf("it was read as %+v", r)
			}
		})
	}
	if _, err := Encode(&Policy{By: strings.Repeat("x", MaxBytes)}); err == nil {
		t.Error("a record was made that no bundle can hold")
	}
}

// TestAuditHash: what docs/format/tlog.md says, by hand.
func TestAuditHash(t *testing.T) {
	detail := sha256.Sum256([]byte(`{"x":1}`))
	sum := sha256.Sum256(fmt.Appendf(nil, `{"subject":"press-1","by":"a\u0026b","detail_sha256":"%x"}`, detail))
	if got, err := AuditHash("press-1", "a&b", []byte(`{"x":1}`)); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s, %v, want %x", got, err, sum)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range examples() {
		b, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		if again, err := Encode(r); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s\nbecame\n%s, %v", b, again, err)
		}
	})
}
