package compact

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// verify brings the result of a plan here, compares it with this node's own inputs, and says so.
func (w *Worker) verify(ctx context.Context, p *Plan, live []string) error {
	if w.found[p.ID] == nil {
		err := w.look(ctx, p, live)
		var mismatch *segment.MismatchError
		switch {
		case errors.As(err, &mismatch), errors.Is(err, errRebuilt):
			return w.mismatch(ctx, p, p.Outputs, err)
		case err != nil:
			return err
		}
		w.found[p.ID] = &result{outputs: p.Outputs}
	}
	if err := w.propose(ctx, KindVerified, verifiedCommand{p.ID, w.opt.Server, texts(namesOf(p.Outputs))}); err != nil {
		return err
	}
	w.found[p.ID].said = true
	w.metrics.verified.Inc()
	w.log.Info("verified a merge", "plan", p.ID, "builder", p.Builder, "outputs", len(p.Outputs), "frames", extentOf(p.Outputs).frames)
	return nil
}

// look brings the result of a plan and compares it with this node's inputs.
func (w *Worker) look(ctx context.Context, p *Plan, live []string) error {
	inputs, release, err := segment.OpenAll(p.Inputs, w.opt.Shelf.Open)
	defer release()
	if err != nil {
		return err
	}
	w.hold(p.ID, p.Outputs...)
	for _, info := range p.Outputs {
		if err := w.opt.Shelf.Obtain(ctx, info, w.opt.Fetch, w.others(p.Builder, live)); err != nil {
			return err
		}
	}
	if w.opt.Rebuild {
		if err := w.rebuild(ctx, p, inputs); err != nil {
			return err
		}
	}
	return w.compare(ctx, p, p.Outputs, inputs)
}

// errRebuilt says that a merge of equal inputs made other files elsewhere.
var errRebuilt = errors.New("compact: a merge of this node's inputs makes other files")

// rebuildName is the directory below the segments in which results are made again.
const rebuildName = "rebuilt"

// rebuild merges this node's inputs, too, and compares names.
func (w *Worker) rebuild(ctx context.Context, p *Plan, inputs []*segment.Reader) error {
	fs, dir := w.opt.Shelf.FS(), path.Join(w.opt.Shelf.Dir(), rebuildName)
	if err := vfs.MakeDir(fs, dir); err != nil {
		return fmt.Errorf("compact: make %s: %w", dir, err)
	}
	if err := empty(fs, dir); err != nil {
		return err
	}
	made, err := segment.Merge(fs, dir, w.options(ctx, p, inputs), inputs)
	if err != nil {
		return fmt.Errorf("compact: plan %d, built again: %w", p.ID, err)
	}
	if got, want := namesOf(infosOf(made)), namesOf(p.Outputs); !slices.Equal(got, want) {
		return fmt.Errorf("%w: %s, %s has made %s", errRebuilt, got, p.Builder, want)
	}
	return empty(fs, dir)
}

// empty removes the files of a directory.
func empty(fs vfs.FS, dir string) error {
	files, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("compact: list %s: %w", dir, err)
	}
	for _, file := range files {
		if err := fs.Remove(path.Join(dir, file)); err != nil {
			return fmt.Errorf("compact: empty %s: %w", dir, err)
		}
	}
	return nil
}
