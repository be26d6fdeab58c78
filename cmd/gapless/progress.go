package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// How often progress shows itself.
const (
	progressRefresh = 200 * time.Millisecond // on a terminal
	progressLine    = 2 * time.Second        // elsewhere, where lines stay
)

// progress shows how far a long piece of work is: on a terminal in one line that is written over and wiped at the end, elsewhere in lines.
// Of what is done at once it shows nothing.
type progress struct {
	w        io.Writer
	what     string
	terminal bool
	every    time.Duration
	last     time.Time
	shown    bool
}

func newProgress(w io.Writer, what string) *progress {
	p := &progress{w: w, what: clean(what), every: progressLine, last: time.Now()}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.onTerminal()
	}
	return p
}

func (p *progress) onTerminal() { p.terminal, p.every = true, progressRefresh }

// step is told how much is done. It is called often.
func (p *progress) step(done, total int64) { p.show("%d %%", 100*done/max(total, 1)) }

// show is step in the caller's words.
func (p *progress) show(format string, args ...any) {
	if time.Since(p.last) < p.every {
		return
	}
	p.last, p.shown = time.Now(), true
	line := p.what + ": " + fmt.Sprintf(format, args...)
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", line)
	} else {
		fmt.Fprintln(p.w, line)
	}
}

// end wipes the line.
func (p *progress) end() {
	if p.terminal && p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
