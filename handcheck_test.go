package gapless

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	handUpdate = flag.Bool("hand-update", false, "write into docs/proof-example.md what its commands print")
	handRenew  = flag.Bool("hand-renew", false, "make docs/examples/proof again, from a new cluster; with -hand-update")
)

const (
	handPage = "docs/proof-example.md"
	handDir  = "docs/examples/proof"
	handSize = 40 << 10 // bytes that the files may have together
)

// handTools are the programs that the page names, besides bash and the core utilities.
var handTools = []string{"bash", "sha256sum", "od", "tar", "xxd", "jq", "openssl"}

// handBlock is a block of commands of the page, and what it says they print.
type handBlock struct {
	section        string
	commands, want string
	at, end        int // lines of what is printed, none when they are equal
}

// handBlocks are the blocks fenced as sh, each with the one fenced as text right below it.
func handBlocks(lines []string) (list []handBlock) {
	section, kind, from := "", "", 0
	for i, line := range lines {
		switch title, isTitle := strings.CutPrefix(line, "## "); {
		case kind != "" && line == "```":
			text := strings.Join(lines[from:i], "\n")
			if kind == "sh" {
				list = append(list, handBlock{section: section, commands: text})
			} else if b := &list[len(list)-1]; kind == "text" && lines[from-2] == "```" { // right below
				b.want, b.at, b.end = text, from, i
			}
			kind = ""
		case kind == "" && strings.HasPrefix(line, "```"):
			kind, from = line[3:], i+1
		case kind == "" && isTitle:
			section = title
		}
	}
	return list
}

// handRun runs all commands in one shell, in a copy of the example that damage may change, and returns what each block prints.
func handRun(t *testing.T, blocks []handBlock, gapless string, damage func(dir string)) []string {
	t.Helper()
	const mark = "-- end of the block --"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(handDir)); err != nil {
		t.Fatal(err)
	}
	if damage != nil {
		damage(dir)
	}
	var script strings.Builder
	for _, b := range blocks {
		fmt.Fprintf(&script, "%s\necho '%s'\n", b.commands, mark)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "PATH="+filepath.Dir(gapless)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	printed := strings.Split(string(out), mark+"\n")
	if err != nil || len(printed) != len(blocks)+1 {
		t.Fatalf("%d blocks of %d ended: %v\n%s", len(printed)-1, len(blocks), err, out)
	}
	for i := range printed {
		printed[i] = strings.TrimSuffix(printed[i], "\n")
	}
	return printed[:len(blocks)]
}

// handReady is the blocks of the page, and our program; without the tools that is a skip.
func handReady(t *testing.T) (lines []string, blocks []handBlock, gapless string) {
	t.Helper()
	for _, tool := range handTools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIP(proof by hand): no %s; make deps installs it", tool)
		}
	}
	page, err := os.ReadFile(handPage)
	if err != nil {
		t.Fatal(err)
	}
	gapless = filepath.Join(t.TempDir(), "gapless")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", gapless, "./cmd/gapless").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines = strings.Split(string(page), "\n")
	return lines, handBlocks(lines), gapless
}

// TestProofByHand runs the commands of the page, which check a certificate without our programs, and compares what they print with what the page
// shows; then it does so with one byte of the example changed, and what they print must differ.
func TestProofByHand(t *testing.T) {
	if *handRenew {
		makeHandExample(t, handDir)
	}
	lines, blocks, gapless := handReady(t)
	handCompare(t, lines, blocks, handRun(t, blocks, gapless, nil))
	if !t.Failed() && !*handUpdate {
		handNotices(t, blocks, gapless)
	}
}

// handCompare holds what was printed against the page, or writes it there.
func handCompare(t *testing.T, lines []string, blocks []handBlock, printed []string) {
	shown := 0
	for i, b := range slices.Backward(blocks) { // from below, so that what is written moves no line that is still to be written
		if b.at > 0 {
			shown++
		}
		switch {
		case printed[i] == b.want:
		case *handUpdate && b.at > 0:
			lines = slices.Replace(lines, b.at, b.end, strings.Split(printed[i], "\n")...)
		default:
			t.Errorf("%s, %s: the commands\n%s\nprint\n%s\nand the page shows\n%s", handPage, b.section, b.commands, printed[i], b.want)
		}
	}
	if shown < 12 {
		t.Errorf("%d blocks show what they print: the pattern no longer fits the page", shown)
	}
	if *handUpdate {
		if err := os.WriteFile(handPage, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProofExampleIsSmall: somebody shall look at all of it.
func TestProofExampleIsSmall(t *testing.T) {
	files, err := os.ReadDir(handDir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	size := int64(0)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > handSize {
		t.Errorf("%d bytes, want %d at most", size, handSize)
	}
}
