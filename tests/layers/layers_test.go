package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestImportsFollowTheTable(t *testing.T) {
	pkgs := scan(t, "../..")
	for _, room := range []string{".", "cmd/gapless", "frame", "ledger", "wal"} {
		if _, ok := pkgs[room]; !ok {
			t.Errorf("the scan found no package in %q: it looks in the wrong place", room)
		}
	}
	for _, fault := range check(pkgs) {
		t.Error(fault)
	}
}

// A checker that has never failed on a planted fault is not yet a checker.
func TestPlantedImportsAreRefused(t *testing.T) {
	tests := []struct {
		dir, imp, want string // want: part of the answer, "" when the import is fine
	}{
		{".", module + "/wal", ""},
		{".", module + "/client", "may import"},
		{".", module + "/cmd/gapless/demo", "leaf"},
		{"cmd/gapless", module, ""},
		{"cmd/gapless", module + "/cmd/gapless/demo", ""},
		{"cmd/gapless/demo", module + "/cmd/gapless/fleet", ""},
		{"cmd/gapless/fleet", module + "/frame", ""},
		{"cmd/gapless/fleet", module + "/ledger", "may import [frame]"},
		{"cmd/gapless/fleet", module, "module root"},
		{"tests/kill", module, ""},
		{"tests/kill", module + "/vfs", ""},
		{"ingest", module + "/ingest/udp", ""},
		{"ingest/udp", module + "/ingest", ""},
		{"ingest/udp", module + "/frame", ""},
		{"ingest/udp", module + "/query", "may import"},
		{"ingest", module + "/wal", "may import"},
		{"ingest", "github.com/hashicorp/raft", "ingest.Proposer"},
		{"query", module + "/ingest", "may import"},
		{"raftfsm", module + "/query", "may import"},
		{"tests/slowreader", "crypto/sha256", ""},
		{"tests/slowreader", "github.com/golang/snappy", ""},
		{"tests/slowreader", "github.com/klauspost/compress/snappy", "standard library"},
		{"tests/slowreader", module, "module root"},
		{"tests/slowreader", module + "/segment", "may import"},
		{"tests/slowreader", module + "/tests/temp", "may import"},
		{"wal", module + "/vfs", ""},
		{"wal", "github.com/hashicorp/raft", ""},
		{"wal", module + "/frame", "may import [vfs]"},
		{"wal", module, "module root"},
		{"wal", module + "/tests/layers", "leaf"},
		{"segment", "github.com/hashicorp/raft", "who agreed"},
		{"ledger", module + "/frame", ""},
		{"ledger", module + "/segment", "may import [frame]"},
		{"ledger", "os", "no I/O"},
		{"ledger", "math/rand/v2", "deterministic"},
		{"frame", "encoding/binary", ""},
		{"frame", "github.com/golang/snappy", "standard library"},
		{"frame", module + "/vfs", "may import"},
		{"auth", "golang.org/x/crypto/argon2", ""},
		{"auth", "github.com/spf13/cobra", "standard library"},
		{"web", module + "/frame", "may import"},
		{"metrics", "fmt", "no such room"},
		{"query/util", "fmt", "says nothing"},
		{"internal/x", "fmt", "says nothing"},
	}
	for _, tt := range tests {
		got := strings.Join(check(map[string][]string{tt.dir: {tt.imp}}), "\n")
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s importing %s: got %q, want %q in it", tt.dir, tt.imp, got, tt.want)
		}
	}
}

// scan reads the import clauses of every non-test Go file below root, whatever its build tags.
func scan(t *testing.T, root string) map[string][]string {
	t.Helper()
	pkgs := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != root && (strings.HasPrefix(name, ".") || name == "testdata" || p == filepath.Join(root, "demo") || p == filepath.Join(root, "bin")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		pkgs[dir] = slices.Grow(pkgs[dir], len(file.Imports)) // a package without imports counts as well
		for _, spec := range file.Imports {
			if imp, err := strconv.Unquote(spec.Path.Value); err != nil {
				return err
			} else if !slices.Contains(pkgs[dir], imp) {
				pkgs[dir] = append(pkgs[dir], imp)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}
