package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stateVersion is raised when the file below changes its meaning.
const stateVersion = 1

// maxStateBytes bounds what is read of a state file.
const maxStateBytes = 64 << 10

// state is what of a file was acknowledged.
type state struct {
	Version  int        `json:"version"`
	File     string     `json:"file"`     // for people
	SHA256   string     `json:"sha256"`   // of the file
	Settings string     `json:"settings"` // digest of what decides the batches, see Options.digest
	Batches  [lanes]int `json:"batches"`  // acknowledged, of each lane
	Done     bool       `json:"done"`     // all of them
	Counts   Counts     `json:"counts"`   // answers so far
	Position string     `json:"position"` // the furthest of them
}

// ErrState says that a state file belongs to something else than this run.
var ErrState = errors.New("replay: the state file does not fit")

// loadState reads a state file; without one the run begins.
func loadState(path string, want state) (state, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return want, nil
	}
	if err != nil {
		return want, fmt.Errorf("replay: state: %w", err)
	}
	if info.Size() > maxStateBytes {
		return want, fmt.Errorf("%w: %s has %d bytes, no state file has more than %d", ErrState, path, info.Size(), maxStateBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return want, fmt.Errorf("replay: state: %w", err)
	}
	got, err := parseState(b)
	switch {
	case err != nil:
		return want, fmt.Errorf("%w: %s: %w", ErrState, path, err)
	case got.SHA256 != want.SHA256:
		return want, fmt.Errorf("%w: %s is of a file with SHA-256 %.12s..., %s has %.12s...: remove it to begin anew",
			ErrState, path, got.SHA256, want.File, want.SHA256)
	case got.Settings != want.Settings:
		return want, fmt.Errorf("%w: %s was begun with another mapping, --batch, --rate or --speed: give the same ones, or remove it to begin anew",
			ErrState, path)
	}
	return got, nil
}

func parseState(b []byte) (state, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return s, err
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("version %d, this program reads %d", s.Version, stateVersion)
	}
	for lane, n := range s.Batches {
		if n < 0 {
			return s, fmt.Errorf("lane %d has %d batches", lane, n)
		}
	}
	return s, nil
}

// save replaces the state file. After a crash it is the old one or this one.
func (s *state) save(path string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("replay: state: %w", err)
	}
	if err := replaceFile(path, append(b, '\n')); err != nil {
		return fmt.Errorf("replay: state: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
