package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// tailOptions are the flags of `gapless tail`.
type tailOptions struct {
	from, stream, class, fields string
	devices, match              []string
	system, raw, untilNow       bool
	limit                       int
	consumer                    string
	commitEvery                 int
	commitAfter                 time.Duration
	format                      string
}

func newTail() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "print frames in the order in which they are committed, for as long as they come",
		Long: "Prints a line for each frame behind a position, and goes on with those that come. When the connection breaks, it asks again from\n" +
			"the last frame that it printed: nothing is left out or printed twice. With --consumer the cluster keeps the position: what was\n" +
			"written to the standard output is committed, and the next run goes on behind it.",
		Example: "  gapless tail --device mill-07\n  gapless tail --from first --until-now > everything.ndjson\n" +
			"  gapless tail --consumer erp --from first --match hall=3 | ./load-into-erp",
		Args: cobra.NoArgs,
	}
	c := addClientFlags(cmd)
	c.addConsistencyFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "first, now (the default), or a position: frames behind it. With --consumer, where one begins that does not exist yet")
	f.StringArrayVar(&o.devices, "device", nil, "this device; may be repeated")
	f.StringArrayVar(&o.match, "match", nil, "devices with this label=value; may be repeated, and then all must hold")
	f.StringVar(&o.stream, "stream", "", "this stream only")
	f.StringVar(&o.class, "class", "", "event or snapshot")
	f.BoolVar(&o.system, "system", false, "include the devices that gapless itself writes")
	f.StringVar(&o.fields, "fields", "", "only these fields, separated by commas")
	f.BoolVar(&o.raw, "raw", true, "the raw payload, too")
	f.IntVar(&o.limit, "limit", 0, "end after so many frames; 0 is never")
	f.BoolVar(&o.untilNow, "until-now", false, "end with what is committed when it begins")
	f.StringVar(&o.consumer, "consumer", "", "go on behind the position of this consumer, and commit what was written")
	f.IntVar(&o.commitEvery, "commit-every", 10_000, "commit after so many frames")
	f.DurationVar(&o.commitAfter, "commit-after", time.Second, "and after so long, when there is something to commit")
	f.StringVarP(&o.format, "format", "o", "ndjson", "ndjson: one object a line as the node wrote it; text: time, device, stream, epoch, number, values")
	_ = cmd.RegisterFlagCompletionFunc("device", c.completeDevice) // it is a flag
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		t := &tail{o: &o, c: c, out: cmd.OutOrStdout(), says: cmd.ErrOrStderr()}
		return t.run(ctx)
	}
	return cmd
}

func (o *tailOptions) check() error {
	switch {
	case o.format != "ndjson" && o.format != "text":
		return fmt.Errorf("--format %q: give ndjson or text", o.format)
	case o.limit < 0:
		return fmt.Errorf("--limit %d: give 0 for no limit, or a number above", o.limit)
	case o.commitEvery < 1 || o.commitAfter <= 0:
		return errors.New("--commit-every and --commit-after: give what is above 0")
	}
	return nil
}

// params are the filters, and where to begin, as the HTTP API names them.
func (o *tailOptions) params(at string, left int) url.Values {
	q := query{}
	q.set("stream", o.stream)
	q.set("class", o.class)
	q.set("fields", o.fields)
	q.setInt("limit", int64(left))
	if o.system {
		q.set("system", "true")
	}
	if !o.raw {
		q.set("raw", "false")
	}
	if o.untilNow {
		q.set("until", "now")
	}
	q["device"], q["match"] = o.devices, o.match
	if at != "" {
		q.set("from", at)
		return url.Values(q)
	}
	q.set("from", o.from)
	q.set("consumer", o.consumer)
	return url.Values(q)
}

// Pauses before a connection that broke is tried again.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

// run prints until something ends the tail for good.
func (t *tail) run(ctx context.Context) error {
	pause := firstPause
	for {
		before := t.at
		err := t.session(ctx)
		if err = errors.Join(err, t.commit(context.WithoutCancel(ctx))); err == nil || ctx.Err() != nil && !errors.Is(err, errNotCommitted) {
			return nil
		}
		if !passing(err) {
			return err
		}
		if t.at != before {
			pause = firstPause
		}
		fmt.Fprintf(t.says, "gapless: tail: %v; again in %s\n", err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause, lastPause)
	}
}

// passing reports whether another attempt may succeed.
func passing(err error) bool {
	var refused *apiError
	var strange *strangeAnswer
	var ended *tailEnd
	var written *writeError
	switch {
	case errors.As(err, &written):
		return false
	case errors.As(err, &ended):
		return ended.Code != "position_gone" && ended.Code != "other_history"
	case errors.As(err, &refused):
		return busy(refused.Status)
	case errors.As(err, &strange):
		return busy(strange.status)
	}
	return true
}

// busy reports whether a status says that the next attempt may succeed.
func busy(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// tailEnd is the reason that a node gave for the end of a stream.
type tailEnd struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Position string `json:"position"`
}

func (e *tailEnd) Error() string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }

// writeError is an output that takes nothing more.
type writeError struct{ err error }

func (e *writeError) Error() string { return fmt.Sprintf("writing: %v", e.err) }
func (e *writeError) Unwrap() error { return e.err }

// errNotCommitted is a position that the cluster did not take.
var errNotCommitted = errors.New("the position was not committed")
