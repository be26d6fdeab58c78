package shelf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Fetch asks a peer for n bytes of a segment file from offset on, as its ReadRange gives them. ErrNotHere says that the peer lacks the
// segment. It is called from several goroutines and must return when ctx ends.
type Fetch func(ctx context.Context, peer string, name segment.Name, offset int64, n int) ([]byte, error)

const (
	minWait = time.Second      // before a failed segment or peer is tried again; doubles with each failure
	maxWait = 30 * time.Second // and no longer than this
)

// Reasons of gapless_shelf_pull_errors_total.
const (
	reasonPeer    = "peer"
	reasonNotHere = "not_here"
	reasonNoPeer  = "no_peer"
	reasonCorrupt = "corrupt"
	reasonSpace   = "space"
	reasonDisk    = "disk"
)

// puller is one running Pull.
type puller struct {
	*Shelf
	fetch    Fetch
	peers    func() []string
	crowd    crowd
	throttle *throttle
	apart    bool // what it brings no manifest lists: it has no part in how far the pull is

	// Shelf.mu protects what follows: how far the pull is, for the log.
	brought int64 // bytes since segments began to be missing
	tenth   int64 // of the whole that were told already
}

// Pull brings the wanted segments that are not here, as long as ctx lasts: those missing now and those that Want or damage adds.
// peers lists whom to ask, in order of preference. A failure is logged and shown in Status, and tried again after one to thirty
// seconds. Before it asks anybody it looks whether a file here that was taken out of use is whole after all, so it is to run
// also where there are no peers. It returns why it ended.
func (s *Shelf) Pull(ctx context.Context, fetch Fetch, peers func() []string) error {
	ctx, err := s.beginPull(ctx)
	if err != nil {
		return err
	}
	defer s.endPull()
	p := s.newPuller(s.counting(fetch), peers)
	var workers sync.WaitGroup
	for range s.opt.Parallel {
		workers.Go(func() {
			for e := p.next(ctx); e != nil; e = p.next(ctx) {
				p.finished(e, p.bring(ctx, e))
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// counting counts what peers give.
func (s *Shelf) counting(fetch Fetch) Fetch {
	return func(ctx context.Context, peer string, name segment.Name, offset int64, n int) ([]byte, error) {
		b, err := fetch(ctx, peer, name, offset, n)
		s.metrics.pulledBytes.Add(float64(len(b)))
		return b, err
	}
}

func (s *Shelf) newPuller(fetch Fetch, peers func() []string) *puller {
	return &puller{Shelf: s, fetch: fetch, peers: peers, crowd: crowd{peers: map[string]*peer{}}, throttle: &s.pulling}
}

func (s *Shelf) beginPull(ctx context.Context) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.stopPull != nil:
		return nil, ErrPulling
	}
	ctx, s.stopPull = context.WithCancelCause(ctx)
	s.pulls.Add(1)
	return ctx, nil
}

func (s *Shelf) endPull() {
	s.mu.Lock()
	s.stopPull(nil)
	s.stopPull = nil
	s.mu.Unlock()
	s.pulls.Done()
}

// next waits for a segment to bring and claims it. It returns nil when ctx has ended.
func (p *puller) next(ctx context.Context) *entry {
	for ctx.Err() == nil {
		e, changed, wait := p.claim(time.Now())
		if e != nil {
			return e
		}
		var timeout <-chan time.Time
		if wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			timeout = timer.C
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timeout:
		}
	}
	return nil
}

// claim returns the first segment that is due, or how long until one is and what tells of new ones.
func (p *puller) claim(now time.Time) (e *entry, changed <-chan struct{}, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.wanted {
		if e.presence == held || e.pull.running {
			continue
		}
		if until := e.pull.retry.Sub(now); until > 0 {
			if wait == 0 || until < wait {
				wait = until
			}
			continue
		}
		e.pull.running = true
		return e, nil, 0
	}
	return nil, p.changed, wait
}

// bring gets a claimed segment to count.
func (p *puller) bring(ctx context.Context, e *entry) error {
	err := p.mend(ctx, e)
	if err != nil {
		return err
	}
	p.manage.Lock()
	defer p.manage.Unlock()
	if err := p.trimQuarantine(); err != nil {
		p.log.Warn("shelf: an old damaged copy was not removed", "error", err)
	}
	return nil
}

func (p *puller) mend(ctx context.Context, e *entry) error {
	here, err := p.recheck(ctx, e)
	if err == nil && !here {
		here, err = p.salvage(ctx, e)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return because(reasonDisk, err)
	case here:
		return nil
	}
	return p.attempt(ctx, e)
}

// failedPull is a failure with the reason that it is counted under.
type failedPull struct {
	reason string
	err    error
	until  time.Time // not worth another attempt before; zero: no matter
}

func (f *failedPull) Error() string { return f.err.Error() }
func (f *failedPull) Unwrap() error { return f.err }

// because gives a failure its reason, unless it has one.
func because(reason string, err error) error {
	if failed := (*failedPull)(nil); errors.As(err, &failed) {
		return err
	}
	return &failedPull{reason: reason, err: err}
}

// finished gives a claimed segment back, and says when to try it again.
func (p *puller) finished(e *entry, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.pull.running, e.pull.reserved = false, false
	if err == nil {
		p.tell()
		return
	}
	var failed *failedPull
	if !errors.As(err, &failed) { // the end of ctx, or it is no longer wanted
		return
	}
	now := time.Now()
	e.pull.wait = doubled(e.pull.wait)
	e.pull.retry = now.Add(e.pull.wait)
	if failed.reason == reasonNoPeer && failed.until.After(now.Add(minWait)) {
		e.pull.retry = failed.until
	}
	e.failure = err
	p.metrics.pullErrors.WithLabelValues(failed.reason).Inc()
	p.log.Warn("shelf: pull failed, goes on later", "segment", e.name.String(), "reason", failed.reason, "done", e.pull.done,
		"bytes", e.info.Bytes, "again_in", e.pull.retry.Sub(now), "error", err)
}

func doubled(wait time.Duration) time.Duration { return min(max(2*wait, minWait), maxWait) }

// tell logs how far the pull is, at every tenth of what is to be brought and at the end. The caller holds mu.
func (p *puller) tell() {
	if p.apart {
		return
	}
	left, segments := int64(0), 0
	for _, e := range p.wanted {
		if e.presence != held {
			left += e.left()
			segments++
		}
	}
	if segments == 0 {
		p.log.Info("shelf: every wanted segment is here", "pulled_bytes", p.brought)
		p.brought, p.tenth = 0, 0
		return
	}
	tenth := 10 * p.brought / max(1, p.brought+left)
	if tenth > p.tenth {
		p.log.Info("shelf: pulling", "percent", 100*p.brought/(p.brought+left), "missing_segments", segments, "missing_bytes", left)
	}
	p.tenth = tenth
}

// progressed notes n more good bytes of a segment from a peer. It reports whether the segment is still to be pulled.
func (p *puller) progressed(e *entry, source string, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.pull.done += n
	e.pull.source = source
	p.brought += n
	p.tell()
	return (e.wanted || e.asked > 0) && e.presence == absent
}

// reserve claims room on the disk for the rest of a segment, beside what other pulls have claimed.
func (p *puller) reserve(e *entry) error {
	free, err := p.fs.Free()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // it will show when it is full
	}
	if err != nil {
		return because(reasonDisk, fmt.Errorf("shelf: free space: %w", err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	claimed := p.claimed()
	if left := e.left(); free-claimed-p.opt.ReserveBytes < left {
		return because(reasonSpace, fmt.Errorf("%w: segment %s needs %d bytes, other pulls %d, and %d stay free for the log: %d are free",
			ErrNoSpace, e.name, left, claimed, p.opt.ReserveBytes, free))
	}
	e.pull.reserved = true
	return nil
}

// claimed is how many bytes pulls have still to bring. The caller holds mu.
func (s *Shelf) claimed() (n int64) {
	for _, e := range s.entries {
		if e.pull.reserved {
			n += e.left()
		}
	}
	return n
}
