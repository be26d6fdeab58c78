package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Input is what somebody has who wants to check a certificate.
type Input struct {
	Certificate []byte
	Policy      []byte   // the keys that he trusts, as package sign reads it
	Since       [][]byte // notes of checkpoints that he kept: he vouches for those that the policy does not believe
	Files       Files    // segment files; nil: none
	Frame       string   // device/epoch/seq of a frame to look for, or device/stream/epoch/seq; "" for none
	Bundled     bool     // the certificate came in a bundle, and Files from there

	Progress func(what string, done, total int64) // called now and then from the goroutine of Run; may be nil
}

// Run checks a certificate. See the package comment for what it checks, and in which order.
func Run(ctx context.Context, in Input) (report Report) {
	r := &run{ctx: ctx, in: in}
	if r.in.Progress == nil {
		r.in.Progress = func(string, int64, int64) {}
	}
	defer func() {
		if p := recover(); p != nil { // a fault of this program must not look like a verdict
			r.checked(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "internal", "")
		}
		r.close()
		report = r.report()
	}()
	r.all()
	return
}

// run is the state of one Run.
type run struct {
	ctx  context.Context
	in   Input
	done Report
	err  error // of the first check that failed

	policy   *sign.Policy
	c        *certificate.Certificate
	sum      [32]byte // what the issuer signs of it
	signed   sign.Signed
	records  map[int64]record.Record // of the log, by index
	spans    []certificate.Span      // of the scope
	census   *record.Census
	seals    []*record.Seal                     // of the ordinals shown, ascending
	streams  []*census.Leaf                     // in scope, ascending
	epochs   map[leaves.Key]*census.Epoch       // of them, those in scope
	strips   [][]strip                          // that are shown, of each seal, ascending by key
	timings  map[leaves.Key]*certificate.Timing // of the epochs in scope, with a time in the scope
	node     string                             // that issued it
	unsigned []string                           // of the earlier checkpoints those that the policy does not believe, and why
	segments *segments                          // nil: no files
}

// step is a check. It returns what it found out, in words.
type step struct {
	name string
	when bool
	do   func() (string, error)
}

func (r *run) all() {
	for _, s := range []step{
		{"policy", true, r.readPolicy},
		{"form", true, r.form},
		{"scope", true, r.scope},
		{"segments", r.in.Files != nil, r.wanted},
		{"signatures", true, r.signatures},
		{"history", true, r.history},
		{"log", true, r.log},
		{"census", true, r.coverage},
		{"statement", true, r.statement},
		{"strips", true, r.content},
		{"issuer", true, r.issuer},
		{"files", r.in.Files != nil, r.files},
		{"frames", r.in.Files != nil, r.frames},
	} {
		if !r.check(s) {
			return
		}
	}
	if !r.check(step{"time", r.in.Files != nil && len(r.c.Scope.Time) > 0, r.times}) {
		return
	}
	r.check(step{"frame", r.in.Frame != "", r.frame})
}

// check makes one check and reports whether to go on.
func (r *run) check(s step) bool {
	if !s.when {
		return true
	}
	if err := r.ctx.Err(); err != nil {
		r.checked(err, s.name, "")
		return false
	}
	text, err := s.do()
	if text != "" || err != nil {
		r.checked(err, s.name, text)
	}
	return err == nil
}

func (r *run) checked(err error, name, text string) {
	if err != nil {
		r.err, text = err, err.Error()
	}
	r.done.Checks = append(r.done.Checks, Line{err == nil, name, text})
}

func (r *run) report() Report {
	r.show()
	r.done.CannotCheck = r.cannotCheck()
	if r.err != nil {
		r.done.Code, r.done.Frame = codeOf(r.err), nil
		return r.done
	}
	r.done.Verdict, r.done.About = r.c.Verdict, r.about()
	if r.in.Files == nil && len(r.c.Scope.Time) > 0 {
		r.done.WordOf = r.node
	}
	code, known := verdictCodes[r.c.Verdict]
	if !known {
		code = CodeInternal
	}
	r.done.Code = code
	return r.done
}

// show gives the report what the certificate says of itself.
func (r *run) show() {
	if r.c != nil {
		r.done.Certificate, r.done.Scope, r.done.AsOf = r.c, &r.c.Scope, &r.c.AsOf
	}
}

func (r *run) readPolicy() (string, error) {
	p, err := sign.ParsePolicy(r.in.Policy)
	if err != nil {
		return "", fail(CodeUsage, "the policy is none: %w", err)
	}
	r.policy = p
	return "", nil
}

func (r *run) form() (string, error) {
	c, sum, err := certificate.ParseSum(r.in.Certificate)
	if errors.Is(err, certificate.ErrVersion) {
		return "", err
	}
	if err != nil {
		return "", tampered("%w", err)
	}
	r.c, r.sum, r.spans = c, sum, c.Scope.Spans()
	return fmt.Sprintf("certificate of %s for tenant %s, as of index %d in history %d, %s",
		c.Origin, c.Scope.Tenant, c.AsOf.Index, c.AsOf.History, c.AsOf.Time), nil
}

// scope says what all that follows is about. A genuine certificate of something else holds as well: nobody but the reader knows what he asked for.
func (r *run) scope() (string, error) { return r.about(), nil }

// about is scope and moment in one line.
func (r *run) about() string { return fmt.Sprintf("%s; as of %.64s", r.c.Scope.About(), r.c.AsOf.Time) }

// wanted refuses files that nothing can be checked with.
func (r *run) wanted() (string, error) {
	if r.c.Scope.CountsOnly {
		return "", fail(CodeUsage, "this certificate has counts only, and no hashes of frames: check it without segments, or ask for one without counts_only")
	}
	return "", nil
}
