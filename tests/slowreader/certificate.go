package slowreader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Certificate is the document of docs/format/certificate.md. The order of its members is that of the page.
type Certificate struct {
	V          int         `json:"v"`
	Kind       string      `json:"kind"`
	Origin     string      `json:"origin"`
	Issued     string      `json:"issued"`
	Scope      Scope       `json:"scope"`
	AsOf       asOf        `json:"as_of"`
	Verdict    string      `json:"verdict"`
	Statement  statement   `json:"statement"`
	Streams    []stream    `json:"streams"`
	Durability durability  `json:"durability"`
	Uncertain  []uncertain `json:"uncertain"`
	NotProven  []caveat    `json:"not_proven"`
	Segments   []listed    `json:"segments"`
	Proof      proven      `json:"proof"`
}

// Scope is what a certificate is about.
type Scope struct {
	Tenant     string   `json:"tenant"`
	Devices    []string `json:"devices,omitempty"`
	Prefix     *string  `json:"prefix,omitempty"`
	Match      []string `json:"match,omitempty"`
	Stream     *string  `json:"stream,omitempty"`
	Epochs     []uint32 `json:"epochs,omitempty"`
	Seq        []uint64 `json:"seq,omitempty"`
	Time       []string `json:"time,omitempty"`
	CountsOnly bool     `json:"counts_only,omitempty"`
}

type asOf struct {
	History uint64 `json:"history"`
	Index   uint64 `json:"index"`
	Time    string `json:"time"`
}

type statement struct {
	Devices  int               `json:"devices"`
	Streams  int               `json:"streams"`
	Epochs   int               `json:"epochs"`
	Expected uint64            `json:"expected"`
	Stored   uint64            `json:"stored"`
	Missing  uint64            `json:"missing"`
	Open     uint64            `json:"open"`
	Causes   map[string]uint64 `json:"causes"`
	Absent   []string          `json:"absent,omitempty"`
}

type stream struct {
	Device string  `json:"device"`
	Stream string  `json:"stream"`
	Epochs []epoch `json:"epochs"`
}

type epoch struct {
	Epoch     uint32   `json:"epoch"`
	Raw       string   `json:"raw"`
	Source    string   `json:"source"`
	Numbering string   `json:"numbering"`
	Head      first    `json:"head"`
	Tail      last     `json:"tail"`
	Seq       []uint64 `json:"seq,omitzero"`
	Expected  uint64   `json:"expected"`
	Stored    uint64   `json:"stored"`
	Verdict   string   `json:"verdict"`
	Reasons   []string `json:"reasons"`
	Gaps      []gap    `json:"gaps"`
}

type first struct {
	First *uint64 `json:"first,omitempty"`
	Basis string  `json:"basis"`
}

type last struct {
	Last       *uint64 `json:"last,omitempty"`
	Basis      string  `json:"basis"`
	DeclaredAt string  `json:"declared_at,omitempty"`
}

type gap struct {
	From       uint64 `json:"from"`
	To         uint64 `json:"to"`
	Count      uint64 `json:"count"`
	State      string `json:"state"`
	Cause      string `json:"cause,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

type durability struct {
	Fsync  string `json:"fsync"`
	Voters int    `json:"voters"`
	Quorum int    `json:"quorum"`
}

type uncertain struct {
	Node string `json:"node"`
	From string `json:"from"`
	To   string `json:"to"`
	What string `json:"what"`
}

type caveat struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

type listed struct {
	Name   string `json:"name"`
	Bytes  uint64 `json:"bytes"`
	Frames uint64 `json:"frames"`
}

type proven struct {
	Checkpoint  string        `json:"checkpoint"`
	Log         []logEntry    `json:"log"`
	Census      tree          `json:"census"`
	Seals       []sealTree    `json:"seals"`
	Consistency []consistency `json:"consistency"`
	Issuer      string        `json:"issuer"`
}

type logEntry struct {
	Index  uint64 `json:"index"`
	Record []byte `json:"record"`
	Proof  []Hash `json:"proof"`
}

type tree struct {
	LogIndex uint64      `json:"log_index"`
	Ranges   []leafRange `json:"ranges"`
}

type sealTree struct {
	LogIndex uint64      `json:"log_index"`
	Ordinal  uint32      `json:"ordinal"`
	Ranges   []leafRange `json:"ranges"`
}

type leafRange struct {
	First  uint64   `json:"first"`
	Leaves [][]byte `json:"leaves"`
	Proof  []Hash   `json:"proof"`
}

type consistency struct {
	Size  uint64 `json:"size"`
	Root  Hash   `json:"root"`
	Proof []Hash `json:"proof"`
}

// UnmarshalText reads a hash in base64.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = parseHash(string(text))
	return err
}

// MarshalText writes it.
func (h Hash) MarshalText() ([]byte, error) { return encode64(h[:]), nil }

// ParseCertificate reads a certificate. c is the document without space between its tokens.
func ParseCertificate(b []byte) (cert *Certificate, c []byte, err error) {
	var what struct {
		V    *int
		Kind string
	}
	if err := json.Unmarshal(b, &what); err != nil {
		return nil, nil, damaged("a certificate: %v", err)
	}
	if what.Kind == "gapless/certificate" && what.V != nil && *what.V != 1 {
		return nil, nil, fmt.Errorf("a certificate of version %d: %w", *what.V, ErrVersion)
	}
	if c, err = oneEncoding(b, &cert, false); err != nil {
		return nil, nil, fmt.Errorf("a certificate: %w", err)
	}
	if cert.Kind != "gapless/certificate" || cert.V != 1 {
		return nil, nil, damaged("a document of kind %q and version %d", cert.Kind, cert.V)
	}
	return cert, c, cert.Scope.check()
}

// oneEncoding reads a document into a value, and makes sure that it is what that value is written as, but for space between the tokens: no
// member twice, none in another place, no number or text in another form. What HTML reads as its own is escaped, or it is not.
func oneEncoding(b []byte, to any, html bool) (c []byte, err error) {
	var compact, again bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return nil, damaged("%v", err)
	}
	tokens := json.NewDecoder(bytes.NewReader(b))
	for {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || token == nil {
			return nil, damaged("a token that is null, or %v", err)
		}
	}
	in := json.NewDecoder(bytes.NewReader(b))
	in.DisallowUnknownFields()
	if err := in.Decode(to); err != nil {
		return nil, damaged("%v", err)
	}
	out := json.NewEncoder(&again)
	out.SetEscapeHTML(html)
	if err := out.Encode(to); err != nil {
		return nil, damaged("%v", err)
	}
	if !bytes.Equal(compact.Bytes(), bytes.TrimSuffix(again.Bytes(), []byte("\n"))) {
		return nil, damaged("it is not written in the one way there is")
	}
	return compact.Bytes(), nil
}
