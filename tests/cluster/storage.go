package cluster

import "testing"

// Storage is what a node says of its floors, segments and log (GET /v1/storage).
type Storage struct {
	Floor   uint64 `json:"floor"`      // index that queries read
	Hash    string `json:"floor_hash"` // of it; equal on equal nodes
	Missing int    `json:"missing"`    // segments that are not here
	Floors  []struct {
		Index     uint64 `json:"index"`
		Hash      string `json:"hash"`
		Installed bool   `json:"installed"` // from another node
	} `json:"floors"` // newest first
	Log struct {
		First uint64 `json:"first"`
		Last  uint64 `json:"last"`
	} `json:"log"`
	Total struct {
		Segments int    `json:"segments"`
		Frames   uint64 `json:"frames"`
	} `json:"total"`
	Segments []Segment `json:"segments"`
}

// Segment is a segment of the newest floor's manifest; its name is its hash.
type Segment struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// StorageOf asks a node at url.
func StorageOf(t testing.TB, url string) (s Storage) {
	t.Helper()
	if err := GetJSON(url+"/v1/storage", &s); err != nil {
		t.Fatal(err)
	}
	return s
}
