package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite the parts of documents that are made from code")

const configurationPage = "../../docs/configuration.md"

// The page is what people read instead of the struct: it must have each setting, with its default and its meaning.
func TestConfigurationPage(t *testing.T) {
	const begin, end = "from the struct gapless.Config -->\n", "<!-- end of settings -->"
	page, err := os.ReadFile(configurationPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(page), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no part between %q and %q", configurationPage, begin, end)
	}
	want := settingsTable()
	if *update {
		if err := os.WriteFile(configurationPage, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("%s has\n%s\nthe struct says\n%s\nrun this test with -update", configurationPage, got, want)
	}
	for _, name := range []string{"GAPLESS_URL", "GAPLESS_TOKEN", "GAPLESS_CONFIG", "--print-config"} {
		if !strings.Contains(string(page), name) {
			t.Errorf("%s does not mention %s", configurationPage, name)
		}
	}
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("\n| file | environment | flag | default | meaning |\n|---|---|---|---|---|\n")
	for _, s := range settings() {
		fmt.Fprintf(&b, "| `%s` | `%s` | `--%s` | %s | %s |\n", s.name, s.env(), s.flag(), defaultCell(s.value.Interface()), s.help)
	}
	b.WriteString("\n")
	return b.String()
}

func defaultCell(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" {
			return ""
		}
	case map[string]string, []string:
		return ""
	case time.Duration:
	}
	return fmt.Sprintf("`%v`", v)
}

func TestEverySettingHasAFlagAndHelp(t *testing.T) {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	addFlags(flags)
	if len(settings()) < 15 {
		t.Fatalf("only %d settings: are the yaml tags gone?", len(settings()))
	}
	for _, s := range settings() {
		f := flags.Lookup(s.flag())
		if f == nil || !strings.HasPrefix(f.Usage, s.help) || s.help == "" {
			t.Errorf("setting %s: flag %+v, help %q", s.name, f, s.help)
		}
	}
}
