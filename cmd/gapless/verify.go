package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gaplessdb/gapless/proof/verify"
)

// verifyOptions are the flags of `gapless verify`.
type verifyOptions struct {
	certificate, policy, segments, frame string
	since                                []string
	receipt, body, trace                 string
	json, quiet                          bool
}

const verifyLong = "Checks a certificate against the keys in a policy, and against nothing else: no node is asked. With segment files it also computes\n" +
	"the hash of every frame in scope again. One line for each thing that was checked, and one for each that nobody can check.\n\n" +
	"The policy is what you trust: get it, or compare it, on another way than the certificate. Keep the checkpoint of each certificate\n" +
	"and give it with the next one (--since): only so is it found out when all nodes rewrite their history together. It need not be signed by whom\n" +
	"the policy asks for, as nodes are replaced: whoever gives it vouches for it, and a line says so. Take none that comes with the certificate.\n\n" +
	"The last line says the verdict, and of what: read whether that is what you asked for. A certificate of something else is as genuine.\n\n" +
	"With --receipt it checks what a node signed for a batch: the signature; with --body that this was sent; with a certificate that it was made\n" +
	"behind the batch. The last line and the exit code are about the receipt then.\n\n" +
	"With --trace it checks the proof of one stored frame, from the checkpoint to its bytes: what `gapless trace --json` prints. Exit code 0 is FRAME\n" +
	"PROVEN then.\n\n" +
	"Exit code: 0 COMPLETE, 3 COMPLETE_BETWEEN_SEEN, 4 EXPLAINED, 5 INCOMPLETE, 6 INDETERMINATE, 10 tampered with, 11 not signed by whom\n" +
	"the policy asks for, 12 segments are missing, 13 history rewritten, 64 wrong usage, 70 cannot tell."

const verifyExample = "  gapless verify --certificate mill-07.json --policy plant.policy\n" +
	"  gapless verify bundle.tar --policy plant.policy --since checkpoint-2026-10\n" +
	"  gapless verify --certificate mill-07.json --policy plant.policy --segments /mnt/copy/segments --frame mill-07/3/4711\n" +
	"  gapless trace mill-07 3 4711 --json > trace.json; gapless verify --trace trace.json --policy plant.policy"

func newVerify() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:     "verify [BUNDLE.tar]",
		Short:   "check a certificate, a receipt, or the trace of a frame, offline",
		Long:    verifyLong,
		Example: verifyExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return wrongUsage("give one bundle, or --certificate")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.trace != "":
				return o.runTrace(cmd, args)
			case o.receipt != "" || o.body != "":
				return o.runReceipt(cmd, args)
			}
			return o.run(cmd, args)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{verify.CodeUsage, err} })
	o.flags(cmd.Flags())
	return cmd
}

func (o *verifyOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.certificate, "certificate", "", "the certificate, as JSON")
	f.StringVar(&o.policy, "policy", "", "the keys that you trust, and how many of them (required)")
	f.StringVar(&o.segments, "segments", "", "directory with segment files")
	f.StringArrayVar(&o.since, "since", nil, "a checkpoint that you kept, or a certificate or bundle with it; may be repeated. You vouch for one that the policy does not believe")
	f.StringVar(&o.frame, "frame", "", "device/epoch/seq of a frame to look for, or device/stream/epoch/seq")
	f.StringVar(&o.receipt, "receipt", "", "a receipt to check, or the answer that has it")
	f.StringVar(&o.body, "body", "", "with --receipt: the body of the request, as it was sent")
	f.StringVar(&o.trace, "trace", "", "the trace of a stored frame to check, as gapless trace --json prints it")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.BoolVar(&o.quiet, "quiet", false, "print the last line only")
}

// run checks a certificate.
func (o *verifyOptions) run(cmd *cobra.Command, args []string) error {
	in, done, err := o.input(args)
	if err != nil {
		return err
	}
	defer done()
	return o.watch(cmd, func(progress func(what string, done, total int64)) verify.Report {
		in.Progress = progress
		return verify.Run(cmd.Context(), in)
	})
}

// watch shows how far a check is, and prints what came of it.
func (o *verifyOptions) watch(cmd *cobra.Command, check func(progress func(what string, done, total int64)) verify.Report) error {
	bar := &stages{w: cmd.ErrOrStderr()}
	step := bar.step
	if o.quiet {
		step = nil
	}
	report := check(step)
	bar.end()
	return o.print(cmd.OutOrStdout(), &report)
}

func wrongUsage(format string, args ...any) error {
	return &exitError{verify.CodeUsage, fmt.Errorf(format, args...)}
}

// print shows a report and turns its code into that of the program.
func (o *verifyOptions) print(w io.Writer, r *verify.Report) error {
	var err error
	switch {
	case o.json:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		err = enc.Encode(r)
	case !o.quiet:
		err = printReport(w, r)
	}
	if !o.json && err == nil {
		_, err = fmt.Fprintln(w, clean(outcome(r)))
	}
	if err != nil {
		return &exitError{verify.CodeInternal, err}
	}
	if r.Code == 0 {
		return nil
	}
	return &exitError{code: r.Code}
}

func printReport(w io.Writer, r *verify.Report) error {
	var b []byte
	for _, l := range r.Checks {
		how := "ok"
		if !l.OK {
			how = "FAILED"
		}
		b = fmt.Appendf(b, "%-11s %-7s %s\n", l.Name, how, clean(l.Text))
	}
	if f := r.Frame; f != nil && f.Content != nil {
		for _, v := range f.Content.Fields {
			b = fmt.Appendf(b, "%20s%s = %s\n", "", clean(v.Name), valueJSON(&v.Value))
		}
	}
	if r.Verdict != "" && len(r.CannotCheck) > 0 {
		b = fmt.Appendf(b, "\nNot checked:\n")
		for _, l := range r.CannotCheck {
			b = fmt.Appendf(b, "%-19s %s\n", l.Name, clean(l.Text))
		}
		b = append(b, '\n')
	}
	_, err := w.Write(b)
	return err
}

// outcome is the last line.
func outcome(r *verify.Report) string {
	if r.Verdict != "" {
		text := fmt.Sprintf("%s (exit code %d)", r.Verdict, r.Code)
		if r.About != "" {
			text += ": " + r.About
		}
		if r.WordOf != "" {
			text += fmt.Sprintf("; if node %s tells the truth: without segments, which numbers lie in the time is its word alone", r.WordOf)
		}
		return text
	}
	what := map[int]string{
		verify.CodeTampered:       "TAMPERED WITH",
		verify.CodeSignature:      "NOT SIGNED",
		verify.CodeSegmentMissing: "SEGMENTS MISSING",
		verify.CodeRewritten:      "HISTORY REWRITTEN",
		verify.CodeUsage:          "WRONG USAGE",
	}[r.Code]
	if what == "" {
		what = "CANNOT TELL"
	}
	last := r.Checks[len(r.Checks)-1]
	return fmt.Sprintf("%s (exit code %d): %s: %s", what, r.Code, last.Name, last.Text)
}

// stages shows the progress of one stage after the other.
type stages struct {
	w    io.Writer
	what string
	bar  *progress
}

func (s *stages) step(what string, done, total int64) {
	if s.what != what {
		s.end()
		s.what, s.bar = what, newProgress(s.w, what)
	}
	s.bar.step(done, total)
}

func (s *stages) end() {
	if s.bar != nil {
		s.bar.end()
	}
}

// asUsage gives an error of reading what the flags name the code for it.
func asUsage(err error) error {
	if exit := (*exitError)(nil); err == nil || errors.As(err, &exit) {
		return err
	}
	return &exitError{verify.CodeUsage, err}
}
