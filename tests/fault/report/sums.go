package report

import "github.com/gaplessdb/gapless/tests/check"

// sum is how much of everything there is in a run.
type sum struct {
	acked uint64 // frames

	batches, ackedBatches, unknownBatches, refusedBatches uint64
	reads, failedReads, linear, pages, gaps               uint64
	tailLines, ledgers, storages                          uint64
	certified, verified, sealings                         uint64
	finals, rows, counters                                uint64
	damaged, syncs, votes, elections, windows             uint64
}

// sums counts everything once.
func (r *Report) sums() (s sum) {
	run := r.Run
	s.acked = ackedFrames(run)
	s.batches, s.pages = uint64(len(run.Batches)), uint64(len(run.Pages))
	s.ledgers, s.storages, s.gaps = uint64(len(run.Ledgers)), uint64(len(run.Storages)), uint64(len(run.GapReports))
	s.finals, s.windows = uint64(len(run.Finals)), uint64(len(run.Quorate))
	if run.Healed > 0 {
		s.windows++
	}
	for i := range run.Batches {
		s.outcome(run.Batches[i].Outcome)
	}
	for i := range run.Reads {
		s.read(&run.Reads[i])
	}
	for _, f := range run.Finals {
		s.final(f)
	}
	s.certified, s.sealings = uint64(len(run.Certified)), uint64(len(run.Sealings))
	for _, c := range run.Certified {
		s.verified += uint64(len(c.Verified))
	}
	for _, t := range run.Tails {
		s.tailLines += t.Lines
	}
	for i := range run.Events {
		switch run.Events[i].Kind {
		case check.Damaged:
			s.damaged++
		case check.SyncFailed:
			s.syncs++
		case check.Voted:
			s.votes++
		case check.Led:
			s.elections++
		}
	}
	for i := range run.Faults {
		if run.Faults[i].MustFind {
			s.damaged++
		}
	}
	return s
}

func (s *sum) outcome(o check.Outcome) {
	switch o {
	case check.Acked:
		s.ackedBatches++
	case check.Unknown:
		s.unknownBatches++
	default:
		s.refusedBatches++
	}
}

func (s *sum) read(d *check.Read) {
	if d.Failed {
		s.failedReads++
		return
	}
	s.reads++
	if d.Consistency == "linearizable" {
		s.linear++
	}
}

func (s *sum) final(f *check.Final) {
	s.rows += f.Frames() - f.System
	s.counters = max(s.counters, uint64(len(f.Counters())))
	s.gaps += uint64(len(f.Gaps))
	for i := range f.Latest {
		s.read(&f.Latest[i])
	}
	if f.Ledger != nil {
		s.ledgers++
	}
	if f.Storage != nil {
		s.storages++
	}
}
