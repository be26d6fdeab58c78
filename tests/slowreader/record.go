package slowreader

import (
	"encoding/json"
	"time"
)

// logRecord is one of the records that a certificate may show (docs/format/tlog.md).
type logRecord struct {
	seal   *sealRecord
	census *censusRecord
	key    *keyRecord
}

// sealRecord says what the frames of one seal ordinal are.
type sealRecord struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Time    string `json:"time"`
	Ordinal uint32 `json:"ordinal"`
	History uint64 `json:"history"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	At      string `json:"at"`
	Root    Hash   `json:"root"`
	Strips  uint64 `json:"strips"`
	Frames  uint64 `json:"frames"`
	Census  int64  `json:"census"` // the newest one before this record, -1 for none
}

// censusRecord says what the accounts of all streams at one index are.
type censusRecord struct {
	V       int    `json:"v"`
	Type    string `json:"type"`
	Time    string `json:"time"`
	History uint64 `json:"history"`
	Index   uint64 `json:"index"`
	At      string `json:"at"`
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
	Census int64  `json:"census"`
}

// keyRecord says with which key a node signs from here on.
type keyRecord struct {
	V              int    `json:"v"`
	Type           string `json:"type"`
	Time           string `json:"time"`
	Node           string `json:"node"`
	Server         string `json:"server"`
	VKey           string `json:"vkey"`
	LogVKey        string `json:"log_vkey"`
	Replaces       string `json:"replaces"`
	By             string `json:"by"`
	Signed         string `json:"signed"`
	ReplacedSigned string `json:"replaced_signed"`
	Census         int64  `json:"census"`
}

// maxRecord is how many bytes a record has at most.
const maxRecord = 65535

// parseRecord reads a SEAL, a CENSUS or a KEY.
func parseRecord(b []byte) (*logRecord, error) {
	var what struct {
		V    int
		Type string
	}
	if err := json.Unmarshal(b, &what); err != nil || what.V != 1 || len(b) > maxRecord {
		return nil, damaged("a record of version %d and %d bytes, %v", what.V, len(b), err)
	}
	r := &logRecord{}
	var to any
	switch what.Type {
	case "SEAL":
		to = &r.seal
	case "CENSUS":
		to = &r.census
	case "KEY":
		to = &r.key
	default:
		return nil, damaged("a record of type %q", what.Type)
	}
	c, err := oneEncoding(b, to, true)
	if err == nil && len(c) != len(b) {
		err = damaged("space between tokens")
	}
	if err != nil {
		return nil, damaged("a record: %v", err)
	}
	return r, r.times()
}

// times makes sure that the record's times are written as they should.
func (r *logRecord) times() error {
	var list []string
	switch {
	case r.seal != nil:
		list = []string{r.seal.Time, r.seal.At}
	case r.census != nil:
		list = []string{r.census.Time, r.census.At}
	case r.key != nil:
		list = []string{r.key.Time}
	}
	for _, text := range list {
		if t, err := time.Parse(time.RFC3339, text); err != nil || t.UTC().Format("2006-01-02T15:04:05.000Z") != text {
			return damaged("a record of %q: %v", text, err)
		}
	}
	return nil
}
