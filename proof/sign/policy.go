package sign

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Policy says whom to believe: a checkpoint holds when a log of it signed it and the quorum cosigned it. Its text is that of
// c2sp.org/tlog-policy. Make one with Build or ParsePolicy; it does not change afterwards, and any goroutine may use it.
type Policy struct {
	Logs      []Log
	Witnesses []Witness
	Groups    []Group // each names only what stands before it
	Quorum    string  // a group, a witness, or NoQuorum
}

// NoQuorum is the quorum of a policy that asks for no cosignature.
const NoQuorum = "none"

// Log is a key under which a log signs its checkpoints. The key's name is the origin of those.
type Log struct {
	Key VerifierKey
	URL string // "" for none
}

// Witness is a cosigner's key; Name is the policy's word for it.
type Witness struct {
	Name string
	Key  VerifierKey
	URL  string // "" for none
}

// Group cosigned a checkpoint when K of its members did. A member is a witness or a group, and in one group only.
type Group struct {
	Name    string
	K       int
	Members []string
}

// Node is a node of a cluster with every key that it ever had, for Build: vkeys of cosignatures.
type Node struct {
	ID      string
	Keys    []string
	Removed bool // it has no vote any more: its keys count for receipts and words of certificates, and for no quorum
}

// Outside is a witness that is no node, for Build.
type Outside struct {
	Key string // vkey of cosignatures
	URL string // "" for none
}

// Build makes the policy of a cluster: k nodes (not keys: whatever number of keys a node had, it counts once) and w of the outside
// witnesses. With a w of 0 the witnesses are named and none is asked for: who wants one of them changes the quorum from nodes to both.
// Removed nodes are none of the k: their keys stand in no group, which is the only way to a quorum, and in no log line.
func Build(origin string, nodes []Node, k int, outside []Outside, w int) (*Policy, error) {
	p := &Policy{Quorum: "nodes"}
	all := Group{Name: "nodes", K: k}
	var removed []Witness
	for _, n := range nodes {
		keys, err := n.witnesses(origin)
		if err != nil {
			return nil, err
		}
		if n.Removed {
			removed = append(removed, keys...)
			continue
		}
		g := Group{Name: "node:" + n.ID, K: 1}
		for _, w := range keys {
			p.Logs = append(p.Logs, Log{Key: VerifierKey{origin, TypeEd25519, w.Key.Public}})
			g.Members = append(g.Members, w.Name)
		}
		p.Witnesses, p.Groups = append(p.Witnesses, keys...), append(p.Groups, g)
		all.Members = append(all.Members, g.Name)
	}
	p.Groups = append(p.Groups, all)
	if len(outside) > 0 {
		if err := p.addOutside(origin, outside, max(w, 1)); err != nil {
			return nil, err
		}
	}
	if w > 0 {
		p.Quorum = "both" // which nobody defined where none is named
	}
	p.Witnesses = append(p.Witnesses, removed...)
	return ParsePolicy([]byte(p.Text())) // with every check that a file goes through
}

// witnesses are the keys of a node under the names that the policy gives them.
func (n *Node) witnesses(origin string) (list []Witness, err error) {
	kind := "key"
	if n.Removed {
		kind = "removed"
	}
	for i, text := range n.Keys {
		key, err := ParseVerifierKey(text)
		if err != nil {
			return nil, err
		}
		if want := CosignerName(origin, n.ID); key.Name != want {
			return nil, fmt.Errorf("sign: the key %s of node %s is not named %s", text, n.ID, want)
		}
		list = append(list, Witness{Name: fmt.Sprintf("%s:%s:%d", kind, n.ID, i+1), Key: key})
	}
	return list, nil
}

func (p *Policy) addOutside(origin string, outside []Outside, w int) error {
	g := Group{Name: "outside", K: w}
	for i, o := range outside {
		key, err := ParseVerifierKey(o.Key)
		if err != nil {
			return err
		}
		if node, is := NodeOf(origin, key.Name); is { // its receipts would count as the node's
			return fmt.Errorf("sign: %s names itself node %s: it is no outside witness", o.Key, node)
		}
		if strings.ContainsFunc(o.URL, func(r rune) bool { return r <= ' ' }) {
			return fmt.Errorf("sign: %q is not the address of a witness", o.URL)
		}
		name := fmt.Sprintf("witness:%d", i+1)
		p.Witnesses = append(p.Witnesses, Witness{name, key, o.URL})
		g.Members = append(g.Members, name)
	}
	p.Groups = append(p.Groups, g, Group{Name: "both", K: 2, Members: []string{"nodes", "outside"}})
	return nil
}

// removedLine stands above the keys of removed nodes in a policy's text.
const removedLine = "# The keys below are of nodes that have no vote any more: they count for receipts and words of certificates, and for no quorum, as no group has them.\n"

// Text is the policy as a file: logs, witnesses, groups and the quorum, in their order.
func (p *Policy) Text() string {
	var b strings.Builder
	line := func(items ...string) {
		b.WriteString(strings.TrimRight(strings.Join(items, " "), " ") + "\n")
	}
	for _, l := range p.Logs {
		line("log", l.Key.String(), l.URL)
	}
	above := false
	for _, w := range p.Witnesses {
		if is := p.removed(&w); is != above {
			above = is
			if is {
				b.WriteString(removedLine)
			}
		}
		line("witness", w.Name, w.Key.String(), w.URL)
	}
	for _, g := range p.Groups {
		line("group", g.Name, strconv.Itoa(g.K), strings.Join(g.Members, " "))
	}
	line("quorum", p.Quorum)
	return b.String()
}

// removed reports whether a witness is a node that no quorum can count: neither in a group, nor itself the quorum.
func (p *Policy) removed(w *Witness) bool {
	node := slices.ContainsFunc(p.Logs, func(l Log) bool { _, is := NodeOf(l.Key.Name, w.Key.Name); return is })
	return node && w.Name != p.Quorum && !slices.ContainsFunc(p.Groups, func(g Group) bool { return slices.Contains(g.Members, w.Name) })
}

// Origins are the names of the logs whose checkpoints the policy knows, each once.
func (p *Policy) Origins() []string {
	var names []string
	seen := map[string]bool{}
	for _, l := range p.Logs {
		if !seen[l.Key.Name] {
			seen[l.Key.Name] = true
			names = append(names, l.Key.Name)
		}
	}
	return names
}
