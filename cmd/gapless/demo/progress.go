package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/gaplessdb/gapless/cmd/gapless/fleet"
)

// progress shows how far the fleet is: a live bar on a terminal, a line each ten percent elsewhere.
type progress struct {
	out   io.Writer
	begin time.Time
	bars  *mpb.Progress // nil where there is no terminal
	bar   *mpb.Bar

	mu    sync.Mutex // protects note and tenth
	note  string     // shown beside the bar
	tenth int64      // last line printed, in tenths of the whole
}

// newProgress starts showing.
func newProgress(out io.Writer, total int64) *progress {
	p := &progress{out: out, begin: time.Now(), tenth: -1}
	if !drawable(out) {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(100*time.Millisecond))
	p.bar = p.bars.AddBar(total,
		mpb.PrependDecorators(decor.CountersNoUnit("%d / %d frames", decor.WCSyncWidth)),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Any(func(decor.Statistics) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			return " " + p.note
		})),
	)
	return p
}

// drawable reports whether out is a terminal that has room for a bar; some pretend to be one of no size.
func drawable(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}

// say prints a line, above the bar where there is one.
func (p *progress) say(format string, args ...any) {
	line := fmt.Sprintf("%6.1f s  %s\n", time.Since(p.begin).Seconds(), fmt.Sprintf(format, args...))
	if p.bars != nil {
		if _, err := p.bars.Write([]byte(line)); err == nil {
			return
		}
	}
	fmt.Fprint(p.out, line)
}

// show brings the display up to date.
func (p *progress) show(now fleet.Progress) {
	rate := float64(now.Acked) / max(time.Since(p.begin).Seconds(), 0.001)
	note := fmt.Sprintf("%.0f frames/s, %d retries", rate, now.Retries)
	if p.bar != nil {
		p.mu.Lock()
		p.note = note
		p.mu.Unlock()
		p.bar.SetCurrent(now.Acked)
		return
	}
	tenth := now.Acked * 10 / max(now.Frames, 1)
	p.mu.Lock()
	due := tenth > p.tenth
	p.tenth = max(p.tenth, tenth)
	p.mu.Unlock()
	if due {
		p.say("%3d %%  %d of %d frames acknowledged, %s", tenth*10, now.Acked, now.Frames, note)
	}
}

// follow shows a fleet until ctx ends.
func (p *progress) follow(ctx context.Context, f *fleet.Fleet) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			p.show(f.Progress())
			return
		case <-tick.C:
			p.show(f.Progress())
		}
	}
}

// end leaves the bar as it is and returns when nothing more is drawn.
func (p *progress) end() {
	if p.bars == nil {
		return
	}
	p.bar.Abort(false)
	p.bars.Wait()
	p.bars = nil
}
