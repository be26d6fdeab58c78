package ledger

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tableRows are the rows of docs/ledger.md's table with this head, cell by cell.
func tableRows(t *testing.T, head string) [][]string {
	t.Helper()
	b, err := os.ReadFile("../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(b), "\n"+head+"\n")
	if !found {
		t.Fatalf("docs/ledger.md has no table %q", head)
	}
	rows := [][]string{}
	for _, line := range strings.Split(after, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Split(strings.Trim(line, "| "), " | "))
	}
	if len(rows) == 0 {
		t.Fatalf("table %q is empty", head)
	}
	return rows
}

// The stories in docs/ledger.md are true.
func TestDocumentedStories(t *testing.T) {
	code := regexp.MustCompile("`([^`]*)`")
	for _, row := range tableRows(t, "| frames | epochs |") {
		want := []string{}
		for _, m := range code.FindAllStringSubmatch(row[1], -1) {
			want = append(want, m[1])
		}
		r := newRig(t, Policy{})
		r.script(strings.Trim(row[0], "`"))
		if got := r.shape(); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", row[0], got, want)
		}
	}
}

// The defaults in docs/ledger.md are those of the policy, by their names in JSON.
func TestDocumentedDefaults(t *testing.T) {
	b, err := json.Marshal(Defaults())
	if err != nil {
		t.Fatal(err)
	}
	var policy map[string]json.RawMessage
	if err := json.Unmarshal(b, &policy); err != nil {
		t.Fatal(err)
	}
	rows := tableRows(t, "| name | default | when it is reached |")
	for _, row := range rows {
		name := strings.Trim(row[0], "`")
		if got, ok := policy[name]; !ok || string(got) != strings.TrimSuffix(row[1], " |") {
			t.Errorf("%s is %s, documented as %s", name, got, row[1])
		}
	}
	if len(rows) != len(policy) {
		t.Errorf("%d policies are documented, there are %d", len(rows), len(policy))
	}
}
