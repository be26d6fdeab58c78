package ingest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every code that this package can answer with stands in docs/http-api.md.
func TestEveryCodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	// What package frame says of a client's frames and batches.
	for _, code := range strings.Fields("name_empty name_too_long name_control name_reserved bad_utf8 seq_out_of_range time_out_of_range bad_first frame_too_large bad_fingerprint wrong_tenant") {
		codes[code] = true
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?:refuse\(fasthttp\.\w+, |Fault\{|Code: +|ErrorBody\{|m\.fail\()"([a-z_0-9]+)"`)
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllStringSubmatch(string(text), -1) {
			codes[m[1]] = true
		}
	}
	if len(codes) < 35 {
		t.Fatalf("only %d codes were found: the pattern no longer fits the code", len(codes))
	}
	for code := range codes {
		if !strings.Contains(string(page), "`"+code+"`") && !strings.HasSuffix(code, "_") {
			t.Errorf("%s does not explain %s", docsPage, code)
		}
	}
}
