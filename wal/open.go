package wal

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gaplessdb/gapless/vfs"
)

// Open recovers the log in dir, which is made if it is missing. Only one Log may be open on a directory (vfs.ErrLocked).
//
// A *CorruptError (ErrCorrupt) or ErrVersion means that this node's log cannot be believed: it must not vote. Nothing was changed
// then. A torn tail is not an error: it is cut, kept aside, logged and counted.
func Open(fsys vfs.FS, dir string, opt Options) (*Log, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := vfs.MakeDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("wal: make %s: %w", dir, err)
	}
	lock, err := fsys.Lock(path.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("wal: lock %s: %w", dir, err)
	}
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l := &Log{
		fs: fsys, dir: dir, opt: opt, log: opt.Logger, metrics: m, lock: lock, tail: tailCache{limit: opt.TailCacheBytes},
		writing: newTurn(), changing: newTurn(),
		wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := l.open(); err != nil {
		_ = closeAll(l.shut()) // nothing was promised about them
		m.unregister()
		return nil, errors.Join(err, lock.Close())
	}
	if opt.Inline {
		close(l.done)
		return l, nil
	}
	go l.housekeeper()
	l.kick()
	return l, nil
}

// open reads everything, and only if all of it can be believed begins to change anything.
func (l *Log) open() error {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return fmt.Errorf("wal: list %s: %w", l.dir, err)
	}
	m, err := readMeta(l.fs, l.dir)
	if err != nil {
		return err
	}
	isNew := m == nil
	if isNew {
		m = &meta{}
		if err := l.wantNoFiles(names); err != nil {
			return err
		}
	}
	r := &recovery{fs: l.fs, dir: l.dir}
	err = r.run(m)
	l.files = r.files // closed by Open if this fails
	if err != nil {
		return err
	}
	if len(l.files) > 0 {
		l.first, l.last = max(m.first, l.files[0].first), r.next-1
	}
	l.adoptSpares(m, names)
	if err := l.removeTmp(names); err != nil {
		return err
	}
	if isNew { // before there is any file, so that files without meta are always damage
		if err := l.commit(m); err != nil {
			return err
		}
	}
	if err := l.settle(r, names); err != nil {
		return err
	}
	l.spares = append(l.spares, r.blanks...)
	l.log.Info("wal: opened", "dir", l.dir, "first", l.first, "last", l.last, "files", len(l.files))
	return l.tidyInline()
}

// wantNoFiles makes sure that a directory without meta is a new one.
func (l *Log) wantNoFiles(names []string) error {
	for _, name := range names {
		if strings.HasSuffix(name, fileSuffix) {
			return corrupt("a meta file beside "+name, "none").at(path.Join(l.dir, metaName), 0)
		}
	}
	return nil
}

// removeTmp removes a meta that was never finished.
func (l *Log) removeTmp(names []string) error {
	for _, name := range names {
		if name == metaTmpName {
			if err := l.fs.Remove(path.Join(l.dir, name)); err != nil {
				return fmt.Errorf("wal: remove unfinished meta: %w", err)
			}
		}
	}
	return nil
}

// adoptSpares makes spares of the log files that m does not name. A crash may still go back to m, so the ones it names must stay
// where they are, even if they hold nothing.
func (l *Log) adoptSpares(m *meta, names []string) {
	named := map[uint64]bool{}
	for i := range m.files {
		named[m.files[i].number] = true
	}
	for _, name := range names { // in order of number
		if number, ok := parseFileName(name); ok {
			l.number = max(l.number, number)
			if !named[number] {
				l.spares = append(l.spares, number)
			}
		}
	}
}

// settle makes what was recovered durable, keeps a torn tail, and begins a new generation: nothing is ever appended to a file
// of an earlier process, so nothing that stands behind its end can come back.
func (l *Log) settle(r *recovery, names []string) error {
	if r.unproven {
		if err := l.files[len(l.files)-1].rewriteLast(r.base); err != nil {
			return err
		}
	}
	if err := l.keepTorn(r.torn, names); err != nil {
		return err
	}
	f, err := l.allocate()
	if err != nil {
		return err
	}
	l.files = append(l.files, f)
	if err := l.prefill(f); err != nil {
		return err
	}
	return l.commit(l.description())
}

func (l *Log) keepTorn(t *tornTail, names []string) error {
	if t == nil {
		return nil
	}
	name, err := t.keep(l.fs, l.dir, names)
	if err != nil {
		return err
	}
	l.metrics.tornTails.Inc()
	l.log.Warn("wal: cut a torn tail: the newest write is not whole", "path", t.damage.Path, "offset", t.damage.Offset,
		"want", t.damage.Want, "got", t.damage.Got, "from_index", t.header.first, "last", l.last, "kept", name, "kept_bytes", len(t.bytes))
	return nil
}

// prefill fills the beginning of a file that was not recycled.
func (l *Log) prefill(f *logFile) error {
	size, err := f.handle.Size()
	if err != nil {
		return fmt.Errorf("wal: size of %s: %w", f.path, err)
	}
	if size > 0 || l.opt.PrefillBytes <= 0 {
		return nil
	}
	if err = f.handle.Preallocate(l.opt.PrefillBytes); err == nil {
		err = f.handle.Sync()
	}
	if err != nil {
		return fmt.Errorf("wal: prefill %s: %w", f.path, err)
	}
	return nil
}
