package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/replay"
)

// exitInterrupted is the exit code of what a signal ended in good order.
const exitInterrupted = 130

// replaySummary is what --json prints.
type replaySummary struct {
	Files   []*replay.Result `json:"files"`
	Devices []replayDevice   `json:"devices"`
	More    int              `json:"more_devices,omitempty"` // beyond --report
	Error   string           `json:"error,omitempty"`
	Unasked string           `json:"unasked,omitempty"` // why the devices' gaps are not known
}

func (o *replayOptions) run(cmd *cobra.Command, files []string) error {
	opt, err := o.options()
	if err != nil {
		return err
	}
	opt.Stdin = cmd.InOrStdin()
	opt.Notice = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "gapless:", clean(text)) }
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if o.dry {
		return o.inspect(ctx, cmd, opt, files)
	}
	states, err := o.states(files)
	if err != nil {
		return err
	}
	var sum replaySummary
	for i, name := range files {
		opt.State = states[i]
		res, err := o.one(ctx, cmd, opt, name)
		if res != nil {
			sum.Files = append(sum.Files, res)
		}
		if err != nil {
			return o.broken(cmd, &sum, res, states[i], err)
		}
	}
	for _, path := range states {
		if path != "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("everything is sent, and its state stays behind: %w", err)
			}
		}
	}
	o.ask(ctx, &sum)
	return o.print(cmd, &sum)
}

// one sends a file.
func (o *replayOptions) one(ctx context.Context, cmd *cobra.Command, opt *replay.Options, name string) (*replay.Result, error) {
	bar := newProgress(cmd.ErrOrStderr(), name)
	opt.Progress = func(p replay.Progress) { showReplay(bar, p) }
	opt.Nodes.Retried = func(err error) { bar.show("waiting: %s", clean(firstLine(err.Error()))) }
	defer bar.end()
	return replay.Run(ctx, name, opt)
}

func showReplay(bar *progress, p replay.Progress) {
	switch {
	case p.Total == 0:
		bar.show("%d frames", p.Frames)
	case p.Frames == 0: // a dry run
		bar.step(p.Done, p.Total)
	default:
		bar.show("%d %%, %d frames", 100*p.Done/p.Total, p.Frames)
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// broken tells how far it came and how to go on. res is what became of the file at which it ended, nil when that could not be begun.
func (o *replayOptions) broken(cmd *cobra.Command, sum *replaySummary, res *replay.Result, state string, err error) error {
	code := 1
	if errors.Is(err, context.Canceled) {
		err, code = errors.New("interrupted"), exitInterrupted
	}
	if res != nil && state != "" && res.Sent > 0 {
		err = fmt.Errorf("%w\nhint: what was sent is in %s: the same command goes on from there", err, state)
	}
	if len(sum.Files) > 0 {
		sum.Error = err.Error()
		if printed := o.print(cmd, sum); printed != nil {
			return printed
		}
	}
	return &exitError{code, err}
}

// states says where the state of each file is kept, "" for nowhere.
func (o *replayOptions) states(files []string) ([]string, error) {
	info, err := os.Stat(o.state)
	folder := err == nil && info.IsDir()
	if o.state != "" && o.state != "none" && !folder && len(files) > 1 {
		return nil, fmt.Errorf("--state %s: with several files it must be a directory that exists", o.state)
	}
	paths := make([]string, len(files))
	for i, name := range files {
		switch {
		case name == replay.Stdin || o.state == "none": // what comes from a pipe cannot be read again
		case folder:
			paths[i] = filepath.Join(o.state, filepath.Base(name)+".replay")
		case o.state != "":
			paths[i] = o.state
		default:
			paths[i] = name + ".replay"
		}
	}
	return paths, nil
}

// inspect is --dry-run.
func (o *replayOptions) inspect(ctx context.Context, cmd *cobra.Command, opt *replay.Options, files []string) error {
	var all []*replay.Survey
	problems := int64(0)
	for _, name := range files {
		bar := newProgress(cmd.ErrOrStderr(), name)
		opt.Progress = func(p replay.Progress) { showReplay(bar, p) }
		s, err := replay.Inspect(ctx, name, opt)
		bar.end()
		if err != nil {
			return err
		}
		problems += s.Bad
		all = append(all, s)
	}
	if o.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
	}
	for _, s := range all {
		if err := writeSurvey(cmd.OutOrStdout(), s, o.report); err != nil {
			return err
		}
	}
	if problems > 0 && !opt.SkipBad {
		return fmt.Errorf("%d rows cannot be frames: mend them, or leave them out with --on-error skip", problems)
	}
	return nil
}
