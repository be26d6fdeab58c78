package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// traceLines are the evidence lines of a trace: what each is about, and what it says. Both may come from devices.
type traceLines struct{ b strings.Builder }

func (l *traceLines) add(about, format string, args ...any) {
	fmt.Fprintf(&l.b, "  %-11s %s\n", about, clean(fmt.Sprintf(format, args...)))
}

// write prints the answer, and then the evidence line by line.
func (t *traceAnswer) write(w io.Writer) error {
	l := &traceLines{}
	fmt.Fprintln(&l.b, clean(t.answer()))
	t.stored(l)
	t.missing(l)
	t.beside(l, "before", t.Before, "nothing is stored below it")
	t.beside(l, "after", t.After, "nothing is stored above it")
	t.ends(l)
	t.elsewhere(l)
	t.DeadLetters.write(l, "refused")
	t.Conflicts.write(l, "conflict")
	for _, a := range t.AsOf {
		l.add("as of", "index %d, %s: %s", a.Index, a.Time.UTC().Format(time.RFC3339Nano), t.Completeness.Verdict)
	}
	_, err := io.WriteString(w, l.b.String())
	return err
}

// answer is the first line.
func (t *traceAnswer) answer() string {
	number := fmt.Sprintf("number %d of %s, stream %s, epoch %d", t.Seq, t.Device, t.Stream, t.Epoch.Ordinal)
	switch t.Result {
	case "stored":
		return "STORED: " + number + ": committed at history " + fmt.Sprintf("%d, index %d, ordinal %d", t.Commit.History, t.Commit.Index, t.Commit.Ordinal)
	case "in_gap":
		if t.Gap == nil {
			return "MISSING: " + number
		}
		word, what := t.Gap.fate()
		return word + ": " + number + ": " + what
	case "below_first":
		return fmt.Sprintf("NOT EXPECTED: %s: below the first number, %s (%s)", number, counter(t.Head.First), basisWords(t.Head.Basis))
	case "beyond_last":
		return fmt.Sprintf("NOT EXPECTED: %s: beyond the last number known to exist, %s (%s)", number, counter(t.Tail.Last), basisWords(t.Tail.Basis))
	case "nothing_expected":
		return "NOT EXPECTED: " + number + ": the epoch has no number yet"
	}
	return t.Result + ": " + number
}

// fate is what became of the numbers of a gap, in a word and in words.
func (g *traceGap) fate() (word, what string) {
	switch kind, _, _ := strings.Cut(g.Cause, "."); {
	case g.State == "OPEN":
		return "WAITING", "missing, and may still arrive: nobody knows a cause yet"
	case g.State == "REQUESTED":
		return "WAITING", "missing, and the device was asked to send it again"
	case g.Cause == "never_arrived":
		return "LOST", "it never arrived, and nobody said why"
	case g.Cause == "declared_lost":
		return "LOST", "the device declared that it will never come"
	case kind == "rejected":
		return "REFUSED", "it arrived and was refused"
	case kind == "shed":
		return "SHED", "it arrived and was dropped to protect the store"
	}
	return "MISSING", g.Cause
}

func counter(n *uint64) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(*n)
}

// basisWords says how an end is known.
func basisWords(basis string) string {
	if words, ok := map[string]string{
		"declared": "the device declared it", "protocol_zero": "the protocol begins at 0", "first_seen": "the lowest one seen; what was before is unknown",
		"seal": "the device closed the epoch there", "watermark": "the device said how far it is", "successor": "the next epoch said so",
		"last_seen": "the highest one seen; what comes after is unknown",
	}[basis]; ok {
		return words
	}
	return basis
}

// stored is the evidence of a stored number.
func (t *traceAnswer) stored(l *traceLines) {
	if t.Frame == nil {
		return
	}
	l.add("frame", "%s %s", t.Frame.Class, t.Frame.content())
	if slices.Contains(t.Frame.Flags, "no_time") {
		l.add("made", "the device sent no time")
	} else {
		l.add("made", "%s by the device's clock", t.Frame.Time)
	}
	l.add("received", "%s; which node and door took it is not kept", t.Frame.Received)
	l.add("committed", "position %s; this node has applied up to index %d", t.Frame.Position, t.Commit.AppliedIndex)
	switch x := t.Layer; x.Kind {
	case "segment":
		l.add("lies in", "segment %s (indexes %d-%d)", x.Segment, x.FirstIndex, x.LastIndex)
		l.add("", "block %d of %d with frames of the epoch: numbers %s, %d bytes at %d", x.Block, x.Blocks, numbers(x.FirstSeq, x.LastSeq),
			x.Bytes, x.Offset)
	case "sealed_head":
		l.add("lies in", "memory, on its way into a segment; the log has it until then")
	default:
		l.add("lies in", "memory and the log; no segment has it yet")
	}
	switch p := t.Seal.Proof; {
	case p != nil:
		l.add("proof", "seal %s: record %d of the log of %d, strip %d of %d, group %d of %d; --json has all hashes", seal(t.Seal.Ordinal),
			p.Seal.Index, p.Seal.Size, p.Strip.Index, p.Strip.Size, p.Group.Index, p.Group.Size)
	case t.Seal.Error != nil:
		l.add("proof", "not here now (seal %s): %s", seal(t.Seal.Ordinal), t.Seal.Error.Message)
	default:
		l.add("proof", "not sealed yet (seal %s)", seal(t.Seal.Ordinal))
	}
	if t.Unverified > 0 {
		l.add("duplicates", "%d came that are not compared yet", t.Unverified)
	}
}

func seal(ordinal *uint32) string {
	if ordinal == nil {
		return "none"
	}
	return fmt.Sprint(*ordinal)
}

// missing is the evidence of one that is not stored.
func (t *traceAnswer) missing(l *traceLines) {
	if g := t.Gap; g != nil {
		confidence := ""
		if g.Cause != "" {
			confidence = fmt.Sprintf(", %s (%s)", g.Cause, g.Confidence)
		}
		l.add("gap", "%s: %s, %s, %s%s", g.ID, numbers(g.From, g.To), plural(g.Count, "number", "numbers"), g.State, confidence)
		if g.Reason != "" {
			l.add("reason", "%q, says the device", g.Reason)
		}
		if g.Since != "" {
			l.add("since", "%s (commit time)", g.Since)
		}
		if g.Nacks > 0 {
			l.add("asked", "%d times to send it again", g.Nacks)
		}
	}
	if c := t.Claim; c != nil {
		l.add("claim", "%s (%s): somebody stated that of the number, which nothing else shows to exist", c.Cause, c.Confidence)
	}
}

func (t *traceAnswer) beside(l *traceLines, about string, b *traceBeside, none string) {
	if b == nil {
		l.add(about, "%s", none)
		return
	}
	flags := ""
	if len(b.Flags) > 0 {
		flags = " [" + strings.Join(b.Flags, " ") + "]"
	}
	l.add(about, "number %d: made %s, received %s, position %s%s", b.Seq, b.Time, b.Received, b.Position, flags)
}

// ends is how the epoch and its ends are known, and what the device said of them.
func (t *traceAnswer) ends(l *traceLines) {
	value := ""
	if t.Epoch.Raw != "" {
		value = fmt.Sprintf(", the device's %q", t.Epoch.Raw)
	}
	l.add("epoch", "%d%s, %s", t.Epoch.Ordinal, value, t.Epoch.Source)
	if t.Numbering == "server" {
		l.add("numbers", "are the server's: the source has none, so that none can be missing")
	}
	l.add("first", "%s: %s", counter(t.Head.First), basisWords(t.Head.Basis))
	l.add("last", "%s: %s", counter(t.Tail.Last), basisWords(t.Tail.Basis))
	for _, s := range t.Said {
		switch {
		case s.First != nil:
			l.add("said", "the first number is %d", *s.First)
		case s.Next != nil:
			l.add("said", "the next number is %d, at %s", *s.Next, s.At)
		case s.Last != nil && s.Count != nil:
			l.add("said", "the last number is %d, of %d (%s), at %s", *s.Last, *s.Count, s.Basis, s.At)
		case s.Last != nil:
			l.add("said", "the last number is %d (%s), at %s", *s.Last, s.Basis, s.At)
		}
	}
}

// elsewhere is what other epochs have to do with the number.
func (t *traceAnswer) elsewhere(l *traceLines) {
	for i := range t.Elsewhere.List {
		x := &t.Elsewhere.List[i]
		where := fmt.Sprintf("epoch %d", x.Epoch.Ordinal)
		if x.Epoch.Raw != "" {
			where += fmt.Sprintf(" (the device's %q)", x.Epoch.Raw)
		}
		is := "not stored there"
		if x.Stored {
			is = fmt.Sprintf("stored there: made %s, received %s, position %s", x.Time, x.Received, x.Position)
		}
		switch x.Why {
		case "linked":
			l.add("elsewhere", "%s goes on with this counter, as number %d: %s", where, x.Seq, is)
		case "ambiguous":
			wraps := ""
			if len(x.Wraps) == 2 {
				wraps = fmt.Sprintf(": the counter wrapped %s times in between", numbers(x.Wraps[0], x.Wraps[1]))
			}
			l.add("AMBIGUOUS", "%s stands in an unknown relation, and what it has may be this number%s", where, wraps)
		default:
			l.add("elsewhere", "%s has the same number, of another life of the counter: %s", where, is)
		}
	}
	if more := t.Elsewhere.Total - len(t.Elsewhere.List); more > 0 {
		l.add("elsewhere", "%d more of its epochs", more)
	}
}

// write prints what one of the store's own devices has.
func (e *traceEvidence) write(l *traceLines, about string) {
	for i := range e.List {
		x := &e.List[i]
		what := fmt.Sprintf("%d bytes", x.Size)
		if x.Code != "" {
			what = x.Code + " (" + x.Cause + ")"
		}
		l.add(about, "%s, received %s: number %d of %s%s", what, x.Received, x.Seq, e.Device, excerpt(x.Raw))
	}
	if more := e.Found - len(e.List); more > 0 {
		l.add(about, "%d more in %s", more, e.Device)
	}
	switch {
	case !e.Complete:
		l.add(about, "NOT ALL SEARCHED: %d frames of %s, then %s was reached; not looked at: %s", e.Searched, e.Device, strings.Join(e.Limits,
			", "), ranges(e.Unsearched))
	case e.Found == 0:
		l.add(about, "nothing of this number among all %d frames of %s", e.Searched, e.Device)
	}
}

// excerpt is the beginning of a payload that is text.
func excerpt(raw []byte) string {
	const most = 60
	if len(raw) == 0 || !utf8.Valid(raw) {
		return ""
	}
	text := []rune(string(raw))
	if len(text) > most {
		return fmt.Sprintf(", %q...", string(text[:most]))
	}
	return fmt.Sprintf(", %q", string(text))
}

func ranges(runs [][2]uint64) string {
	list := make([]string, len(runs))
	for i, r := range runs {
		list[i] = numbers(r[0], r[1])
	}
	return strings.Join(list, ", ")
}
