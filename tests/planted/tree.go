package main

import (
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	tagPrefix  = "bug_"
	twinSuffix = "_bug.go"
	breaks     = "// Breaks: "
)

// twin is a file that a tag puts in the place of another one.
type twin struct {
	tag  string
	path string // below the root
}

// promise is the path of the file that the twin replaces.
func (t *twin) promise() string { return strings.TrimSuffix(t.path, twinSuffix) + ".go" }

func (t *twin) dir() string { return filepath.Dir(t.path) }

// findTwins returns every twin below root, and an error for a file that uses a tag of a bug in any other way than the two of a pair.
func findTwins(root string) (twins []twin, err error) {
	promises := map[string]string{} // path to tag
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		line, err := constraintOf(path)
		if err != nil || !strings.Contains(line, tagPrefix) {
			return err
		}
		path, err = filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if tag, ok := strings.CutPrefix(line, "!"); ok {
			promises[path] = tag
		} else {
			twins = append(twins, twin{line, path})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return twins, pair(root, twins, promises)
}

// constraintOf is the build constraint of a Go file, "" where it has none.
func constraintOf(path string) (string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) || c.Pos() > f.Package {
				continue
			}
			expr, err := constraint.Parse(c.Text)
			if err != nil {
				return "", fmt.Errorf("%s: %w", path, err)
			}
			return expr.String(), nil
		}
	}
	return "", nil
}

// pair says what is wrong with the files that tags choose.
func pair(root string, twins []twin, promises map[string]string) error {
	for _, t := range twins {
		if strings.Trim(t.tag, "abcdefghijklmnopqrstuvwxyz_") != "" || !strings.HasPrefix(t.tag, tagPrefix) ||
			!strings.HasSuffix(t.path, twinSuffix) {
			return fmt.Errorf("%s: want the name of a promise with %s and the constraint of one bug, not %q", t.path, twinSuffix, t.tag)
		}
		if promises[t.promise()] != t.tag {
			return fmt.Errorf("%s: want %s beside it, with //go:build !%s", t.path, t.promise(), t.tag)
		}
		text, err := os.ReadFile(filepath.Join(root, t.path))
		if err != nil {
			return err
		}
		if strings.Count(string(text), breaks) != 1 {
			return fmt.Errorf("%s: want one comment line that begins with %q", t.path, breaks)
		}
		delete(promises, t.promise())
	}
	for path, tag := range promises {
		return fmt.Errorf("%s: no twin breaks this promise with %s", path, tag)
	}
	return nil
}

// tagsOf lists the tags of twins, each once.
func tagsOf(twins []twin) (tags []string) {
	for _, t := range twins {
		tags = append(tags, t.tag)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
