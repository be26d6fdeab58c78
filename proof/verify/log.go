package verify

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/record"
)

// log checks that the records are in the log, and that they are the CENSUS and every SEAL up to it, and nothing else.
func (r *run) log() (string, error) {
	r.records = make(map[int64]record.Record, len(r.c.Proof.Log))
	for i := range r.c.Proof.Log {
		if i > 0 && r.c.Proof.Log[i-1].Index >= r.c.Proof.Log[i].Index {
			return "", tampered("proof.log[%d] is not in order", i)
		}
		if err := r.entry(&r.c.Proof.Log[i]); err != nil {
			return "", err
		}
		r.in.Progress("log", int64(i+1), int64(len(r.c.Proof.Log)))
	}
	census, ok := r.records[r.c.Proof.Census.LogIndex].(*record.Census)
	if !ok {
		return "", tampered("proof.census: record %d is not a CENSUS that the certificate has", r.c.Proof.Census.LogIndex)
	}
	r.census = census
	if got, want := r.c.AsOf, (certificate.AsOf{History: census.History, Index: census.Index, Time: census.Time}); got != want {
		return "", tampered("as_of says %+v, the CENSUS %+v", got, want)
	}
	if err := r.chain(); err != nil {
		return "", err
	}
	return fmt.Sprintf("the CENSUS at index %d and the SEALs of ordinals 1 to %d are in it, without a gap between their indexes", census.Index, census.Seal), nil
}

func (r *run) entry(e *certificate.Entry) error {
	if e.Index < 0 || e.Index >= r.signed.Size {
		return tampered("record %d is in no log of %d", e.Index, r.signed.Size)
	}
	if err := tlog.CheckRecord(e.Proof, r.signed.Size, r.signed.Root, e.Index, tlog.RecordHash(e.Record)); err != nil {
		return tampered("record %d does not lead to the root of the checkpoint: %w", e.Index, err)
	}
	rec, err := record.Parse(e.Record)
	if err != nil {
		return tampered("record %d: %w", e.Index, err)
	}
	r.records[e.Index] = rec
	return nil
}

// chain checks that there is a SEAL for every ordinal, each where the one before ends, and that the last one ends with the census.
func (r *run) chain() error {
	trees := r.c.Proof.Seals
	if uint64(len(trees)) != uint64(r.census.Seal) || len(r.records) != len(trees)+1 {
		return tampered("the CENSUS counts %d ordinals; the certificate has %d, and %d records", r.census.Seal, len(trees), len(r.records))
	}
	for i := range trees {
		seal, ok := r.records[trees[i].LogIndex].(*record.Seal)
		if !ok {
			return tampered("proof.seals[%d]: record %d is not a SEAL that the certificate has", i, trees[i].LogIndex)
		}
		if seal.Ordinal != uint32(i+1) || trees[i].Ordinal != seal.Ordinal {
			return tampered("proof.seals[%d]: record %d is the SEAL of ordinal %d, the certificate says %d", i, trees[i].LogIndex, seal.Ordinal, trees[i].Ordinal)
		}
		if i > 0 {
			before := r.seals[i-1]
			if seal.History < before.History || seal.History == before.History && seal.First != before.Last+1 {
				return tampered("ordinal %d begins at index %d of history %d, the one before ends at %d of %d",
					seal.Ordinal, seal.First, seal.History, before.Last, before.History)
			}
		}
		r.seals = append(r.seals, seal)
	}
	if len(trees) == 0 {
		return tampered("the CENSUS counts no ordinal")
	}
	if last := r.seals[len(trees)-1]; last.Last != r.census.Index || last.History != r.census.History {
		return tampered("the last ordinal ends at index %d of history %d, the CENSUS is at %d of %d", last.Last, last.History, r.census.Index, r.census.History)
	}
	return nil
}
