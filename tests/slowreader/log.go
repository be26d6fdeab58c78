package slowreader

import "fmt"

// log reads the records: the newest CENSUS of the log, the SEALs of the ordinals that are shown, and the last record, which says that the
// CENSUS is the newest.
func (v *verification) log() error {
	p := &v.cert.Proof
	place := map[uint64]int{} // which ordinal that is shown has its SEAL there
	for i, s := range p.Seals {
		if s.Ordinal == 0 || i > 0 && (s.Ordinal <= p.Seals[i-1].Ordinal || s.LogIndex <= p.Seals[i-1].LogIndex) {
			return damaged("ordinal %d of record %d is out of order", s.Ordinal, s.LogIndex)
		}
		place[s.LogIndex] = i
	}
	v.seals = make([]*sealRecord, len(p.Seals))
	records := map[uint64]*logRecord{}
	for i, entry := range p.Log {
		if i > 0 && entry.Index <= p.Log[i-1].Index {
			return damaged("record %d behind %d", entry.Index, p.Log[i-1].Index)
		}
		root, err := inclusionRoot(v.checkpoint.Size, entry.Index, leafHash(entry.Record), entry.Proof)
		if err != nil || root != v.checkpoint.Root {
			return damaged("record %d leads to %x, the checkpoint is %x, %v", entry.Index, root, v.checkpoint.Root, err)
		}
		r, err := parseRecord(entry.Record)
		if err != nil {
			return fmt.Errorf("record %d: %w", entry.Index, err)
		}
		at, sealed := place[entry.Index]
		switch {
		case entry.Index == p.Census.LogIndex:
			v.census = r.census
		case sealed:
			v.seals[at] = r.seal
		case entry.Index != v.checkpoint.Size-1:
			return damaged("record %d is none that the certificate needs", entry.Index)
		}
		records[entry.Index] = r
	}
	if v.census == nil {
		return damaged("record %d is no CENSUS, or not there", p.Census.LogIndex)
	}
	if err := v.newest(records[v.checkpoint.Size-1]); err != nil {
		return err
	}
	return v.ordinals()
}

// newest makes sure that no CENSUS stands between the one that is shown and the end of the log.
func (v *verification) newest(last *logRecord) error {
	at := v.cert.Proof.Census.LogIndex
	switch {
	case at == v.checkpoint.Size-1:
		return nil
	case last == nil:
		return damaged("the last record of %d is not shown", v.checkpoint.Size)
	case last.seal != nil && last.seal.Census == int64(at), last.key != nil && last.key.Census == int64(at):
		return nil
	}
	return damaged("that record %d is the newest CENSUS is not what the last record says: %+v", at, *last)
}

// ordinals holds the SEALs that are shown against each other and against the CENSUS.
func (v *verification) ordinals() error {
	c := v.census
	for i, s := range v.seals {
		shown := v.cert.Proof.Seals[i]
		if s == nil || s.Ordinal != shown.Ordinal || shown.LogIndex >= v.cert.Proof.Census.LogIndex || s.Ordinal > c.Seal || s.First > s.Last {
			return damaged("record %d is not the SEAL of ordinal %d up to %d: %+v", shown.LogIndex, shown.Ordinal, c.Seal, s)
		}
		newest := s.Ordinal == c.Seal
		if newest && (s.History != c.History || s.Last != c.Index) || s.History > c.History || !newest && s.History == c.History && s.Last >= c.Index {
			return damaged("ordinal %d of %d ends at %d of %d, the census is at %d of %d", s.Ordinal, c.Seal, s.Last, s.History, c.Index, c.History)
		}
		if i == 0 {
			continue
		}
		if before := v.seals[i-1]; s.History < before.History || s.History == before.History && s.First <= before.Last {
			return damaged("ordinal %d begins at %d of %d, ordinal %d ends at %d of %d", s.Ordinal, s.First, s.History, before.Ordinal, before.Last,
				before.History)
		}
	}
	if is := (asOf{v.census.History, v.census.Index, v.census.At}); v.cert.AsOf != is {
		return damaged("as of %+v, the census is of %+v", v.cert.AsOf, is)
	}
	return v.behind()
}

// behind makes sure that a time in the scope is over at the moment of the CENSUS.
func (v *verification) behind() error {
	if len(v.cert.Scope.Time) == 0 {
		return nil
	}
	_, to, err := v.cert.Scope.times()
	if err != nil {
		return err
	}
	at, err := nanoseconds(v.census.At)
	if err != nil || to > at {
		return damaged("the time ends at %s, the census was taken at %s: %v", v.cert.Scope.Time[1], v.census.At, err)
	}
	return nil
}
