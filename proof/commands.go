package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Kinds of the section's commands, version 1. Bodies are JSON (docs/format/proof.md).
const (
	KindCut     uint16 = 128
	KindRoots   uint16 = 129
	KindKey     uint16 = 130
	KindCosign  uint16 = 131
	KindWitness uint16 = 132
	KindRetire  uint16 = 133

	lastKind uint16 = 143

	CommandVersion uint8 = 1
)

// Bounds of what one command may hold, and the section.
const (
	maxCuts      = 64   // ended ordinals that wait for their SEAL
	maxUncounted = 8    // ordinals that have it and wait for a census: the newest
	maxKeys      = 1024 // ever
	maxNodeKeys  = 256  // of them, of one node
	maxReports   = 64   // of one ordinal
	maxName      = 256  // bytes of a server's, a key's, a witness's name
	maxWitnesses = 16   // of one checkpoint
	maxSigners   = 42   // servers of one checkpoint, with two signatures each
)

// cutCommand ends a seal ordinal: the frames of all commands before it have that one or an earlier one. A flush point lies right behind it.
type cutCommand struct {
	Ordinal uint32 `json:"ordinal"` // that ends: of two cuts at once one is refused
}

// Roots is what one server computed for an ordinal from its own segments and its own ledger.
type Roots struct {
	Server    string      `json:"server"`
	Ordinal   uint32      `json:"ordinal"`
	History   uint64      `json:"history"` // of the cut that ended it,
	Index     uint64      `json:"index"`   // which has this one
	Count     uint64      `json:"count"`   // 1 for the server's first word of that cut: it is followed by higher ones only
	Content   ContentRoot `json:"content"`
	Census    *CensusRoot `json:"census,omitempty"`    // nil: the floor at which it is counted is gone here
	Signature string      `json:"signature,omitempty"` // line of the word for the rest (package sign), by the server's key
}

// ContentRoot is what SEAL says of the frames of an ordinal.
type ContentRoot struct {
	Root   string `json:"root"` // standard base64
	Strips int64  `json:"strips"`
	Frames uint64 `json:"frames"`
}

// CensusRoot is what CENSUS says of all streams at the index where an ordinal ended.
type CensusRoot struct {
	Root    string `json:"root"` // standard base64
	Streams int64  `json:"streams"`
	Totals  Totals `json:"totals"`
	Policy  string `json:"policy"` // SHA-256, hex
}

// keyCommand says with which key a node cosigns from now on.
type keyCommand struct {
	Server            string `json:"server"`
	Origin            string `json:"origin"`
	VKey              string `json:"vkey"`
	LogVKey           string `json:"log_vkey"`
	Replaces          string `json:"replaces"`           // vkey of the node's key until now, "" for none
	By                string `json:"by"`                 // principal, or the server
	Signature         string `json:"signature"`          // line of the word for the key (package sign), by the new key
	ReplacedSignature string `json:"replaced_signature"` // likewise by the replaced key; "" where its server has no vote any more, or there is none
}

// retireCommand takes the key of a server without a vote out of use.
type retireCommand struct {
	Server string `json:"server"`
}

// cosignCommand is a server's signature of the tree that the cluster cosigns at the moment.
type cosignCommand struct {
	Server    string `json:"server"`
	Size      int64  `json:"size"`
	Root      string `json:"root"`
	Signature string `json:"signature"`     // its cosignature: a signature line of a note, without "— "
	AsLog     string `json:"log_signature"` // likewise, with the same key as the log: for clients that know no cosignatures
}

// witnessCommand adds the cosignatures of outside witnesses to the newest checkpoint.
type witnessCommand struct {
	Size       int64    `json:"size"`
	Root       string   `json:"root"`
	Signatures []string `json:"signatures"` // signature lines of a note, without "— "
}

// parse reads a body strictly.
func parse(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return refuse(CodeBadProof, "repeat it with the members of docs/format/proof.md", "the body cannot be read: %v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(CodeBadProof, "send one JSON object", "something follows the body")
	}
	return nil
}
