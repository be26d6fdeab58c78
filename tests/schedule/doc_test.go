package schedule

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// comment returns doc.go's text.
func comment(t *testing.T) string {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^// ?`).ReplaceAllString(string(data), "")
}

// TestDocTellsEveryFault, in the order of the table.
func TestDocTellsEveryFault(t *testing.T) {
	_, table, ok := strings.Cut(comment(t), "\tfault ")
	table, _, ok2 := strings.Cut(table, "\n\n")
	if !ok || !ok2 {
		t.Fatal("doc.go has no table of faults")
	}
	var got []Fault
	for _, row := range regexp.MustCompile(`(?m)^\t(\w+)  `).FindAllStringSubmatch(table, -1) {
		got = append(got, Fault(row[1]))
	}
	if !reflect.DeepEqual(got, all()) {
		t.Errorf("doc.go tells\n%v, the table has\n%v", got, all())
	}
	for _, k := range kinds {
		for _, way := range k.Ways {
			if way != "" && !strings.Contains(comment(t), "("+way+")") && !strings.Contains(comment(t), "how "+way) {
				t.Errorf("doc.go does not tell way %q of %s", way, k.Fault)
			}
		}
	}
}

// TestDocFile: the file in doc.go is one, but for its remarks.
func TestDocFile(t *testing.T) {
	_, file, _ := strings.Cut(comment(t), "\n\t{\n")
	file, _, _ = strings.Cut(file, "\n\t}\n")
	s, err := Parse([]byte("{" + regexp.MustCompile(`(?m),  .*$`).ReplaceAllString(file, ",") + "}"))
	if err != nil || len(s.Steps) != 2 || !s.Beyond {
		t.Fatalf("%v\n%s", err, file)
	}
}

// TestKinds: a line of the table says everything, and a caller cannot change it.
func TestKinds(t *testing.T) {
	for _, k := range Kinds() {
		if k.Does == "" || k.Witness == "" || strings.Contains(k.Does+k.Ends+k.Witness, "\n") {
			t.Errorf("%s: does %q, witness %q", k.Fault, k.Does, k.Witness)
		}
		if (k.Unit == "") != (k.Min == 0 && k.Max == 0) || k.Min > k.Max {
			t.Errorf("%s: amount %v to %v %q", k.Fault, k.Min, k.Max, k.Unit)
		}
		if got, ok := KindOf(k.Fault); !ok || !reflect.DeepEqual(got, k) {
			t.Errorf("%s is found as %+v, %v", k.Fault, got, ok)
		}
	}
	Kinds()[0].Fault = "other"
	if k, ok := KindOf("other"); ok || k.Fault != "" || Kinds()[0].Fault != Kill {
		t.Error("the table was changed")
	}
}

// table is compared without the spaces at the ends of lines.
const table = `
schedule version 1, seed 7: 3 nodes, 2m0s, 5 steps, quiet for the last 1m20s, beyond the budget
found a lost frame
  step      at     for      fault    node  peer          amount   how
     1   1.500   2.000       kill       1
     2   9.000           transfer  leader     2
     3   9.000   5.000       loss  leader   all  0.25 of pieces
     4  20.000   1.000  power_all     all                        lose
     5  30.000  10.000        cut       2     3                    in
`

func TestString(t *testing.T) {
	s := plan(3, at(1.5, 2, Kill, 1), at(9, 0, Transfer, 0, 2), at(9, 5, Loss, 0, 0.25), at(20, 1, PowerAll, 0, Lose),
		at(30, 10, Cut, 2, 3, In))
	s.Seed, s.Beyond, s.Note = 7, true, "found a lost frame"
	got := regexp.MustCompile(`(?m) +$`).ReplaceAllString(s.String(), "")
	if "\n"+got != table {
		t.Errorf("got\n%s\nwant%s", got, table)
	}
	if got := s.Steps[4].String(); got != "30.000 s: cut node 2 to 3, in, for 10.000 s" {
		t.Error(got)
	}
	if got := plan(3).String(); strings.Count(got, "\n") != 1 {
		t.Errorf("no steps:\n%s", got)
	}
}
