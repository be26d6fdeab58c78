package verify

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/record"
)

// log checks that the records are in the log: the newest CENSUS, the SEAL of each ordinal shown, the last record, and nothing else.
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
	for _, check := range []func() error{r.newest, r.ordinals, r.moment} {
		if err := check(); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("the CENSUS at index %d is in it, and no newer one; so are the SEALs of %d of %d ordinals", r.census.Index, len(r.seals), r.census.Seal), nil
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

// newest checks that the CENSUS shown is the newest of the log, which its last record says: who shows an older one hides what was lost since.
func (r *run) newest() error {
	at, last := r.c.Proof.Census.LogIndex, r.signed.Size-1
	census, ok := r.records[at].(*record.Census)
	if !ok {
		return tampered("proof.census: record %d is not a CENSUS that the certificate has", at)
	}
	named, ok := certificate.NewestCensus(r.records[last], last)
	if !ok {
		return tampered("record %d, the last one of the log, is not shown as one that says which CENSUS is the newest", last)
	}
	if !isNewest(at, named) {
		return tampered("a newer census is in the log: it is record %d, says record %d; the certificate is of record %d", named, last, at)
	}
	r.census = census
	return nil
}

// ordinals checks that there is a SEAL for every ordinal shown, that they follow each other and end with the census, and that no other record is there.
func (r *run) ordinals() error {
	trees := r.c.Proof.Seals
	needed := map[int64]bool{r.c.Proof.Census.LogIndex: true, r.signed.Size - 1: true}
	for i := range trees {
		seal, ok := r.records[trees[i].LogIndex].(*record.Seal)
		if !ok {
			return tampered("proof.seals[%d]: record %d is not a SEAL that the certificate has", i, trees[i].LogIndex)
		}
		if seal.Ordinal == 0 || trees[i].Ordinal != seal.Ordinal || seal.Ordinal > r.census.Seal {
			return tampered("proof.seals[%d]: record %d is the SEAL of ordinal %d, the certificate says %d, and the CENSUS counts up to %d",
				i, trees[i].LogIndex, seal.Ordinal, trees[i].Ordinal, r.census.Seal)
		}
		if before := trees[max(i-1, 0)]; i > 0 && (before.Ordinal >= trees[i].Ordinal || before.LogIndex >= trees[i].LogIndex) {
			return tampered("proof.seals[%d] is not in order", i)
		}
		needed[trees[i].LogIndex] = true
		r.seals = append(r.seals, seal)
		if err := r.place(i); err != nil {
			return err
		}
	}
	if n := len(trees); n > 0 && trees[n-1].LogIndex >= r.c.Proof.Census.LogIndex {
		return tampered("the SEAL of ordinal %d is record %d, behind the CENSUS", trees[n-1].Ordinal, trees[n-1].LogIndex)
	}
	if len(needed) != len(r.records) {
		return tampered("the certificate has %d records, and needs %d", len(r.records), len(needed))
	}
	return nil
}

// place checks where a SEAL lies between the one shown before it and the census.
func (r *run) place(i int) error {
	seal, census := r.seals[i], r.census
	if seal.First > seal.Last {
		return tampered("ordinal %d has the indexes %d to %d", seal.Ordinal, seal.First, seal.Last)
	}
	if i > 0 {
		if before := r.seals[i-1]; seal.History < before.History || seal.History == before.History && seal.First <= before.Last {
			return tampered("ordinal %d begins at index %d of history %d, ordinal %d ends at %d of %d",
				seal.Ordinal, seal.First, seal.History, before.Ordinal, before.Last, before.History)
		}
	}
	ends := seal.Last == census.Index && seal.History == census.History
	if seal.Ordinal < census.Seal {
		ends = seal.History < census.History || seal.History == census.History && seal.Last < census.Index
	}
	if !ends {
		return tampered("ordinal %d ends at index %d of history %d, the CENSUS of ordinal %d is at %d of %d",
			seal.Ordinal, seal.Last, seal.History, census.Seal, census.Index, census.History)
	}
	return nil
}

// moment checks of when the certificate is, and that the scope's time was over then.
func (r *run) moment() error {
	if got, want := r.c.AsOf, (certificate.AsOf{History: r.census.History, Index: r.census.Index, Time: r.census.At}); got != want {
		return tampered("as_of says %+v, the CENSUS %+v", got, want)
	}
	if err := r.c.Scope.Over(r.census.At); err != nil {
		return tampered("%w", err)
	}
	return nil
}
