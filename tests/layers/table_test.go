package layers

// module is the path that every import of ours starts with.
const module = "github.com/gaplessdb/gapless"

// Special entries of a room's list.
const (
	anything = "*" // every room of ours: the wiring at the top
	std      = "std"
)

// rooms is the import table. A room's sub-folders follow the room's line unless they have their own, and a room may always
// import itself. The key "." is the module root. With std in the list, nothing but the standard library and the rooms named is allowed.
var rooms = map[string][]string{
	".":     {"frame", "vfs", "auth", "wal", "ledger", "segment", "proof", "raftfsm", "ingest", "query", "compact", "tier", "web", "docs"},
	"cmd":   {anything},
	"tests": {anything},

	"ingest":  {"frame", "ledger", "auth"},
	"query":   {"frame", "ledger", "segment", "proof", "auth"},
	"raftfsm": {"frame", "ledger", "segment", "proof", "wal", "auth", "vfs"},
	"compact": {"frame", "ledger", "segment", "vfs"},
	"tier":    {"segment", "vfs"},
	"proof":   {"frame", "ledger", "segment", "vfs"},
	"client":  {"frame"},
	"web":     {},
	"wal":     {"vfs"},                    // bytes, not frames
	"segment": {"frame", "ledger", "vfs"}, // frames, not Raft
	"ledger":  {"frame"},
	"frame":   {std},
	"vfs":     {std},
	"auth":    {std, "golang.org/x/crypto"}, // a password hash at most
	"docs":    {std},                        // pages; a node serves the description of its API, which has to be embedded where it lies

	// A second reader, written from docs/format, shares nothing with the code that it is held against.
	"tests/slowreader": {std, "github.com/golang/snappy"},

	// The simulated devices must not share the code that judges them: all they know is what a frame looks like.
	"cmd/gapless/fleet": {"frame"},
}

// leaves are imported by nobody outside their own room: programs, and programs that test.
var leaves = []string{"cmd", "tests"}

// apart names what a room must not know of the world outside, and why.
var apart = []struct {
	room, path, why string
}{
	{"segment", "github.com/hashicorp/raft", "a segment holds frames; who agreed on them is not its concern"},
	{"query", "github.com/hashicorp/raft", "query reads one consistent view through query.Source"},
	{"ingest", "github.com/hashicorp/raft", "ingest proposes through ingest.Proposer"},
	{"frame", "math/rand", "deterministic"},
	{"frame", "crypto/rand", "deterministic"},
	{"segment", "math/rand", "deterministic"},
	{"ledger", "math/rand", "deterministic"},
	{"ledger", "crypto/rand", "deterministic"},
	{"ledger", "os", "pure: no I/O in apply"},
	{"ledger", "net", "pure: no I/O in apply"},
	{"ledger", "sync", "one writer, and readers hold the caller's lock: a lock in here would hide a second owner"},
}

// bannedNames say nothing about what a folder holds.
var bannedNames = []string{"util", "utils", "common", "types", "pkg", "internal", "helpers", "misc", "lib"}
