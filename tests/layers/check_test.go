package layers

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// check returns one line for each import or folder that breaks the table. pkgs maps a package's folder, slash-separated and
// relative to the module root ("." for the root), to the import paths of its non-test files.
func check(pkgs map[string][]string) []string {
	var faults []string
	for dir, imports := range pkgs {
		for _, part := range strings.Split(dir, "/") {
			if slices.Contains(bannedNames, part) {
				faults = append(faults, fmt.Sprintf("%s: a folder named %q says nothing about what it holds", dir, part))
			}
		}
		line, allowed, known := lineOf(dir)
		if !known {
			faults = append(faults, fmt.Sprintf("%s: no such room in the table of tests/layers", dir))
			continue
		}
		for _, imp := range imports {
			if why := refuse(line, allowed, imp); why != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", dir, imp, why))
			}
		}
	}
	slices.Sort(faults)
	return faults
}

// lineOf finds the longest line of the table that holds dir.
func lineOf(dir string) (line string, allowed []string, ok bool) {
	for line = dir; ; line = path.Dir(line) {
		if allowed, ok = rooms[line]; ok || line == "." {
			return line, allowed, ok && (line != "." || dir == ".")
		}
	}
}

// refuse says why the packages under a line of the table may not import imp, or "".
func refuse(line string, allowed []string, imp string) string {
	room := roomOf(line)
	for _, a := range apart {
		if a.room == room && within(imp, a.path) {
			return a.why
		}
	}
	if imp == module {
		if line == "cmd" || line == "tests" {
			return ""
		}
		return "only programs import the module root"
	}
	target, ours := strings.CutPrefix(imp, module+"/")
	if !ours {
		return refuseForeign(allowed, imp)
	}
	for _, leaf := range leaves {
		if within(target, leaf) && room != leaf {
			return leaf + " is a leaf: nobody imports it"
		}
	}
	if within(target, line) || slices.Contains(allowed, anything) || slices.Contains(allowed, roomOf(target)) {
		return ""
	}
	return fmt.Sprintf("%s may import %v of ours", line, allowed)
}

// refuseForeign judges the standard library and third parties.
func refuseForeign(allowed []string, imp string) string {
	if !slices.Contains(allowed, std) || !strings.Contains(strings.Split(imp, "/")[0], ".") {
		return ""
	}
	for _, a := range allowed {
		if a != std && within(imp, a) {
			return ""
		}
	}
	return fmt.Sprintf("only the standard library (and %v)", allowed[1:])
}

func roomOf(dir string) string {
	room, _, _ := strings.Cut(dir, "/")
	return room
}

// within reports whether an import path or folder is prefix or below it.
func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }
