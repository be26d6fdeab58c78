package frame

import "strings"

// interner gives equal bytes the same string, so that the names that return in every batch are allocated once. It forgets all of them
// when it is full, which costs allocations but never correctness.
type interner struct {
	known map[string]string
}

const internLimit = 1 << 14 // strings; at most 4 MiB of names

func (n *interner) bytes(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	return n.add(string(b))
}

// text also detaches s from whatever buffer it points into.
func (n *interner) text(s string) string {
	if s == "" {
		return ""
	}
	if t, ok := n.known[s]; ok {
		return t
	}
	return n.add(strings.Clone(s))
}

func (n *interner) add(s string) string {
	if n.known == nil || len(n.known) >= internLimit {
		n.known = make(map[string]string)
	}
	n.known[s] = s
	return s
}
