package workload

import (
	"encoding/binary"
	"fmt"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/tests/check"
)

// tileWidth is how many records one bundle of entries has (c2sp.org/tlog-tiles).
const tileWidth = 256

// Records reads the log of the proof through a node, as far as its newest checkpoint covers it, and records which tree its records make.
func (site *Site) Records(ask *Asker, at Node) {
	s := site.Sealing(ask, at)
	if s == nil {
		return
	}
	t := recordTree{}
	for first := int64(0); first < s.Signed.Size; first += tileWidth {
		path := fmt.Sprintf("/tlog/tile/entries/%03d", first/tileWidth) // below a thousand of them
		if rest := s.Signed.Size - first; rest < tileWidth {
			path += fmt.Sprintf(".p/%d", rest)
		}
		status, body, err := ask.Do(at, http.MethodGet, path, nil, nil, askLimit)
		if err != nil || status != http.StatusOK {
			return // a node that restarts, or finds a segment damaged
		}
		if err := t.take(body); err != nil {
			site.Violate("answers", fmt.Sprintf("%s: %s: %v", at.Name, path, err))
			return
		}
	}
	root, err := tlog.TreeHash(t.size, t.reader())
	if err != nil || t.size != s.Signed.Size {
		site.Violate("answers", fmt.Sprintf("%s gives %d records of its log, its checkpoint covers %d: %v", at.Name, t.size, s.Signed.Size, err))
		return
	}
	seen := check.Recorded{Tree: check.Tree{Size: t.size, Root: root}, Node: at.Name, At: site.Now()}
	site.Record(func(r *check.Run) { r.Recorded = append(r.Recorded, seen) })
}

// recordTree is the hashes of the records so far.
type recordTree struct {
	size   int64
	hashes []tlog.Hash
}

func (t *recordTree) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, t.hashes[i])
		}
		return list, nil
	})
}

// take adds the records of a bundle: each has its length, two bytes, before it.
func (t *recordTree) take(bundle []byte) error {
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return fmt.Errorf("record %d of the log is cut off", t.size)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		more, err := tlog.StoredHashes(t.size, bundle[2:end], t.reader())
		if err != nil {
			return err
		}
		t.hashes, t.size, bundle = append(t.hashes, more...), t.size+1, bundle[end:]
	}
	return nil
}
