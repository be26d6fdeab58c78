package slowreader

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// account is what census leaves say of a scope, in the words of a certificate.
type account struct {
	scope     *Scope
	verdict   Verdict
	statement statement
	streams   []stream
	notProven []caveat

	inTime func(k Key) ([]uint64, bool) // which numbers of an epoch a certificate says to lie in the scope's time
	seen   map[string]int               // how many epochs each caveat is about
}

// restate says what the accounts of all streams in scope say of it.
func restate(scope *Scope, accounts []*Account, inTime func(Key) ([]uint64, bool)) (*account, error) {
	a := &account{scope: scope, verdict: Complete, inTime: inTime, streams: []stream{}, seen: map[string]int{}}
	a.statement.Causes = map[string]uint64{}
	devices := map[string]bool{}
	for _, one := range accounts {
		verdict, err := a.stream(one)
		if err != nil {
			return nil, err
		}
		devices[one.Key.Device] = true
		a.verdict = min(a.verdict, verdict)
	}
	for _, d := range scope.Devices {
		if !devices[d] {
			a.statement.Absent = append(a.statement.Absent, d)
		}
	}
	a.statement.Devices, a.statement.Streams = len(devices), len(accounts)
	if len(accounts) == 0 || len(a.statement.Absent) > 0 {
		a.verdict = Indeterminate
	}
	a.notProven = a.caveats()
	return a, nil
}

// stream adds a stream, and returns its verdict: that of its worst epoch.
func (a *account) stream(of *Account) (Verdict, error) {
	s := stream{Device: of.Key.Device, Stream: of.Key.Stream, Epochs: []epoch{}}
	worst, judged := Complete, false
	var all []life
	for i := range of.Epochs {
		e := &of.Epochs[i]
		if len(a.scope.Epochs) > 0 && !slices.Contains(a.scope.Epochs, e.Ordinal) {
			continue
		}
		key := of.Key
		key.Epoch = e.Ordinal
		st, seq, err := a.within(key, e)
		if err != nil {
			return 0, err
		}
		s.Epochs = append(s.Epochs, e.words(st, seq))
		a.count(e, st)
		if len(a.scope.Time) == 0 || len(seq) > 0 {
			worst, judged = min(worst, st.Verdict), true
		}
		all = append(all, life{e, st, seq})
	}
	for i := range all {
		if len(a.scope.Time) > 0 && reaches(all, i) {
			worst = min(worst, CompleteBetweenSeen)
		}
	}
	a.streams = append(a.streams, s)
	if !judged {
		worst = Indeterminate
	}
	return worst, nil
}

// life is an epoch of a stream in scope, with what a certificate says of it.
type life struct {
	*EpochAccount
	st  Statement
	seq []uint64 // its numbers in the scope's time
}

// reaches reports whether an epoch without a number in the time may have some there all the same, all of them lost.
func reaches(all []life, i int) bool {
	e := all[i]
	if len(e.seq) > 0 {
		return false
	}
	empty, headless := e.Next == e.Base, e.Head != headDeclared
	before, behind := nearest(all, i, -1), nearest(all, i, 1)
	return len(behind.seq) > 0 && behind.seq[0] == behind.Base && (e.st.OpenTail || empty && headless) ||
		len(before.seq) > 0 && before.seq[1] == before.Next-1 && (headless || empty && e.st.OpenTail)
}

// nearest is the first epoch from one on, in steps of 1 or -1, for which numbers are expected.
func nearest(all []life, i, step int) life {
	for i += step; i >= 0 && i < len(all); i += step {
		if all[i].Next > all[i].Base {
			return all[i]
		}
	}
	return life{}
}

// within is what is true of the numbers of an epoch that are in scope, and these numbers: nil where all are.
func (a *account) within(key Key, e *EpochAccount) (st Statement, seq []uint64, err error) {
	switch {
	case len(a.scope.Seq) > 0:
		st = e.Within(Run{a.scope.Seq[0], a.scope.Seq[1]})
		return st, append([]uint64{}, st.In...), nil
	case len(a.scope.Time) > 0:
		seq, there := a.inTime(key)
		_, to, err := a.scope.times()
		if err != nil {
			return st, nil, err
		}
		if there && len(seq) == 0 {
			return e.Until(to, Run{First: 1, Last: 0}), []uint64{}, nil
		}
		if !there || len(seq) != 2 || seq[0] > seq[1] || seq[0] < e.Base || seq[1] >= e.Next {
			return st, nil, damaged("%v has the numbers %d to %d and less one, not %v", key, e.Base, e.Next, seq)
		}
		return e.Until(to, Run{seq[0], seq[1]}), seq, nil
	}
	return e.Within(everything), nil, nil
}

// count adds an epoch to the sums.
func (a *account) count(e *EpochAccount, st Statement) {
	a.statement.Epochs++
	a.statement.Expected = plus(a.statement.Expected, st.Expected)
	a.statement.Stored = plus(a.statement.Stored, st.Stored)
	a.statement.Missing = plus(a.statement.Missing, st.Expected-st.Stored)
	a.statement.Open = plus(a.statement.Open, st.Open)
	for cause, n := range st.Causes {
		a.statement.Causes[cause] = plus(a.statement.Causes[cause], n)
	}
	for code, applies := range map[string]bool{
		"tail": st.OpenTail, "head": e.Head != headDeclared && !st.CutHead, "inferred_epochs": e.Source == 1,
		"ambiguous": e.Is&(isAmbiguous|isProbation) != 0, "server_numbers": e.Is&isUnnumbered != 0,
	} {
		if applies {
			a.seen[code]++
		}
	}
}

// plus adds up to the greatest number there is.
func plus(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// words are what a certificate says of an epoch.
func (e *EpochAccount) words(st Statement, seq []uint64) epoch {
	w := epoch{
		Epoch: e.Ordinal, Raw: e.Value, Source: [...]string{"", "inferred", "birth", "declared"}[e.Source], Numbering: "device",
		Head: first{Basis: [...]string{"", "first_seen", "protocol_zero", "declared"}[e.Head]},
		Tail: last{Basis: [...]string{"", "last_seen", "watermark", "successor", "seal"}[e.Tail]},
		Seq:  seq, Expected: st.Expected, Stored: st.Stored, Verdict: st.Verdict.String(), Reasons: append([]string{}, st.Reasons...), Gaps: []gap{},
	}
	if e.Is&isUnnumbered != 0 {
		w.Numbering = "server"
	}
	if e.Is&isBegun != 0 {
		w.Head.First = &e.Base
	}
	if e.Next > e.Base {
		end := e.Next - 1
		w.Tail.Last = &end
	}
	if e.Tail == tailWatermark {
		w.Tail.DeclaredAt = time.UnixMilli(e.TailMS).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for _, p := range st.Gaps {
		g := gap{From: p.First, To: p.Last, Count: p.Last - p.First + 1, State: "FINAL", Reason: strings.ToValidUTF8(p.Reason, "\ufffd")}
		switch p.Kind {
		case pieceOpen:
			g.State = "OPEN"
		case pieceRequested:
			g.State = "REQUESTED"
		case pieceLost + 9, pieceLost + 10:
			g.State = "EXPIRED"
		}
		g.Cause, g.Confidence = causeNames[p.cause()].name, causeNames[p.cause()].confidence
		w.Gaps = append(w.Gaps, g)
	}
	return w
}

// caveats are what a certificate does not prove.
func (a *account) caveats() (list []caveat) {
	epochs := fmt.Sprintf(" of %d epochs: ", a.statement.Epochs)
	guessed := a.statement.Causes["never_arrived"]
	some := func(code, before, behind string) (string, string, bool) {
		return code, before + fmt.Sprint(a.seen[code]) + epochs + behind, a.seen[code] > 0
	}
	add := func(code, text string, applies bool) {
		if applies {
			list = append(list, caveat{code, text})
		}
	}
	add("device_honesty", "Frames that a device never numbered, or numbered falsely.", true)
	add("values", "That values and times are true: a broken sensor or a wrong clock is stored as it was sent.", true)
	add("later", "Anything after the moment that this certificate speaks of.", true)
	said := "no device or successor said so."
	if len(a.scope.Time) > 0 {
		said = "no device or successor said so when the time was over."
	}
	add(some("tail", "That the last number seen was the last one sent, in ", said))
	add(some("head", "That the first number seen was the first one sent, in ", "the device did not say so."))
	add(some("inferred_epochs", "What was sent between the last frame before a restart and the restart, in ", "their beginning was inferred."))
	add(some("ambiguous", "How many numbers passed in a silence, in ",
		"the counter is too narrow for it, or one frame alone speaks for the epoch."))
	add(some("server_numbers", "What was sent and never arrived, in ", "the device gives no numbers, the server did."))
	add("causes", fmt.Sprintf("Why numbers are missing, for %d of them: the cause is inferred, bounded or unknown.", guessed), guessed > 0)
	add("match", "That the devices listed are those with the labels: the issuing node says so.", len(a.scope.Match) > 0)
	add("time", "Which numbers lie in the time: without the segments that is the word of the issuing node alone.", len(a.scope.Time) > 0)
	add("frames", "The bytes of the frames: this certificate has counts only.", a.scope.CountsOnly)
	add("issuer", "When this was issued, durability, uncertain times and segments: the issuing node says so and signed it.", true)
	add("sender", "Who sent a frame, where the door it came through did not ask.", true)
	add("quorum", "That no quorum of nodes lies together, before a checkpoint of theirs was kept elsewhere or a witness signed it.", true)
	add("confidentiality", "That nobody else has seen the data.", true)
	return list
}
