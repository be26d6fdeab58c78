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

// votes watches the vote store of a disk.
type votes struct {
	disk *disk

	mu     sync.Mutex // protects all below
	file   []byte     // as it was last seen
	tx     int        // its newest transaction
	ballot ballot
	cold   bool // the disk is another one, or was damaged: what is on it now is no news
}

// halfVote is how long what may be half of a vote is given for its other half.
const halfVote = time.Second

// ballot tells votes from halves of votes. One is written in two transactions, the term and then the candidate, and others may come in between: a
// heartbeat stores the term of its leader. So what looks like a vote for the candidate of before is one if another transaction has come behind it and it
// stays for a while, or until the next term.
type ballot struct {
	told  drive.Vote // the newest that the history has
	seen  drive.Vote // the newest that the file has
	tx    int        // transaction in which seen was first seen
	since time.Duration
	moved bool // another transaction has come since
}

// look takes what the file has, and gives what is news.
func (b *ballot) look(now drive.Vote, tx int, at time.Duration) (news []drive.Vote) {
	if now != b.seen {
		if b.moved && b.seen != b.told && now.Term > b.seen.Term {
			news, b.told = append(news, b.seen), b.seen
		}
		b.seen, b.tx, b.since, b.moved = now, tx, at, false
	}
	b.moved = b.moved || tx != b.tx
	half := now.Candidate == b.told.Candidate && (!b.moved || at-b.since < halfVote)
	if now == b.told || half {
		return news
	}
	b.told = now
	return append(news, now)
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
	v.file, v.ballot, v.cold = nil, ballot{}, false
}

// look reads the file if it has changed, and tells what is news.
func (v *votes) look() {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, err := v.disk.fs.ReadDurable(drive.VoteFile)
	if err != nil {
		return
	}
	now := v.ballot.seen
	if !bytes.Equal(b, v.file) {
		found, tx, ok := v.read(b)
		v.file = b
		if !ok {
			return
		}
		now, v.tx = found, tx
	}
	if v.cold {
		v.ballot, v.cold = ballot{told: now, seen: now, tx: v.tx}, false
	}
	for _, vote := range v.ballot.look(now, v.tx, v.disk.w.Now()) {
		v.disk.w.Event(v.disk.name, vote.Event())
	}
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
