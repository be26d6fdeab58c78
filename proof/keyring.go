package proof

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/vfs"
)

// keyring is a node's key files, proof-<n>.key. The one with the highest number is its key. One before it is kept until the log has that: only who has
// both can replace the one by the other.
type keyring struct {
	fs vfs.FS

	disk sync.Mutex // protects the files and made, which only it needs
	made []string   // public halves of all keys that were ever here

	mu    sync.Mutex // protects all below, and is never held while the disk works: gauges and Status need it. Changed under both
	read  bool       // the files are known
	files []keyFile  // ascending by number
	by    string     // who wanted the newest, "" for the node itself
}

// keyFile is a private key on the disk.
type keyFile struct {
	number int
	key    sign.Key
	damage error // of the file: the key is zero
}

const (
	keyPrefix = "proof-"
	keySuffix = ".key"
)

func keyName(number int) string { return keyPrefix + strconv.Itoa(number) + keySuffix }

// load reads the key files, once; again while the newest is damaged: somebody may put it back. The caller holds disk.
func (r *keyring) load() error {
	if r.isRead() {
		return nil
	}
	numbers, err := keyNumbers(r.fs)
	if err != nil {
		return err
	}
	made, err := readMade(r.fs)
	if err != nil {
		return err
	}
	var files []keyFile
	for _, n := range numbers {
		key, err := sign.Load(r.fs, keyName(n))
		var damage *sign.KeyFileError
		if err != nil && !errors.As(err, &damage) {
			return err
		}
		files = append(files, keyFile{n, key, err})
	}
	r.made = made
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files, r.read = files, len(files) == 0 || files[len(files)-1].damage == nil
	return nil
}

func (r *keyring) isRead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read
}

// keyNumbers lists the numbers of the key files, ascending.
func keyNumbers(fs vfs.FS) (numbers []int, err error) {
	names, err := fs.List(".")
	if err != nil {
		return nil, fmt.Errorf("proof: key files: %w", err)
	}
	for _, name := range names {
		digits := strings.TrimSuffix(strings.TrimPrefix(name, keyPrefix), keySuffix)
		if n, err := strconv.Atoi(digits); err == nil && n > 0 && name == keyName(n) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// newest is the node's key and who wanted it; number 0 for none. A damaged one is an error: nobody but its owner knows what it held.
func (r *keyring) newest() (own keyFile, by string, err error) {
	if !r.isRead() {
		r.disk.Lock()
		err = r.load()
		r.disk.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || len(r.files) == 0 {
		return own, "", err
	}
	own = r.files[len(r.files)-1]
	return own, r.by, own.damage
}

// again has the files read again: somebody may put one back.
func (r *keyring) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = false
}

// find is the private half of a cosigner's key, among the files as they were read last.
func (r *keyring) find(vkey string) (sign.Key, bool) {
	v, err := sign.ParseVerifierKey(vkey)
	if err != nil {
		return sign.Key{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.files {
		if !f.key.IsZero() && [32]byte(f.key.Public()) == v.Public {
			return f.key, true
		}
	}
	return sign.Key{}, false
}

// errNewer says that somebody else has made a key meanwhile.
var errNewer = errors.New("proof: another key was made meanwhile")

// make makes the next key, if the newest is still the one with a number.
func (r *keyring) make(newest int, by string) error {
	r.disk.Lock()
	defer r.disk.Unlock()
	if err := r.load(); err != nil {
		return err
	}
	if n := len(r.files); n > 0 && r.files[n-1].number != newest || n == 0 && newest != 0 {
		return errNewer
	}
	key, err := sign.Generate(rand.Reader)
	if err != nil {
		return err
	}
	if err := r.remember(key); err != nil { // before the log can have it
		return err
	}
	if err := key.Save(r.fs, keyName(newest+1)); err != nil {
		r.again() // whether the file is there is not known
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files, r.by = append(r.files, keyFile{newest + 1, key, nil}), by
	return nil
}

// keep destroys the files of the keys before one.
func (r *keyring) keep(number int) error {
	r.disk.Lock()
	defer r.disk.Unlock()
	if err := r.load(); err != nil {
		return err
	}
	old := slices.IndexFunc(r.files, func(f keyFile) bool { return f.number >= number })
	if old >= 0 {
		if err := r.remember(r.files[old].key); err != nil { // somebody else may have put it here
			return err
		}
	}
	if old <= 0 {
		return nil
	}
	for _, f := range r.files[:old] {
		if err := r.fs.Remove(keyName(f.number)); err != nil {
			r.again()
			return fmt.Errorf("proof: destroying an old key: %w", err)
		}
	}
	if err := r.fs.SyncDir("."); err != nil {
		r.again()
		return fmt.Errorf("proof: destroying an old key: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = slices.Clone(r.files[old:])
	return nil
}
