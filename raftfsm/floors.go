package raftfsm

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// keptReports is how many of its newest floors the cluster remembers of each node.
const keptReports = 16

// FloorReport is what a node says when it has a floor and a verified file of every segment in its manifest. With index 0 and no hash it takes
// back what it said before: one of those files is not whole any more.
type FloorReport struct {
	Server string `json:"server"` // node.incarnation
	Index  uint64 `json:"index"`  // F
	Hash   string `json:"hash"`   // of the floor file, 64 hexadecimal digits
}

// Floors is the section that knows which nodes have which floors. Nodes that flushed the same log have the same hashes; one that has
// another is damaged.
type Floors struct {
	reports []FloorReport // by server, each oldest first
}

func (f *Floors) Name() string               { return "floors" }
func (f *Floors) Commands() (uint16, uint16) { return KindFlushed, KindFlushed + 15 }
func (f *Floors) LimitBytes() int64          { return 1 << 20 }

// Apply takes in a report.
func (f *Floors) Apply(_, _ uint64, _ int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	if kind != KindFlushed || version != commandVersion {
		return nil, fmt.Errorf("%w: unknown floors command %d version %d: upgrade this binary", ErrHalt, kind, version)
	}
	var r FloorReport
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("raftfsm: floor report: %w", err)
	}
	own := f.Of(r.Server)
	if n := len(own); n > 0 && own[n-1] == r {
		return nil, nil
	}
	own = slices.DeleteFunc(slices.Clone(own), func(o FloorReport) bool { return o.Index >= r.Index })
	own = append(own, r)
	own = own[max(0, len(own)-keptReports):]
	first, last := f.place(r.Server)
	f.reports = slices.Concat(f.reports[:first], own, f.reports[last:])
	return nil, nil
}

// place is where the reports of a server lie, or belong.
func (f *Floors) place(server string) (first, last int) {
	first, _ = slices.BinarySearchFunc(f.reports, server, func(r FloorReport, server string) int { return strings.Compare(r.Server, server) })
	last = first
	for last < len(f.reports) && f.reports[last].Server == server {
		last++
	}
	return first, last
}

// Of returns the newest reports of a server, oldest first.
func (f *Floors) Of(server string) []FloorReport {
	first, last := f.place(server)
	return f.reports[first:last]
}

// Newest returns a server's newest report, false where it made none or took it back.
func (f *Floors) Newest(server string) (FloorReport, bool) {
	own := f.Of(server)
	if len(own) == 0 || own[len(own)-1].Index == 0 {
		return FloorReport{}, false
	}
	return own[len(own)-1], true
}

// Common is the highest floor that a server and at least one other member reported with the same hash, 0 for none.
func (f *Floors) Common(server string, members []string) (index uint64) {
	own := map[uint64]string{}
	for _, r := range f.Of(server) {
		own[r.Index] = r.Hash
	}
	for _, r := range f.reports {
		if r.Server != server && r.Hash == own[r.Index] && slices.Contains(members, r.Server) {
			index = max(index, r.Index)
		}
	}
	return index
}

// Differs counts the members that reported this floor with another hash, and returns one such hash that most of them agree on.
func (f *Floors) Differs(index uint64, hash string, members []string) (other string, n int) {
	votes := map[string]int{}
	for _, r := range f.reports {
		if r.Index == index && index > 0 && r.Hash != hash && slices.Contains(members, r.Server) {
			votes[r.Hash]++
		}
	}
	for _, h := range sortedKeys(votes) {
		if votes[h] > n {
			other, n = h, votes[h]
		}
	}
	return other, n
}

// configure drops the reports of servers that are no members any more.
func (f *Floors) configure(servers []string) {
	var kept []FloorReport
	for _, r := range f.reports {
		if slices.Contains(servers, r.Server) {
			kept = append(kept, r)
		}
	}
	f.reports = kept
}

// Freeze implements Section.
func (f *Floors) Freeze() func(io.Writer) error { return freezeJSON(f.Name(), slices.Clone(f.reports)) }

func (f *Floors) Restore(r io.Reader) error { return readJSON(r, f.Name(), &f.reports) }
