package proof

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/proof/record"
)

// logIndex says where the records are that certificates need.
type logIndex struct {
	size     int64         // records that were looked at
	seals    []sealPlace   // of ordinal i+1
	censuses []censusPlace // ascending by index
	keys     []keyPlace
	policies []record.Policy
}

type sealPlace struct {
	N    int64 // number of the record
	Seal record.Seal
}

type censusPlace struct {
	N      int64
	Census record.Census
}

type keyPlace struct {
	N   int64
	Key record.Key
}

// add takes in the next record.
func (x *logIndex) add(n int64, data []byte) error {
	r, err := record.Parse(data)
	if err != nil {
		return err
	}
	switch r := r.(type) {
	case *record.Seal:
		if want := uint32(len(x.seals)) + 1; r.Ordinal != want {
			return fmt.Errorf("proof: record %d of the log is the SEAL of ordinal %d, %d is due", n, r.Ordinal, want)
		}
		x.seals = append(x.seals, sealPlace{n, *r})
	case *record.Census:
		x.censuses = append(x.censuses, censusPlace{n, *r})
	case *record.Key:
		x.keys = append(x.keys, keyPlace{n, *r})
	case *record.Policy:
		x.policies = append(x.policies, *r)
	}
	x.size = n + 1
	return nil
}

// censusBefore is the newest CENSUS among the first size records.
func (x *logIndex) censusBefore(size int64) (p censusPlace, ok bool) {
	for i := len(x.censuses) - 1; i >= 0; i-- {
		if x.censuses[i].N < size {
			return x.censuses[i], true
		}
	}
	return p, false
}

// policyAt is the hash of the policy in force at an index, "" where the log does not tell: it was set before there was a log.
func (x *logIndex) policyAt(index uint64) string {
	for i := len(x.policies) - 1; i >= 0; i-- {
		if x.policies[i].Index <= index {
			return x.policies[i].SHA256
		}
	}
	return ""
}

// record is a SEAL, CENSUS or KEY, nil where the record of that number is another one, or not read yet.
func (x *logIndex) record(n int64) record.Record {
	if i, ok := slices.BinarySearchFunc(x.seals, n, func(p sealPlace, n int64) int { return cmp.Compare(p.N, n) }); ok {
		return &x.seals[i].Seal
	}
	if i, ok := slices.BinarySearchFunc(x.censuses, n, func(p censusPlace, n int64) int { return cmp.Compare(p.N, n) }); ok {
		return &x.censuses[i].Census
	}
	if i, ok := slices.BinarySearchFunc(x.keys, n, func(p keyPlace, n int64) int { return cmp.Compare(p.N, n) }); ok {
		return &x.keys[i].Key
	}
	return nil
}

// RecordAt is a record that certificates show, a SEAL, a CENSUS or a KEY, as the log has it; false for others, and where this node has not read so far.
func (s *Sealer) RecordAt(n int64) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.index.record(n)
	if r == nil {
		return nil, false
	}
	b, err := record.Encode(r) // Parse took it: it encodes to what it was
	return b, err == nil
}

// SealOf is the SEAL of an ordinal and the number of its record, false where this node has not seen it yet.
func (s *Sealer) SealOf(ordinal uint32) (seal record.Seal, n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ordinal == 0 || int(ordinal) > len(s.index.seals) {
		return seal, 0, false
	}
	p := s.index.seals[ordinal-1]
	return p.Seal, p.N, true
}

// CensusOf is the CENSUS at an index and the number of its record, false where this node has not seen it yet.
func (s *Sealer) CensusOf(index uint64) (c record.Census, n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.index.censuses) - 1; i >= 0; i-- {
		if p := s.index.censuses[i]; p.Census.Index == index {
			return p.Census, p.N, true
		}
	}
	return c, 0, false
}
