package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// deterministic rooms run inside apply: what they do may depend on their arguments only. Values of package time may pass
// through them; asking it for the time, or starting anything beside apply, would make replicas differ. A sub-folder counts only if it is
// named: segment/shelf keeps one node's files, which no replica needs to agree on.
var deterministic = []string{"frame", "ledger", "ledger/canon", "ledger/registry", "segment", "segment/column"}

var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func TestDeterministicRoomsAskNoClock(t *testing.T) {
	for _, room := range deterministic {
		files, err := filepath.Glob(filepath.Join("../..", room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("room %s: %d files, %v", room, len(files), err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, fault := range impure(fset, file) {
				t.Error(fault)
			}
		}
	}
}

// impure lists what a deterministic file must not do.
func impure(fset *token.FileSet, file *ast.File) []string {
	var faults []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
				faults = append(faults, fmt.Sprintf("%s: time.%s: no clock in what replicas run", fset.Position(n.Pos()), n.Sel.Name))
			}
		case *ast.GoStmt:
			faults = append(faults, fmt.Sprintf("%s: go: no goroutine in what replicas run", fset.Position(n.Pos())))
		case *ast.SelectStmt:
			faults = append(faults, fmt.Sprintf("%s: select: chooses at random", fset.Position(n.Pos())))
		}
		return true
	})
	return faults
}

func TestPlantedClocksAreFound(t *testing.T) {
	src := `package p
import "time"
var fine = time.Unix(0, 1).Add(time.Second)
func f(c chan int) {
	_ = time.Now()
	go f(c)
	select { case <-c: case <-time.After(1): }
}`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(impure(fset, file), "\n")
	for _, want := range []string{"p.go:5:6: time.Now", "p.go:6:2: go", "p.go:7:2: select", "p.go:7:28: time.After"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n") + 1; n != 4 {
		t.Errorf("%d faults, want 4:\n%s", n, got)
	}
}
