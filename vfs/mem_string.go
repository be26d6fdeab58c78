package vfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String lists all files with their sizes and what of them is not durable, one a line, for the report of a failed test.
func (m *Mem) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	m.root.describe(&b, "")
	if b.Len() == 0 {
		return "  (nothing)\n"
	}
	return b.String()
}

func (i *inode) describe(b *strings.Builder, dir string) {
	for _, name := range slices.Sorted(maps.Keys(i.dir.entries)) {
		node, full := i.dir.entries[name], dir+name
		note := ""
		if i.dir.synced[name] != node {
			note = ", name not durable"
		}
		if node.dir != nil {
			fmt.Fprintf(b, "  %s/%s\n", full, note)
			node.describe(b, full+"/")
			continue
		}
		if len(node.pending) > 0 {
			note += fmt.Sprintf(", %d unsynced changes over %d durable bytes", len(node.pending), node.synced.size)
		}
		fmt.Fprintf(b, "  %s: %d bytes%s\n", full, node.data.size, note)
	}
}
