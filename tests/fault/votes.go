//go:build linux

package fault

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/gaplessdb/gapless/tests/drive"
)

// voteEvery is how often the votes are looked at. Of two votes within it only the later one is seen.
const voteEvery = 50 * time.Millisecond

// votes watches the vote store of a disk. A vote is written in two transactions, the term and then the candidate: what looks like a vote for the
// candidate of before is one once another transaction has come behind it.
type votes struct {
	disk *disk

	mu   sync.Mutex // protects all below
	file []byte     // as it was last seen
	told drive.Vote // the newest that the history has
	seen drive.Vote // the newest that the file has
	at   int        // transaction in which seen was first seen
	cold bool       // the disk is another one, or was damaged: what is on it now is no news
}

// watch tells the history of every vote that has become durable.
func (v *votes) watch() {
	for v.disk.w.Wait(voteEvery) {
		v.look()
	}
}

// forget says that the disk was changed from outside.
func (v *votes) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.file, v.cold = nil, true
}

// begin says that the disk is empty.
func (v *votes) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.file, v.told, v.seen, v.cold = nil, drive.Vote{}, drive.Vote{}, false
}

// look reads the file if it has changed.
func (v *votes) look() {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.disk.fs.ReadDurable(drive.VoteFile)
	if err != nil || bytes.Equal(b, v.file) {
		return
	}
	v.file = b
	now, tx, ok := v.read(b)
	if !ok {
		return
	}
	if now != v.seen {
		v.seen, v.at = now, tx
	}
	if v.cold {
		v.told, v.cold = now, false
	}
	if now == v.told || now.Candidate == v.told.Candidate && tx == v.at {
		return
	}
	v.told = now
	v.disk.w.Event(v.disk.name, now.Event())
}

// read opens a copy of the database. One that is between two states is read the next time.
func (v *votes) read(b []byte) (found drive.Vote, tx int, ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }() // a page that was flipped
	dir, err := v.disk.w.place("votes")
	if err != nil {
		return found, 0, false
	}
	path := filepath.Join(dir, v.disk.name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return found, 0, false
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return found, 0, false
	}
	defer db.Close()
	found.Server = drive.ServerOf(v.disk)
	err = db.View(func(t *bbolt.Tx) error {
		tx = t.ID()
		bucket := t.Bucket([]byte(drive.VoteBucket))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(key, value []byte) error {
			found.Take(key, value)
			return nil
		})
	})
	return found, tx, err == nil && found.Term > 0 && found.Candidate != "" && found.Server != ""
}
