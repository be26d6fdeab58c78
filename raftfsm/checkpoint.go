package raftfsm

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A small section checkpoint is one JSON document that names the section and its version; the floor file around it carries magic
// and checksum.
type sectionDocument struct {
	Section string          `json:"section"`
	Version int             `json:"version"`
	Data    json.RawMessage `json:"data"`
}

const sectionDocumentVersion = 1

// freezeJSON is Section.Freeze for data that nobody changes any more.
func freezeJSON(section string, data any) func(io.Writer) error {
	return func(w io.Writer) error { return writeJSON(w, section, data) }
}

func writeJSON(w io.Writer, section string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("raftfsm: checkpoint of %s: %w", section, err)
	}
	if err := json.NewEncoder(w).Encode(sectionDocument{section, sectionDocumentVersion, raw}); err != nil {
		return fmt.Errorf("raftfsm: checkpoint of %s: %w", section, err)
	}
	return nil
}

func readJSON(r io.Reader, section string, data any) error {
	var doc sectionDocument
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return fmt.Errorf("raftfsm: checkpoint of %s: %w", section, err)
	}
	if doc.Section != section || doc.Version != sectionDocumentVersion {
		return fmt.Errorf("raftfsm: checkpoint of %s version %d where %s version %d was expected", doc.Section, doc.Version, section, sectionDocumentVersion)
	}
	if err := json.Unmarshal(doc.Data, data); err != nil {
		return fmt.Errorf("raftfsm: checkpoint of %s: %w", section, err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
