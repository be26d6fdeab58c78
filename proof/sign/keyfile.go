package sign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gaplessdb/gapless/vfs"
)

// A key file, three lines:
//
//	gapless/key/v1
//	seed <base64 of 32 bytes>
//	public <base64 of 32 bytes>
//
// The public key follows from the seed; it stands there so that damage shows.
const (
	keyMagic     = "gapless/key/v1"
	keySuffix    = ".key" // package vfs lets nobody but the owner read files of such a name
	maxKeyBytes  = 4 << 10
	keyFileAbout = "restore it from a copy of the data directory; if there is none, give the node an empty directory and replace it (gapless ctl replace): " +
		"it then makes a new key, and what the old key signed stays valid"
)

// KeyFileError says that a key file is damaged. The file is left as it is.
type KeyFileError struct {
	Path, Why string
}

func (e *KeyFileError) Error() string {
	return fmt.Sprintf("sign: key file %s is damaged: %s; %s", e.Path, e.Why, keyFileAbout)
}

// Load reads a node's key. A missing file is fs.ErrNotExist, a damaged one a *KeyFileError.
func Load(fsys vfs.FS, name string) (Key, error) {
	if err := fsys.SyncDir(path.Dir(name)); err != nil { // one that died before may have left a name that no power loss would spare
		return Key{}, err
	}
	b, err := vfs.ReadFile(fsys, name, maxKeyBytes)
	if err != nil {
		return Key{}, err
	}
	k, why := parseKey(b)
	if why != "" {
		return Key{}, &KeyFileError{name, why}
	}
	return k, nil
}

func parseKey(b []byte) (k Key, why string) {
	text, ok := strings.CutPrefix(string(b), keyMagic+"\n")
	if !ok {
		return Key{}, fmt.Sprintf("it does not begin with the line %s", keyMagic)
	}
	lines := strings.Split(text, "\n")
	seed64, ok := strings.CutPrefix(lines[0], "seed ")
	seed, err := base64.StdEncoding.Strict().DecodeString(seed64)
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, "its second line is not the seed" // never show what it is
	}
	k = Key{ed25519.NewKeyFromSeed(seed)}
	if !bytes.Equal(k.file(), b) {
		return Key{}, "seed and public key do not belong together, or the end is missing"
	}
	return k, ""
}

func (k Key) file() []byte {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, "%s\nseed %s\npublic %s\n", keyMagic, b64(k.private.Seed()), b64(k.Public()))
}

// Save writes a key file where none is: one that is there is never replaced, and Save fails with fs.ErrExist. After a crash there is
// the whole file or none, after a nil error the file. One process at a time: the directory is locked. The name ends in .key.
func (k Key) Save(fsys vfs.FS, name string) error {
	if k.IsZero() {
		return errNoKey
	}
	if !strings.HasSuffix(name, keySuffix) {
		return fmt.Errorf("sign: %s is no name for a key file: it has to end in %s, so that nobody else may read it", name, keySuffix)
	}
	f, err := fsys.Open(name)
	if err == nil {
		return errors.Join(fmt.Errorf("sign: key file %s is there already and stays as it is: %w", name, fs.ErrExist), f.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return vfs.WriteFile(fsys, name, k.file())
}
