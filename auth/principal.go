package auth

import (
	"fmt"
	"strings"
)

// Anonymous is the ID of a principal that was let in without a token.
const Anonymous = "anonymous"

// defaultTenant is the tenant of anonymous principals. It equals frame.DefaultTenant, which this room may not import.
const defaultTenant = "default"

// Scopes is a set of permissions.
type Scopes uint8

// The permissions. They do not include each other: a token that may write may not read what others wrote.
const (
	Read  Scopes = 1 << iota // queries
	Write                    // frames, heartbeats, seals, loss declarations
	Admin                    // cluster membership, policy

	All = Read | Write | Admin
)

// scopeNames is in the order in which String prints them.
var scopeNames = []struct {
	scope Scopes
	name  string
}{{Read, "read"}, {Write, "write"}, {Admin, "admin"}}

// Has reports whether every scope of need is in s. An empty need is always satisfied.
func (s Scopes) Has(need Scopes) bool { return s&need == need }

// String prints the set as a token file holds it: "read,write"; the empty set is "none".
func (s Scopes) String() string {
	var names []string
	for _, n := range scopeNames {
		if s&n.scope != 0 {
			names = append(names, n.name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ",")
}

// ParseScopes reads what String prints: names of scopes separated by commas, at least one, none twice.
func ParseScopes(text string) (Scopes, error) {
	var set Scopes
	for name := range strings.SplitSeq(text, ",") {
		scope, ok := scopeByName(name)
		switch {
		case !ok:
			return 0, fmt.Errorf("auth: unknown scope %.40q: use read, write, admin, separated by commas without spaces", name)
		case set.Has(scope):
			return 0, fmt.Errorf("auth: scope %q is named twice in %.40q", name, text)
		}
		set |= scope
	}
	return set, nil
}

func scopeByName(name string) (Scopes, bool) {
	for _, n := range scopeNames {
		if n.name == name {
			return n.scope, true
		}
	}
	return 0, false
}

// Principal is who a request works for. Tenant bounds what it can see and touch, ID names it in audit records and logs.
type Principal struct {
	Tenant string
	ID     string
	Scopes Scopes
}

// anonymous has every scope: it is handed out only where the operator said so, by Options.AllowLoopback or Options.Insecure.
func anonymous() Principal {
	return Principal{Tenant: defaultTenant, ID: Anonymous, Scopes: All}
}
