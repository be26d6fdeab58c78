package drive

import (
	"encoding/binary"
	"os"

	"github.com/gaplessdb/gapless/vfs"
)

// The parts of a bbolt file that lead to the term (go.etcd.io/bbolt: page.go, db.go, bucket.go), on a machine of this byte order.
const (
	voteBytesMost = 64 << 20

	boltMagic      = 0xED0CDAED
	boltPageHeader = 16 // id 8, flags 2, count 2, overflow 4
	boltMetaSize   = 64 // magic 4, version 4, page size 4, flags 4, root 8+8, freelist 8, pages 8, transaction 8, checksum 8
	boltElement    = 16 // flags 4, position 4 (of the key, from the element), size of the key 4, of the value 4: it comes behind the key
	bucketHeader   = 16 // root 8, sequence 8; then, where root is 0, a page
)

// boltPageSize is that of the operating system.
var boltPageSize = os.Getpagesize()

// voteBytes lists the bytes of the vote store whose damage can be noticed. The store of the simulation has a checksum over all of it. Of a bbolt file
// only the two meta pages have one, and where the newer of them is damaged, bbolt goes on with the older one without a word; a value that changed is
// believed. What does come to light is that the term is gone, because the log knows a later one: its key, and the name of the bucket that it is in.
func voteBytes(files vfs.FS) []stretch {
	b, err := vfs.ReadFile(files, VoteFile, voteBytesMost)
	if err != nil {
		return nil
	}
	page, isBolt := boltRoot(b)
	if !isBolt {
		return fileBytes(files, ".", VoteFile)
	}
	bucket, name, ok := boltFind(b, page, VoteBucket)
	if !ok || bucket+bucketHeader > len(b) {
		return nil
	}
	page = bucket + bucketHeader
	if root := binary.LittleEndian.Uint64(b[bucket:]); root != 0 {
		page = int(root) * boltPageSize
	}
	_, key, ok := boltFind(b, page, termKey)
	if !ok {
		return nil
	}
	return []stretch{{VoteFile, int64(name), int64(len(VoteBucket))}, {VoteFile, int64(key), int64(len(termKey))}}
}

// boltRoot is where the page of all buckets begins, by the newer of the two meta pages.
func boltRoot(b []byte) (page int, isBolt bool) {
	newest := uint64(0)
	for meta := boltPageHeader; meta+boltMetaSize <= min(len(b), 2*boltPageSize); meta += boltPageSize {
		if tx := binary.LittleEndian.Uint64(b[meta+48:]); binary.LittleEndian.Uint32(b[meta:]) == boltMagic && tx >= newest {
			page, newest, isBolt = int(binary.LittleEndian.Uint64(b[meta+16:]))*boltPageSize, tx, true
		}
	}
	return page, isBolt
}

// boltFind finds a key in a leaf page, and what it stands for.
func boltFind(b []byte, page int, name string) (value, key int, ok bool) {
	if page < 0 || page+boltPageHeader > len(b) {
		return 0, 0, false
	}
	count := int(binary.LittleEndian.Uint16(b[page+10:]))
	for at := page + boltPageHeader; count > 0 && at+boltElement <= len(b); at, count = at+boltElement, count-1 {
		key = at + int(binary.LittleEndian.Uint32(b[at+4:]))
		value = key + int(binary.LittleEndian.Uint32(b[at+8:]))
		if value <= len(b) && string(b[key:value]) == name {
			return value, key, true
		}
	}
	return 0, 0, false
}
