package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/temp"
)

// buildWithin bounds the build of another release, which may have to fetch its modules.
const buildWithin = 3 * time.Minute

// Previous is the tag of the release before this commit: the newest v* that is an ancestor of HEAD and not HEAD itself. A clone without git
// or without such a tag skips the test and says so.
func Previous(t testing.TB) string {
	t.Helper()
	tags, err := git("tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD", "--sort=-v:refname")
	if err != nil {
		t.Skipf("SKIP(previous-release): cannot ask git for tags: %v", err)
	}
	newest, _, _ := strings.Cut(string(tags), "\n")
	if newest == "" {
		t.Skip("SKIP(previous-release): this clone has no release tag v* before HEAD: git fetch --tags (and --unshallow)")
	}
	return newest
}

// Release builds the command as it was at a tag, once per test process, in a directory of its own: the working tree is not touched. Where
// that cannot be done (no git, no such tag, modules that are neither here nor within reach) the test is skipped and says why.
func Release(t testing.TB, tag string) string {
	t.Helper()
	start := time.Now()
	bin, err := releases.build(tag)
	if err != nil {
		t.Skipf("SKIP(previous-release): %s cannot be built here: %v", tag, err)
	}
	t.Logf("%s: built or found in %s", tag, time.Since(start).Round(time.Millisecond))
	return bin
}

var releases = releaseCache{built: map[string]func() (string, error){}}

type releaseCache struct {
	mu    sync.Mutex // protects built
	built map[string]func() (string, error)
}

func (c *releaseCache) build(tag string) (string, error) {
	c.mu.Lock()
	once := c.built[tag]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return buildRelease(tag) })
		c.built[tag] = once
	}
	c.mu.Unlock()
	return once()
}

func buildRelease(tag string) (string, error) {
	source, err := temp.Dir("source")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(source)
	files, err := git("archive", "--format=tar", tag)
	if err != nil {
		return "", err
	}
	if err := Unpack(bytes.NewReader(files), source); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", tag, err)
	}
	dir, err := programs()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "gapless-"+tag)
	ctx, cancel := context.WithTimeout(context.Background(), buildWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags", "-X main.version="+tag, "-o", bin, "./cmd/gapless")
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, tail(string(out), 2000))
	}
	return bin, nil
}

// git runs a command that only reads the repository this test lies in.
func git(args ...string) ([]byte, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(failed.Stderr))
	}
	return out, err
}

// moduleRoot is the directory of this module: git archive packs what lies below where it is asked.
func moduleRoot() (string, error) {
	dir, err := os.Getwd() // of the package under test
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("there is no go.mod above the test's directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Unpack writes the files of a tar archive below dir. Names that lead out of it are refused.
func Unpack(from io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(filepath.Clean(h.Name), 0o755)
		case tar.TypeReg:
			err = unpackFile(root, filepath.Clean(h.Name), r)
		}
		if err != nil {
			return err
		}
	}
}

func unpackFile(root *os.Root, name string, from io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
