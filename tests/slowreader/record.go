package slowreader

import "encoding/json"

// sealRecord says what the frames of one seal ordinal are (docs/format/tlog.md).
type sealRecord struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Time    string `json:"time"`
	Ordinal uint32 `json:"ordinal"`
	History uint64 `json:"history"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	Root    Hash   `json:"root"`
	Strips  uint64 `json:"strips"`
	Frames  uint64 `json:"frames"`
}

// censusRecord says what the accounts of all streams at one index are.
type censusRecord struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Time    string `json:"time"`
	History uint64 `json:"history"`
	Index   uint64 `json:"index"`
	Seal    uint32 `json:"seal"`
	Root    Hash   `json:"root"`
	Streams uint64 `json:"streams"`
	Totals  struct {
		Expected uint64 `json:"expected"`
		Stored   uint64 `json:"stored"`
		Open     uint64 `json:"open"`
		Lost     uint64 `json:"lost"`
		Declared uint64 `json:"declared"`
		Shed     uint64 `json:"shed"`
		Rejected uint64 `json:"rejected"`
		Expired  uint64 `json:"expired"`
	} `json:"totals"`
	Policy string `json:"policy"`
}

// parseRecord reads a SEAL or a CENSUS. One of both is nil.
func parseRecord(b []byte) (*sealRecord, *censusRecord, error) {
	var what struct {
		V    int
		Type string
	}
	if err := json.Unmarshal(b, &what); err != nil || what.V != 1 {
		return nil, nil, damaged("a record of version %d, %v", what.V, err)
	}
	var seal *sealRecord
	var census *censusRecord
	var to any
	switch what.Type {
	case "SEAL":
		to = &seal
	case "CENSUS":
		to = &census
	default:
		return nil, nil, damaged("a record of type %q", what.Type)
	}
	c, err := oneEncoding(b, to)
	if err == nil && len(c) != len(b) {
		err = damaged("space between tokens")
	}
	if err != nil {
		return nil, nil, damaged("a record: %v", err)
	}
	return seal, census, nil
}
