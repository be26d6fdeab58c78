package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/replay"
)

// print writes the summary.
func (o *replayOptions) print(cmd *cobra.Command, sum *replaySummary) error {
	w := cmd.OutOrStdout()
	if o.json {
		if sum.Devices == nil {
			sum.Devices = []replayDevice{} // [] for readers, not null
		}
		return json.NewEncoder(w).Encode(sum)
	}
	for _, f := range sum.Files {
		writeResult(w, f)
	}
	if len(sum.Devices) > 0 {
		fmt.Fprintln(w)
		if err := writeReplayDevices(w, sum.Devices); err != nil {
			return err
		}
	}
	if sum.More > 0 {
		fmt.Fprintf(w, "... and %s (--report)\n", plural(sum.More, "more device", "more devices"))
	}
	if sum.Unasked != "" {
		fmt.Fprintf(w, "the gaps are not known: %s\n", clean(firstLine(sum.Unasked)))
	}
	return nil
}

// counted is a number with what it counts.
type counted struct {
	n    int64
	what string
}

// nonzero words the counts that are not 0.
func nonzero(counts ...counted) string {
	var parts []string
	for _, c := range counts {
		if c.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ")
}

func rowsOf(c *replay.Counts) string {
	return plural(c.Rows, "row", "rows") +
		after(": ", nonzero(counted{c.Frames, "frames"}, counted{c.Filtered, "filtered out"}, counted{c.Skipped, "skipped without number"}, counted{c.Bad, "bad"}))
}

// after puts a text behind something, unless there is none.
func after(mark, text string) string {
	if text == "" {
		return ""
	}
	return mark + text
}

func writeResult(w io.Writer, f *replay.Result) {
	if f.Rows+f.Sent == 0 {
		fmt.Fprintf(w, "%s: nothing was sent\n", clean(f.File))
		return
	}
	fmt.Fprintf(w, "%s: %s\n", clean(f.File), rowsOf(&f.Counts))
	fmt.Fprintf(w, "  %d sent%s\n", f.Sent, after(": ", nonzero(
		counted{f.Accepted, "accepted"}, counted{f.Duplicate, "duplicate"}, counted{f.Conflict, "in conflict"},
		counted{f.Unverified, "unverified"}, counted{f.Rejected, "rejected"})))
	fresh := f.Sent - f.Resumed
	took := time.Duration(f.Seconds * float64(time.Second)).Round(time.Millisecond)
	fmt.Fprintf(w, "  %s, %s, %s", plural(f.Requests, "request", "requests"), plural(f.Bytes, "byte", "bytes"), took)
	if f.Seconds > 0 && fresh > 0 {
		fmt.Fprintf(w, ", %.0f frames/s", float64(fresh)/f.Seconds)
	}
	if more := nonzero(counted{f.Retries, "tries failed"}, counted{f.Resumed, "frames were sent before"}); more != "" {
		fmt.Fprintf(w, "; %s", more)
	}
	fmt.Fprintln(w)
	if f.Failure != "" {
		fmt.Fprintf(w, "  the last try that failed: %s\n", clean(firstLine(f.Failure)))
	}
	writeProblems(w, f.Problems, f.Bad+f.Rejected)
}

// writeProblems lists the first of all bad rows.
func writeProblems(w io.Writer, problems []replay.BadRow, all int64) {
	for i := range problems {
		fmt.Fprintf(w, "  %s\n", clean(problems[i].Error()))
	}
	if more := all - int64(len(problems)); more > 0 && len(problems) > 0 {
		fmt.Fprintf(w, "  ... and %d more\n", more)
	}
}

func writeReplayDevices(w io.Writer, devices []replayDevice) error {
	t := newTable("DEVICE", "EPOCHS#", "EXPECTED#", "STORED#", "MISSING#", "GAPS#", "COMPLETE#", "VERDICT")
	for i := range devices {
		d := &devices[i]
		t.add(d.Device, fmt.Sprint(d.Epochs), fmt.Sprint(d.Expected), fmt.Sprint(d.Stored), fmt.Sprint(d.Missing), fmt.Sprint(d.Gaps),
			percent(d.Stored, d.Expected), d.Verdict)
	}
	return t.write(w)
}

// writeSurvey prints what a file would bring.
func writeSurvey(w io.Writer, s *replay.Survey, limit int) error {
	fmt.Fprintf(w, "%s: %s; %s, %s\n\n", clean(s.File), rowsOf(&s.Counts), plural(s.Batches, "request", "requests"), plural(s.Bytes, "byte", "bytes"))
	t := newTable("DEVICE", "STREAM", "FRAMES#", "NUMBERS", "FALLS#", "REPEATS#", "FIRST TIME", "LAST TIME", "BACKWARDS#")
	for i, d := range s.Devices {
		if i == limit {
			break
		}
		span := "-"
		if d.Numbered > 0 {
			span = numbers(d.Least, d.Greatest)
		}
		t.add(d.Device, d.Stream, fmt.Sprint(d.Frames), span, fmt.Sprint(d.Falls), fmt.Sprint(d.Repeats), instant(d.FirstTime), instant(d.LastTime),
			fmt.Sprint(d.Backwards))
	}
	if err := t.write(w); err != nil {
		return err
	}
	if more := len(s.Devices) - limit; more > 0 {
		fmt.Fprintf(w, "... and %d more (--report)\n", more)
	}
	fmt.Fprintln(w)
	if err := writeFieldSurvey(w, s); err != nil {
		return err
	}
	for _, note := range s.Notes {
		fmt.Fprintf(w, "note: %s\n", clean(note))
	}
	if s.Bad > 0 {
		fmt.Fprintf(w, "%s:\n", plural(s.Bad, "bad row", "bad rows"))
		writeProblems(w, s.Problems, s.Bad)
	}
	return nil
}

func writeFieldSurvey(w io.Writer, s *replay.Survey) error {
	t := newTable("FIELD", "FRAMES#", "MISSING#", "KINDS")
	for _, f := range s.Fields {
		var total int64
		var kinds []string
		for _, kind := range []string{"float", "int", "uint", "bool", "string", "bytes"} {
			if n := f.Kinds[kind]; n > 0 {
				total += n
				kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
			}
		}
		t.add(f.Field, fmt.Sprint(total), fmt.Sprint(s.Frames-total), strings.Join(kinds, ", "))
	}
	if err := t.write(w); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return nil
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339Nano)
}
