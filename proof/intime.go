package proof

import (
	"context"
	"fmt"
	"time"
)

// A cut in time that a flush keeps back.
const (
	overdueAtLeast = 10 * time.Second // a flush takes a while, and nothing is acknowledged while two wait
	overdueAtMost  = 5 * time.Minute
	putOffTold     = time.Minute
)

// putOff is a cut in time that was refused because of a flush.
type putOff struct {
	ordinal uint32
	tell    time.Time // when somebody is told that it goes on
}

// cutInTime ends the open ordinal when it is old enough, on the leader. While the one before is not sealed it goes on. A node whose disk is the
// bottleneck always has a flush under way: a cut waits for the end of that, but not for ever.
func (s *Sealer) cutInTime(ctx context.Context, look *Look) error {
	ordinal := look.Section.Ordinal()
	if !look.Leads || look.Interval == 0 || ordinal > look.Section.SealedThrough()+1 {
		return nil
	}
	since := look.Section.CutMS()
	if since == 0 {
		since = s.firstSeen(look.NowMS)
	}
	late := time.Duration(look.NowMS-since)*time.Millisecond - look.Interval
	if late < 0 {
		return nil
	}
	what, to := fmt.Sprint("cut ", ordinal), s.opt.Catalog.Propose
	if s.said(what) {
		return nil
	}
	if late > min(max(look.Interval/4, overdueAtLeast), overdueAtMost) {
		to = s.opt.Catalog.ProposeOverdue
	}
	err := commit(ctx, to, KindCut, cutCommand{ordinal})
	if refusedFor(err, CodeFlushUnderWay) { // the next moment without one may be short
		s.saying(what, seldom)
		s.flushing(ordinal, err)
		return nil
	}
	return s.spoke(what, err)
}

// flushing hears that a cut in time was refused because of a flush, and tells of it once a minute.
func (s *Sealer) flushing(ordinal uint32, err error) {
	now := time.Now()
	if s.putOff.ordinal != ordinal {
		s.putOff = putOff{ordinal, now.Add(putOffTold)}
	}
	if now.Before(s.putOff.tell) {
		return
	}
	s.putOff.tell = now.Add(putOffTold)
	s.log.Warn("a seal does not end although it is time: a flush is always under way; the disk is too slow for what comes, or sick", "seal", ordinal, "err", err)
}

// firstSeen is the commit time of the first look: a cluster without a cut begins to count there.
func (s *Sealer) firstSeen(nowMS int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.firstMS == 0 {
		s.firstMS = nowMS
	}
	return s.firstMS
}
