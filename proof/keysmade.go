package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/vfs"
)

// madeName is the file with the public halves of all keys that were ever in the directory, a line of base64 each: a key of this server that the log has
// and that stands here was lost; one that does not was made by somebody else.
const madeName = "proof-keys.txt"

const maxMadeBytes = 1 << 20

func readMade(fsys vfs.FS) ([]string, error) {
	b, err := vfs.ReadFile(fsys, madeName, maxMadeBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("proof: list of keys: %w", err)
	}
	return strings.Fields(string(b)), nil
}

// remember notes a key, before the log can have it. The caller holds disk.
func (r *keyring) remember(key sign.Key) error {
	public := base64.StdEncoding.EncodeToString(key.Public())
	if slices.Contains(r.made, public) {
		return nil
	}
	list := append(slices.Clone(r.made), public)
	if err := vfs.WriteFile(r.fs, madeName, []byte(strings.Join(list, "\n")+"\n")); err != nil {
		r.again()
		return fmt.Errorf("proof: list of keys: %w", err)
	}
	r.made = list
	return nil
}

// had reports whether a key was ever here.
func (r *keyring) had(vkey string) (bool, error) {
	v, err := sign.ParseVerifierKey(vkey)
	if err != nil {
		return false, err
	}
	r.disk.Lock()
	defer r.disk.Unlock()
	if err := r.load(); err != nil {
		return false, err
	}
	return slices.Contains(r.made, base64.StdEncoding.EncodeToString(v.Public[:])), nil
}
