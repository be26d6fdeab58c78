package check

import "time"

// Ledger is one sample of GET /v1/ledger (ParseLedger).
type Ledger struct {
	Answer
	Digest string
	A      BalanceA
	B      []BalanceB // nil when the answer had none
	C      BalanceC
	D      BalanceD
}

// BalanceA is the tenant's account: expected = stored + open + lost + declared + shed + rejected + expired.
type BalanceA struct {
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Open     uint64 `json:"open"`
	Lost     uint64 `json:"lost_unattributed"`
	Declared uint64 `json:"declared"`
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
	Expired  uint64 `json:"expired"`
	Balance  int64  `json:"balance"` // as the node computed it
	Drift    uint64 `json:"drift"`
}

// BalanceB is what came through one listener since its node started.
type BalanceB struct {
	Node     string  `json:"node"`
	Listener string  `json:"listener"`
	Counts   CountsB `json:"counts"`
}

// CountsB is counted in items: received = undecodable + accepted + duplicate + conflict + unverified + rejected + shed + refused.
type CountsB struct {
	Received    uint64 `json:"received"`
	Undecodable uint64 `json:"undecodable"`
	Accepted    uint64 `json:"accepted"`
	Duplicate   uint64 `json:"duplicate"`
	Conflict    uint64 `json:"conflict"`
	Unverified  uint64 `json:"unverified"`
	Rejected    uint64 `json:"rejected"`
	Shed        uint64 `json:"shed"`
	Refused     uint64 `json:"refused"`
	Balance     int64  `json:"balance"`
}

// BalanceC is where the accepted frames are: accepted = log_only + hot + cold_only + expired + erased.
type BalanceC struct {
	Accepted uint64 `json:"accepted"`
	LogOnly  uint64 `json:"log_only"`
	Hot      uint64 `json:"hot"`
	ColdOnly uint64 `json:"cold_only"`
	Expired  uint64 `json:"expired"`
	Erased   uint64 `json:"erased"`
	Balance  int64  `json:"balance"`
}

// BalanceD is whether what is stored can be read: stored = head + segments.
type BalanceD struct {
	Stored   uint64 `json:"stored"`
	Head     uint64 `json:"head"`
	Segments uint64 `json:"segments"`
	Balance  int64  `json:"balance"`
}

// Storage is one sample of GET /v1/storage (ParseStorage): where a node keeps its frames.
type Storage struct {
	Invoke    time.Duration `json:"-"`
	Return    time.Duration `json:"-"`
	Node      string        `json:"node"`
	Floor     uint64        `json:"floor"` // of the manifest, 0 before the first
	FloorHash string        `json:"floor_hash"`
	Floors    []Floor       `json:"floors"` // newest first
	Log       LogRange      `json:"log"`
	Total     Total         `json:"total"` // of the manifest
	Missing   int           `json:"missing"`
	Segments  []Segment     `json:"segments"` // of the manifest
}

// Floor is one floor file of a node.
type Floor struct {
	Index     uint64 `json:"index"`
	Hash      string `json:"hash"`
	Installed bool   `json:"installed"` // from another node
}

// LogRange is the entries in a node's log; First is 0 when there are none.
type LogRange struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Total is the size of a manifest.
type Total struct {
	Segments int    `json:"segments"`
	Frames   uint64 `json:"frames"`
}

// Segment is one segment of a manifest and what there is of it on a node.
type Segment struct {
	Name       string `json:"name"`  // SHA-256 of its bytes
	State      string `json:"state"` // present, missing, pulling, quarantined
	Frames     uint64 `json:"frames"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Damage     string `json:"damage"`
}
