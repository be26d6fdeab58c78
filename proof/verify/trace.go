package verify

import (
	"context"
	"fmt"
	"runtime/debug"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/go-json-experiment/json"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
)

// FrameProven is the verdict of a trace whose every check held.
const FrameProven = "FRAME PROVEN"

// TraceInput is what somebody has who wants to check the proof of one stored frame.
type TraceInput struct {
	Trace  []byte // the answer of GET /v1/trace/{device}/{epoch}/{seq}, docs/http-api.md
	Policy []byte // the keys that he trusts, as package sign reads it
}

// trace is what of such an answer is checked. What else stands there is the word of the node that gave it. Of commit and position only the history is
// proven, and that the index is one of the seal's.
type trace struct {
	Device string `json:"device"`
	Stream string `json:"stream"`
	Seq    uint64 `json:"seq"`
	Result string `json:"result"`
	Epoch  struct {
		Ordinal uint32 `json:"ordinal"`
	} `json:"epoch"`
	Frame  *shownFrame `json:"frame"`
	Commit struct {
		History uint64 `json:"history"`
		Index   uint64 `json:"index"`
		Ordinal uint32 `json:"ordinal"`
	} `json:"commit"`
	Seal struct {
		Ordinal *uint32 `json:"ordinal"`
		Proof   *struct {
			Group      provenLeaf `json:"group"`
			Strip      provenLeaf `json:"strip"`
			Seal       provenLeaf `json:"seal"`
			Checkpoint string     `json:"checkpoint"`
		} `json:"proof"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	} `json:"seal"`
}

// name is what the trace is about.
func (t *trace) name() string {
	return fmt.Sprintf("number %d of %s/%s epoch %d", t.Seq, t.Device, t.Stream, t.Epoch.Ordinal)
}

type provenLeaf struct {
	Index int64         `json:"index"`
	Size  int64         `json:"size"`
	Data  []byte        `json:"data"`
	Proof []merkle.Hash `json:"proof"`
}

// traceRun is the state of one RunTrace.
type traceRun struct {
	*run
	text  []byte
	trace trace
	seal  *record.Seal
	strip content.Strip
}

// RunTrace checks the proof of one stored frame, from the checkpoint down to the bytes:
//
//	form        the answer is a trace of a stored number, and has a proof   10, 64
//	signatures  the policy's quorum cosigned the checkpoint                 11
//	log         the SEAL of the frame's ordinal is in the log, of its index 10
//	strip       the strip of its epoch is under the SEAL's content root     10
//	group       the group of frames is in the strip                         10
//	frame       the frame is in the group, and is the one that is shown     10
func RunTrace(ctx context.Context, in TraceInput) (report Report) {
	r := &traceRun{run: &run{ctx: ctx, in: Input{Policy: in.Policy}}, text: in.Trace}
	defer func() {
		if p := recover(); p != nil {
			r.checked(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "internal", "")
		}
		report = r.done
		report.Code, report.CannotCheck = CodeComplete, r.notInTrace()
		if r.err != nil {
			report.Code, report.Frame = codeOf(r.err), nil
			return
		}
		report.Verdict, report.About = FrameProven, fmt.Sprintf("%s of tenant %s", r.trace.name(), r.strip.Key.Tenant)
	}()
	for _, s := range []step{
		{"policy", true, r.readPolicy},
		{"form", true, r.traceForm},
		{"signatures", true, func() (string, error) { return r.believe(r.trace.Seal.Proof.Checkpoint) }},
		{"log", true, r.sealed},
		{"strip", true, r.inSeal},
		{"group", true, r.inStrip},
		{"frame", true, r.shownIs},
	} {
		if !r.check(s) {
			break
		}
	}
	return
}

func (r *traceRun) traceForm() (string, error) {
	t := &r.trace
	if err := json.Unmarshal(r.text, t); err != nil {
		return "", tampered("it is no trace as a node writes it: %w", err)
	}
	name := t.name()
	switch {
	case t.Result != "stored" || t.Frame == nil:
		return "", fail(CodeUsage, "%s has no frame, it is %q: what is missing, and why, a certificate says", name, t.Result)
	case t.Seal.Proof == nil && t.Seal.Error.Message != "":
		return "", fail(CodeUsage, "the trace of %s has no proof: %s", name, t.Seal.Error.Message)
	case t.Seal.Proof == nil || t.Seal.Ordinal == nil:
		return "", fail(CodeUsage, "the trace of %s has no proof: no checkpoint had its seal yet, ask again", name)
	}
	return "trace of " + name, nil
}

// sealed leads the SEAL to the checkpoint.
func (r *traceRun) sealed() (string, error) {
	leaf := &r.trace.Seal.Proof.Seal
	if leaf.Size != r.signed.Size {
		return "", tampered("the proof of record %d is for a log of %d records, the checkpoint has %d", leaf.Index, leaf.Size, r.signed.Size)
	}
	r.records = map[int64]record.Record{}
	if err := r.entry(&certificate.Entry{Index: leaf.Index, Record: leaf.Data, Proof: leaf.Proof}); err != nil {
		return "", err
	}
	seal, ok := r.records[leaf.Index].(*record.Seal)
	if !ok || seal.Ordinal != *r.trace.Seal.Ordinal {
		return "", tampered("record %d is not the SEAL of ordinal %d: %.200s", leaf.Index, *r.trace.Seal.Ordinal, leaf.Data)
	}
	if at := r.trace.Commit.Index; at < seal.First || at > seal.Last {
		return "", tampered("index %d, where the frame was committed, is not in ordinal %d, which has %d to %d", at, seal.Ordinal, seal.First, seal.Last)
	}
	if at := r.trace.Commit.History; at != seal.History {
		return "", tampered("history %d, in which the frame was committed, is not that of ordinal %d, which is %d", at, seal.Ordinal, seal.History)
	}
	r.seal = seal
	return fmt.Sprintf("record %d of %d is the SEAL of ordinal %d: Raft indexes %d to %d, %d frames in %d strips", leaf.Index, r.signed.Size, seal.Ordinal,
		seal.First, seal.Last, seal.Frames, seal.Strips), nil
}

// inSeal leads the strip to the content root.
func (r *traceRun) inSeal() (string, error) {
	t, leaf := &r.trace, &r.trace.Seal.Proof.Strip
	s, err := content.ParseStrip(leaf.Data)
	if err != nil {
		return "", tampered("%w", err)
	}
	if s.Key.Device != t.Device || s.Key.Stream != t.Stream || s.Epoch != t.Epoch.Ordinal || s.Ordinal != r.seal.Ordinal {
		return "", tampered("the strip is of epoch %d of %q in ordinal %d", s.Epoch, s.Key, s.Ordinal)
	}
	root, err := merkle.ParseHash(r.seal.Root)
	if err != nil {
		return "", tampered("content root of the SEAL: %w", err)
	}
	if leaf.Size != r.seal.Strips || leaf.Index < 0 || leaf.Index >= leaf.Size {
		return "", tampered("it is leaf %d of %d, the SEAL counts %d strips", leaf.Index, leaf.Size, r.seal.Strips)
	}
	if err := tlog.CheckRecord(leaf.Proof, leaf.Size, root, leaf.Index, tlog.RecordHash(leaf.Data)); err != nil {
		return "", tampered("leaf %d of %d does not lead to the content root %s: %w", leaf.Index, leaf.Size, root, err)
	}
	r.strip = s
	return fmt.Sprintf("the strip of tenant %s is leaf %d of %d under the content root of that SEAL: %d frames", s.Key.Tenant, leaf.Index, leaf.Size, s.Frames), nil
}

// inStrip leads the group to the strip.
func (r *traceRun) inStrip() (string, error) {
	leaf := &r.trace.Seal.Proof.Group
	p := content.FrameProof{Group: leaf.Data, Index: leaf.Index, Size: leaf.Size, Proof: leaf.Proof, Strip: r.strip}
	f, err := p.Check(r.trace.Seq)
	if err != nil {
		return "", tampered("%w", err)
	}
	r.done.Frame = &Frame{
		Tenant: r.strip.Key.Tenant,
		Device: r.trace.Device, Stream: r.trace.Stream, Epoch: r.strip.Epoch, Seq: f.Seq, State: "stored", Ordinal: r.seal.Ordinal, Index: r.seal.Last, Time: r.seal.At,
		Content: &f, Bytes: leaf.Data,
	}
	return fmt.Sprintf("group %d of %d leads to the frame root of that strip", leaf.Index, leaf.Size), nil
}

// shownIs holds what the trace shows of the frame against the bytes that were hashed.
func (r *traceRun) shownIs() (string, error) {
	f, t := r.done.Frame, &r.trace
	if s := t.Frame; s.Device != t.Device || s.Stream != t.Stream || s.Epoch != t.Epoch.Ordinal || s.Seq != t.Seq {
		return "", tampered("it shows number %d of %s/%s epoch %d", s.Seq, s.Device, s.Stream, s.Epoch)
	}
	at := frame.Position{History: t.Commit.History, Index: t.Commit.Index, Ordinal: t.Commit.Ordinal}.String()
	if t.Frame.Position != at {
		return "", tampered("its position is shown as %.64q, that of its commit is %s", t.Frame.Position, at)
	}
	if err := t.Frame.is(f.Content); err != nil {
		return "", tampered("number %d is not the frame that was hashed: %w", f.Seq, err)
	}
	return fmt.Sprintf("number %d is in that group, as the trace shows it; sealed at %s", f.Seq, f.Time), nil
}

// notInTrace is what a trace cannot show.
func (r *traceRun) notInTrace() []Line {
	return append(r.whoSigned("trace"),
		Line{false, "history", "That others were shown the same log before: keep certificates and their checkpoints; a trace has no proof that its log continues one."},
		Line{false, "numbers", "That other numbers are there, and why some are not: a certificate says it."},
		Line{false, "place", "When it was received, at which index of its seal it was committed, and as which frame there (commit, position), where it lies, the device's own value of the epoch, " +
			"its flags but no_time, and what the trace says of other frames: the node says so."},
		Line{false, "values", "That values and times are true: a broken sensor or a wrong clock is stored as it was sent."},
	)
}
