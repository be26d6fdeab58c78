package sign

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the state of a log: the root of its tree at one size (c2sp.org/tlog-checkpoint). We write and read no extension
// lines: nobody audits them.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text is the text of the checkpoint's note: origin, size and root, a line each.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads the text of a checkpoint's note, without its signatures: what Text writes, and nothing that merely
// resembles it.
func ParseCheckpoint(text []byte) (Checkpoint, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("sign: a checkpoint has three lines (origin, size, root), this text %d", max(len(lines)-1, 0))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("sign: checkpoint: the second line is %.40q, want the size of the tree", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign: checkpoint: the third line is %.100q, want a root of 32 bytes as base64", lines[2])
	}
	c := Checkpoint{lines[0], size, root}
	if err := checkLine(c.Origin); err != nil {
		return Checkpoint{}, fmt.Errorf("sign: checkpoint: the origin %w", err)
	}
	if c.Text() != string(text) {
		return Checkpoint{}, fmt.Errorf("sign: checkpoint: size %.40q and root %.100q are not written in the one way that is allowed", lines[1], lines[2])
	}
	return c, nil
}

// checkLine says why a text cannot be a line of a note.
func checkLine(s string) error {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 }) {
		return fmt.Errorf("%.100q cannot be a line of a note", s)
	}
	return nil
}

// Origin is the name of a cluster's log.
func Origin(clusterID string) string { return "gapless/" + clusterID }

// CosignerName is the name under which a node of that log cosigns, whichever key it has.
func CosignerName(origin, node string) string { return origin + "/" + node }

// NodeOf is the inverse of CosignerName.
func NodeOf(origin, name string) (node string, ok bool) {
	node, ok = strings.CutPrefix(name, origin+"/")
	return node, ok && node != ""
}
