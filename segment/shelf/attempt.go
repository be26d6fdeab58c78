package shelf

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// rangeTimeout is how long a peer may take for one range.
const rangeTimeout = 30 * time.Second

// attempt is one go at pulling one segment.
type attempt struct {
	*puller
	e     *entry
	bytes int64 // of the whole file
	part  *part
	out   map[string]bool // peers that failed in it
	turn  int             // of the peers' round
	last  error           // what the last peer said that failed
}

// attempt pulls a claimed segment from where the last attempt ended.
func (p *puller) attempt(ctx context.Context, e *entry) error {
	if err := p.reserve(e); err != nil {
		return err
	}
	p.mu.Lock()
	done, bytes := e.pull.done, e.info.Bytes
	p.mu.Unlock()
	file, err := p.openPart(p.partPlace(e.name), done)
	if err != nil {
		return because(reasonDisk, err)
	}
	a := &attempt{puller: p, e: e, bytes: bytes, part: file, out: map[string]bool{}}
	a.began()
	err = a.fill(ctx)
	if err == nil {
		err = a.finish(ctx)
	}
	if errors.Is(err, errUnwanted) && p.counted(e) {
		err = a.discard(err)
	}
	_ = file.file.Close() // what counts of it was synced, and closed by finish
	return err
}

// began notes what the .part file holds.
func (a *attempt) began() {
	if a.part.size == 0 {
		a.e.pull.givers = map[string]bool{}
	}
	a.mu.Lock()
	a.e.pull.done = a.part.size
	a.mu.Unlock()
}

// fill brings the rest of the file, range by range.
func (a *attempt) fill(ctx context.Context) error {
	for a.part.size < a.bytes {
		n := min(a.opt.rangeBytes, a.bytes-a.part.size)
		waited, err := a.throttle.wait(ctx, n)
		if err != nil {
			return err
		}
		a.metrics.throttled.Add(waited.Seconds())
		b, source, err := a.get(ctx, int(n))
		if err != nil {
			return err
		}
		if err := a.part.append(b, a.opt.syncBytes); err != nil {
			return a.diskFailed(err)
		}
		a.e.pull.givers[source] = true
		if !a.progressed(a.e, source, n) {
			return errUnwanted
		}
	}
	return nil
}

// diskFailed is what a failed write or sync of the .part file leads to.
func (a *attempt) diskFailed(err error) error {
	if errors.Is(err, errNotSynced) {
		err = a.discard(err)
	}
	return because(reasonDisk, err)
}

// get asks one peer after the other for the next range, until one gives it or nobody is left.
func (a *attempt) get(ctx context.Context, n int) ([]byte, string, error) {
	for {
		source, err := a.choose()
		if err != nil {
			return nil, "", err
		}
		b, err := a.ask(ctx, source, n)
		if err == nil {
			a.crowd.worked(source)
			return b, source, nil
		}
		if ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		a.out[source] = true
		a.last = fmt.Errorf("%s: %w", source, err)
		if errors.Is(err, ErrNotHere) {
			a.metrics.pullErrors.WithLabelValues(reasonNotHere).Inc()
			continue
		}
		a.metrics.pullErrors.WithLabelValues(reasonPeer).Inc()
		if a.crowd.failed(source) {
			a.log.Warn("shelf: a peer failed and is passed over for a while", "peer", source, "segment", a.e.name.String(), "error", err)
		}
	}
}

// ask is one call of Fetch.
func (a *attempt) ask(ctx context.Context, source string, n int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, rangeTimeout)
	defer cancel()
	b, err := a.fetch(ctx, source, a.e.name, a.part.size, n)
	if err != nil {
		return nil, err
	}
	if len(b) != n {
		return nil, fmt.Errorf("shelf: gave %d bytes at %d, asked for %d", len(b), a.part.size, n)
	}
	return b, nil
}

// choose returns whom to ask for the next range: all in turn, or in solo, only who gave what is there.
func (a *attempt) choose() (string, error) {
	pull := &a.e.pull
	list, until := a.crowd.best(a.peers(), func(name string) bool { return a.out[name] || pull.liars[name] })
	if len(list) > 0 && !pull.solo {
		a.turn++
		return list[(a.turn-1)%len(list)], nil
	}
	if len(list) > 0 && len(pull.givers) == 0 {
		return list[0], nil
	}
	for _, name := range list {
		if pull.givers[name] {
			return name, nil
		}
	}
	err := errNoPeer
	if a.last != nil {
		err = fmt.Errorf("%w any more; the last one was %w", errNoPeer, a.last)
	}
	if pull.solo && a.part.size > 0 {
		err = a.discard(err)
	}
	clear(pull.liars) // if all have lied, all get another chance
	return "", &failedPull{reason: reasonNoPeer, err: err, until: until}
}
