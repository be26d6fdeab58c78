package schedule

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxFile bounds what is read: MaxSteps steps with room to spare.
const maxFile = 4 << 20

// fileHead and fileStep are the form of the file. doc.go describes it.
type fileHead struct {
	Version    int    `json:"version"`
	Note       string `json:"note,omitempty"`
	Seed       uint64 `json:"seed"`
	Nodes      int    `json:"nodes"`
	LengthMS   int64  `json:"length_ms"`
	RecoveryMS int64  `json:"recovery_ms,omitzero"`
	Beyond     bool   `json:"beyond,omitzero"`
}

type fileStep struct {
	AtMS   int64   `json:"at_ms"`
	ForMS  int64   `json:"for_ms,omitzero"`
	Fault  Fault   `json:"fault"`
	Node   int     `json:"node"`
	Peer   int     `json:"peer,omitzero"`
	Amount float64 `json:"amount,omitzero"`
	How    string  `json:"how,omitempty"`
}

// fileVersion is what files of every version have.
type fileVersion struct {
	Version int `json:"version"`
}

type file struct {
	fileHead
	Steps []fileStep `json:"steps"`
}

// Load reads the schedule of a file and validates it.
func Load(path string) (*Schedule, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	s, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return s, nil
}

// Save validates the schedule and writes it, one step a line.
func (s *Schedule) Save(path string) error {
	if err := s.Validate(); err != nil {
		return err
	}
	data, err := s.MarshalJSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return nil
}

// Parse reads a schedule and validates it. A member that it does not know, or that is there twice, is an error: a typing mistake must not
// turn into a run without its fault.
func Parse(data []byte) (*Schedule, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("schedule: more than %d bytes", maxFile)
	}
	var v fileVersion
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if v.Version < 1 || v.Version > Version {
		return nil, fmt.Errorf("schedule: version %d, known are 1 to %d", v.Version, Version)
	}
	var f file
	if err := json.Unmarshal(data, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	s, err := f.schedule()
	if err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

func (f *file) schedule() (*Schedule, error) {
	s := &Schedule{Version: f.Version, Note: f.Note, Seed: f.Seed, Nodes: f.Nodes, Beyond: f.Beyond}
	ok := fromMS(&s.Length, f.LengthMS) && fromMS(&s.Recovery, f.RecoveryMS)
	for _, t := range f.Steps {
		u := Step{Fault: t.Fault, Node: t.Node, Peer: t.Peer, Amount: t.Amount, How: t.How}
		ok = ok && fromMS(&u.At, t.AtMS) && fromMS(&u.For, t.ForMS)
		s.Steps = append(s.Steps, u)
	}
	if !ok {
		return nil, fmt.Errorf("schedule: a time in it is beyond %s", MaxLength)
	}
	return s, nil
}

// fromMS refuses what would overflow; Validate knows the exact limits.
func fromMS(d *time.Duration, ms int64) bool {
	*d = time.Duration(ms) * time.Millisecond
	return ms >= -MaxLength.Milliseconds() && ms <= MaxLength.Milliseconds()
}

// MarshalJSON returns the file's form.
func (s Schedule) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(fileHead{Version: s.Version, Note: s.Note, Seed: s.Seed, Nodes: s.Nodes, LengthMS: s.Length.Milliseconds(),
		RecoveryMS: s.Recovery.Milliseconds(), Beyond: s.Beyond}, jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(head, []byte("\n}")))
	b.WriteString(",\n  \"steps\": [")
	for i, t := range s.Steps {
		line, err := json.Marshal(fileStep{AtMS: t.At.Milliseconds(), ForMS: t.For.Milliseconds(), Fault: t.Fault, Node: t.Node, Peer: t.Peer,
			Amount: t.Amount, How: t.How}, jsontext.SpaceAfterColon(true), jsontext.SpaceAfterComma(true))
		if err != nil {
			return nil, fmt.Errorf("schedule: step %d: %w", i+1, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.Write(line)
	}
	if len(s.Steps) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]\n}\n")
	return b.Bytes(), nil
}

// form is the file's form as a key, for schedules that are valid.
func (s *Schedule) form() string {
	data, _ := s.MarshalJSON() // only a note that is not text can fail, and no key differs by that
	return string(data)
}

// UnmarshalJSON reads the file's form as Parse does.
func (s *Schedule) UnmarshalJSON(data []byte) error {
	p, err := Parse(data)
	if err == nil {
		*s = *p
	}
	return err
}
