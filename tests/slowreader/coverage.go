package slowreader

import "slices"

// joinEntries puts the entries of each epoch together, and holds what they say against the rows of the blocks.
func joinEntries(entries []indexEntry, blocks []*block) ([]Epoch, error) {
	at := map[uint64]*block{}
	runs := 0
	for _, b := range blocks {
		at[b.offset] = b
		runs += len(b.runs)
	}
	var list []Epoch
	for _, e := range entries {
		if n := len(list); n == 0 || list[n-1].Key != e.Key {
			if n > 0 && list[n-1].Compare(e.Key) > 0 {
				return nil, damaged("device index: %v stands behind %v", e.Key, list[n-1].Key)
			}
			list = append(list, Epoch{Key: e.Key})
		}
		epoch := &list[len(list)-1]
		var stored []Run
		for _, p := range e.places {
			seqs, err := p.check(e.Key, at[p.offset])
			if err != nil {
				return nil, err
			}
			epoch.Frames += uint64(len(seqs))
			stored = appendRuns(stored, seqs)
			runs--
		}
		if !slices.Equal(stored, e.coverage) {
			return nil, damaged("device index: %v has the numbers %v, the blocks %v", e.Key, e.coverage, stored)
		}
		if n := len(epoch.Coverage); n > 0 && epoch.Coverage[n-1].Last >= stored[0].First {
			return nil, damaged("device index: the entries of %v overlap at %d", e.Key, stored[0].First)
		}
		epoch.Coverage = joinRuns(epoch.Coverage, stored)
	}
	if runs != 0 {
		return nil, damaged("device index: %d runs of blocks are in no entry, or in two", runs)
	}
	return list, nil
}

// check holds one place against the run that is there, and returns the run's numbers.
func (p place) check(key Key, b *block) ([]uint64, error) {
	if b == nil || b.length != p.length || p.run < 0 || p.run >= int64(len(b.runs)) {
		return nil, damaged("device index: no run %d of %v in a block of %d bytes at %d", p.run, key, p.length, p.offset)
	}
	run := b.runs[p.run]
	rows := b.rows[run.first : run.first+run.rows]
	is := place{
		offset: b.offset, length: b.length, run: p.run, rows: int64(run.rows),
		firstSeq: rows[0].Seq, lastSeq: rows[len(rows)-1].Seq, firstNS: rows[0].FiledNS(), lastNS: rows[0].FiledNS(),
	}
	var seqs []uint64
	for i := range rows {
		is.firstNS, is.lastNS = min(is.firstNS, rows[i].FiledNS()), max(is.lastNS, rows[i].FiledNS())
		seqs = append(seqs, rows[i].Seq)
	}
	if run.Key != key || is != p {
		return nil, damaged("device index: %v has %+v, the block %v %+v", key, p, run.Key, is)
	}
	return seqs, nil
}

// appendRuns adds ascending numbers to runs.
func appendRuns(runs []Run, seqs []uint64) []Run {
	for _, seq := range seqs {
		runs = joinRuns(runs, []Run{{seq, seq}})
	}
	return runs
}

// joinRuns adds runs behind runs. Two that touch become one.
func joinRuns(runs, more []Run) []Run {
	for _, r := range more {
		if n := len(runs); n > 0 && runs[n-1].Last+1 == r.First {
			runs[n-1].Last = r.Last
		} else {
			runs = append(runs, r)
		}
	}
	return runs
}
