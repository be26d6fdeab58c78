package shelf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"syscall"
)

// discard removes the .part file, so that the next attempt starts over. It returns err with what went wrong.
func (a *attempt) discard(err error) error {
	a.mu.Lock()
	a.e.pull.done = 0 // to which the next attempt cuts a file that could not be removed
	a.mu.Unlock()
	return errors.Join(err, a.remove(a.part.path))
}

// finish makes the whole file count, if it is what it should be.
func (a *attempt) finish(ctx context.Context) error {
	if err := a.part.sync(); err != nil {
		return a.diskFailed(err)
	}
	err := verify(ctx, a.part.file, a.part.path, a.e.name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.EIO): // nobody's fault but this disk's
		return because(reasonDisk, a.discard(err))
	case damaged(err):
		return a.wrong(err)
	case err != nil: // a version that this program does not know: nobody has another file for us
		return because(reasonDisk, err)
	}
	if err := a.shelve(); err != nil {
		return err
	}
	a.credit()
	return nil
}

// shelve renames the verified file to its place.
func (a *attempt) shelve() error {
	a.e.files.Lock()
	defer a.e.files.Unlock()
	a.mu.Lock()
	presence := a.e.presence
	a.mu.Unlock()
	switch presence {
	case held: // a flush wrote it meanwhile
		return errUnwanted
	case suspect:
		return because(reasonDisk, a.mustBeAbsent(a.e))
	}
	if err := a.part.file.Close(); err != nil {
		return because(reasonDisk, fmt.Errorf("shelf: close %s: %w", a.part.path, err))
	}
	if err := a.fs.Rename(a.part.path, a.place(a.e.name)); err != nil {
		return because(reasonDisk, fmt.Errorf("shelf: finish pull: %w", err))
	}
	a.mu.Lock()
	a.e.presence = suspect
	a.mu.Unlock()
	if err := a.believe(a.e); err != nil {
		return because(reasonDisk, err)
	}
	a.metrics.pulled.Inc()
	a.log.Info("shelf: pulled a segment", "segment", a.e.name.String(), "bytes", a.bytes, "from", givers(a.e.pull.givers))
	return nil
}

// wrong deals with a file that is not the segment: whoever gave all of it has lied; of several nobody knows who it was.
func (a *attempt) wrong(err error) error {
	pull := &a.e.pull
	names := givers(pull.givers)
	if len(names) == 1 {
		if pull.liars == nil {
			pull.liars = map[string]bool{}
		}
		pull.liars[names[0]] = true
		a.crowd.lied(names[0])
	} else {
		pull.solo, pull.suspects = true, pull.givers
	}
	return because(reasonCorrupt, a.discard(fmt.Errorf("shelf: a whole file from %q is wrong: %w", names, err)))
}

// credit notes who gave a right file, and by that who of the givers of an earlier wrong one it was, if only one is left.
func (a *attempt) credit() {
	pull := &a.e.pull
	for name := range pull.givers {
		a.crowd.truthful(name)
		delete(pull.suspects, name)
	}
	delete(pull.suspects, "")
	if names := givers(pull.suspects); len(names) == 1 {
		a.crowd.lied(names[0])
	}
	pull.givers, pull.suspects, pull.liars, pull.solo = nil, nil, nil, false
}

func givers(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
