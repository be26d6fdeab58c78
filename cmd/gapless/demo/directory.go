package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gaplessdb/gapless/vfs"
)

// Names under the demo's directory.
const (
	markerFile = "gapless-demo.json" // says that the directory is ours; held locked while a demo runs
	lockFile   = "lock"
	truthFile  = "truth.ndjson"
)

// nodeNames are the nodes of the cluster.
var nodeNames = []string{"n1", "n2", "n3"}

// marker is the content of the marker file.
type marker struct {
	Version int   `json:"version"`
	Ports   ports `json:"ports"`
}

const markerVersion = 1

// directory is the demo's folder, locked.
type directory struct {
	path    string
	lock    io.Closer
	earlier *marker // of the demo whose data is still there, nil: there is none
}

// openDirectory makes or takes over the folder. With fresh, an earlier demo's data is removed.
func openDirectory(path string, fresh bool) (*directory, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	d := &directory{path: path}
	if err := d.recognise(); err != nil {
		return nil, err
	}
	root, err := vfs.OS(path)
	if err != nil {
		return nil, err
	}
	if d.lock, err = root.Lock(lockFile); err != nil {
		if errors.Is(err, vfs.ErrLocked) {
			return nil, fmt.Errorf("demo: another demo runs in %s: stop it, or give another directory", path)
		}
		return nil, fmt.Errorf("demo: lock %s: %w", path, err)
	}
	if fresh {
		if err := d.clear(); err != nil {
			return nil, errors.Join(err, d.lock.Close())
		}
	}
	return d, nil
}

// recognise reads the marker. A folder with other things in it and no marker is somebody else's.
func (d *directory) recognise() error {
	b, err := os.ReadFile(d.file(markerFile))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(d.path)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		for _, e := range entries {
			if e.Name() != lockFile {
				return fmt.Errorf("demo: %s has %s in it and no %s: it is not a demo's; give another directory", d.path, e.Name(), markerFile)
			}
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	var m marker
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("demo: %s: %w", d.file(markerFile), err)
	}
	if m.Version != markerVersion || !m.Ports.valid() {
		return fmt.Errorf("demo: %s has version %d, this program writes %d: remove %s", d.file(markerFile), m.Version, markerVersion, d.path)
	}
	d.earlier = &m
	return nil
}

// clear removes what an earlier demo left, and nothing else.
func (d *directory) clear() error {
	names := []string{truthFile}
	for _, n := range nodeNames {
		names = append(names, n, n+".log")
	}
	for _, name := range names {
		if err := os.RemoveAll(d.file(name)); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	d.earlier = nil
	return nil
}

// mark writes the marker.
func (d *directory) mark(p ports) error {
	b, err := json.Marshal(marker{Version: markerVersion, Ports: p})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.WriteFile(d.file(markerFile), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }
