package ledger

import "github.com/gaplessdb/gapless/frame"

// sighting is a number as it was seen on a frame or on a frame that a door refused, with what helps to place it.
type sighting struct {
	seq         uint64 // as on the wire
	bits        uint8  // 8, 16, 32 or 64
	value       string // the device's own epoch value, "" for none
	timeNS      int64  // device time, or receive time with timeless
	recvMS      int64  // receive time
	timeless    bool   // there is no device time
	plausible   bool   // timeNS is a device time and near commit time
	skewed      bool   // timeNS is a device time and far from commit time
	fingerprint uint32
	reject      bool // the frame itself is not there: it may extend what is known, but proves no restart
}

func (g *sighting) reading() reading {
	return reading{low: g.seq, bits: g.bits, timeless: g.timeless, timeNS: g.timeNS, recvMS: g.recvMS}
}

// sight reads a frame. The code says what is malformed, "" if nothing is.
func (l *Ledger) sight(g *frame.Group, receiveMS int64, it *frame.Item) (sighting, string) {
	bits, code := widthOf(g.Bits, it.Seq)
	if code == "" && len(g.Epoch) > frame.MaxEpochBytes {
		code = CodeBadEpoch
	}
	if code == "" && g.HasFirst && (g.First > MaxSeq || bits < 64 && g.First > MaxSeq-1<<32) {
		code = CodeSeqOutOfRange // the first frame's number could be
	}
	f := sighting{seq: it.Seq, bits: bits, value: g.Epoch, timeNS: it.TimeNS, recvMS: receiveMS, fingerprint: it.Fingerprint}
	f.timeless, f.skewed = it.NoTime, l.skewed(it)
	f.plausible = !it.NoTime && !f.skewed
	return f, code
}

// skewed reports whether a device time lies further from commit time than the policy allows.
func (l *Ledger) skewed(it *frame.Item) bool {
	if it.NoTime {
		return false
	}
	d, _ := since(msToNS(l.nowMS), it.TimeNS)
	return d > uint64(l.policy.SkewLimitMS)*1_000_000
}

// newerThan reports whether the sighting's device time proves that it was made after everything stored in e.
func (g *sighting) newerThan(e *epoch) bool {
	return g.plausible && e.maxTime != noTime && g.timeNS > e.maxTime
}

// olderThan reports whether the sighting's device time proves that it was made before the newest frame stored in e.
func (g *sighting) olderThan(e *epoch) bool {
	return g.plausible && e.maxTime != noTime && g.timeNS < e.maxTime
}
