package compact

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/segment"
)

const checkpointVersion = 1

// checkpoint is the section in a floor file: one JSON object (docs/format/merges.md).
type checkpoint struct {
	Section string         `json:"section"`
	Version int            `json:"version"`
	Plans   []planDocument `json:"plans"`
	Edits   []editDocument `json:"edits"`
	Taken   [2]takenNames  `json:"taken"`
}

type planDocument struct {
	ID       uint64   `json:"id"`
	Floor    uint64   `json:"floor"`
	WindowNS int64    `json:"window_ns"`
	Builder  string   `json:"builder"`
	Inputs   []file   `json:"inputs"`
	Outputs  []file   `json:"outputs,omitempty"`
	Verified []string `json:"verified,omitempty"`
}

type editDocument struct {
	Drop []name `json:"drop"`
	Add  []file `json:"add"`
}

type takenNames struct {
	Drop []name `json:"drop"`
	Add  []name `json:"add"`
}

// Freeze implements raftfsm.Section: plans, edits and names are never changed, only replaced.
func (s *Section) Freeze() func(io.Writer) error {
	frozen := *s
	return func(w io.Writer) error {
		if err := json.NewEncoder(w).Encode(frozen.document()); err != nil {
			return fmt.Errorf("compact: checkpoint: %w", err)
		}
		return nil
	}
}

func (s *Section) document() checkpoint {
	doc := checkpoint{Section: SectionName, Version: checkpointVersion, Plans: []planDocument{}, Edits: []editDocument{}}
	for _, p := range s.plans {
		d := planDocument{ID: p.ID, Floor: p.Floor, WindowNS: p.WindowNS, Builder: p.Builder, Inputs: filesOf(p.Inputs), Verified: p.Verified}
		if p.Outputs != nil {
			d.Outputs = filesOf(p.Outputs)
		}
		doc.Plans = append(doc.Plans, d)
	}
	for i := range s.edits {
		doc.Edits = append(doc.Edits, editDocument{texts(s.edits[i].Drop), filesOf(s.edits[i].Add)})
	}
	for i := range s.taken {
		doc.Taken[i] = takenNames{texts(s.taken[i].drop), texts(s.taken[i].add)}
	}
	return doc
}

// Restore implements raftfsm.Section. Whatever it reads, it does not panic; what it refuses leaves the section as it was.
func (s *Section) Restore(r io.Reader) error {
	var doc checkpoint
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("compact: checkpoint: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("compact: checkpoint: something follows it")
	}
	if doc.Section != SectionName || doc.Version != checkpointVersion {
		return fmt.Errorf("compact: checkpoint of %q version %d, this program reads %q version %d: upgrade it", doc.Section, doc.Version, SectionName, checkpointVersion)
	}
	next, err := doc.section()
	if err != nil {
		return fmt.Errorf("compact: checkpoint: %w", err)
	}
	*s = *next
	return nil
}

// section checks what commands have checked before.
func (doc *checkpoint) section() (*Section, error) {
	s := NewSection()
	if len(doc.Plans) > maxPlans || len(doc.Edits) > maxPlans+maxEdits {
		return nil, fmt.Errorf("%d plans, %d edits", len(doc.Plans), len(doc.Edits))
	}
	for i := range doc.Plans {
		p, err := doc.Plans[i].plan()
		if err != nil {
			return nil, fmt.Errorf("plan %d: %w", doc.Plans[i].ID, err)
		}
		if i > 0 && doc.Plans[i-1].ID >= p.ID {
			return nil, fmt.Errorf("plan %d comes after plan %d", p.ID, doc.Plans[i-1].ID)
		}
		s.plans = append(s.plans, p)
	}
	for i := range doc.Edits {
		d := &doc.Edits[i]
		add, err := infos(d.Add, segment.MaxOutputs)
		if err != nil || len(d.Drop) == 0 || len(d.Drop) > maxInputs {
			return nil, fmt.Errorf("edit %d drops %d segments: %w", i, len(d.Drop), err)
		}
		s.edits = append(s.edits, segment.Edit{Drop: names(d.Drop), Add: add})
	}
	for i := range doc.Taken {
		s.taken[i] = replaced{names(doc.Taken[i].Drop), names(doc.Taken[i].Add)}
	}
	return s, nil
}

func (d *planDocument) plan() (*Plan, error) {
	p := &Plan{ID: d.ID, Floor: d.Floor, WindowNS: d.WindowNS, Builder: d.Builder}
	var err error
	if p.Inputs, err = infos(d.Inputs, maxInputs); err != nil {
		return nil, err
	}
	if d.WindowNS <= 0 || !validServer(d.Builder) {
		return nil, fmt.Errorf("a window of %d ns, builder %q", d.WindowNS, d.Builder)
	}
	if len(d.Outputs) == 0 && len(d.Verified) == 0 {
		return p, nil
	}
	if p.Outputs, err = infos(d.Outputs, segment.MaxOutputs); err != nil {
		return nil, err
	}
	if err := p.fits(p.Outputs); err != nil {
		return nil, err
	}
	if p.Verified = d.Verified; !ascending(p.Verified) {
		return nil, fmt.Errorf("servers %q are not in order", p.Verified)
	}
	return p, nil
}

func texts(list []segment.Name) []name {
	out := make([]name, len(list))
	for i := range list {
		out[i] = name(list[i])
	}
	return out
}

func names(list []name) []segment.Name {
	out := make([]segment.Name, len(list))
	for i := range list {
		out[i] = segment.Name(list[i])
	}
	return out
}
