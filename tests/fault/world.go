//go:build linux

package fault

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/tests/fault/host"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/temp"
)

// Needs says why there can be no world here, nil for nothing. What a world can do without is in Lacks.
func Needs() error {
	lacks, disks := host.Check(), faultfs.Available()
	switch {
	case disks == "":
		return lacks
	case lacks == nil:
		return errors.New("needs " + disks)
	case lacks.Error() == "needs "+disks:
		return lacks // both need root
	}
	return fmt.Errorf("%w, %s", lacks, disks)
}

// Sweep removes what runs of killed processes left of their directories; what they left mounted goes first.
func Sweep() error {
	if err := faultfs.Sweep(); err != nil {
		return err
	}
	return temp.Sweep(tempKind)
}

// Setup is what the nodes of a world are.
type Setup struct {
	Binary string
	Dir    string   // for mount points and logs; removed by nobody
	Args   []string // more flags of serve
	Limits host.Limits
}

// world is a few hosts, each with a disk, a clock and a process.
type world struct {
	drive.Scene
	setup     Setup
	hosts     *host.World
	computers []*computer
}

// Build makes the world of a run. Close it when the run is over.
func (s Setup) build(scene drive.Scene, plan *schedule.Schedule) (*world, error) {
	var names []string
	for i := range plan.Nodes {
		names = append(names, fmt.Sprintf("n%d", i+1))
	}
	hosts, err := host.NewWorld(names)
	if err != nil {
		return nil, err
	}
	w := &world{Scene: scene, setup: s, hosts: hosts}
	for _, name := range names {
		c, err := newComputer(w, name)
		if err != nil {
			return nil, errors.Join(err, w.Close())
		}
		w.computers = append(w.computers, c)
	}
	return w, nil
}

// Close ends every process and takes everything down.
func (w *world) Close() error {
	var errs []error
	for _, c := range w.computers {
		errs = append(errs, c.close())
	}
	return errors.Join(append(errs, w.hosts.Close())...)
}

func (w *world) Computers() (list []drive.Computer) {
	for _, c := range w.computers {
		list = append(list, c)
	}
	return list
}

// peers is every node's configuration of the cluster.
func (w *world) peers() (flags []string) {
	for _, c := range w.computers {
		flags = append(flags, "--peer", c.name+"="+c.Peer())
	}
	return flags
}

func (w *world) Network() drive.Network { return links{w} }

func (w *world) Dialer(string) drive.Dial { return (&net.Dialer{Timeout: 2 * time.Second}).DialContext }

// place is a directory of the run.
func (w *world) place(parts ...string) (string, error) {
	dir := filepath.Join(append([]string{w.setup.Dir}, parts...)...)
	return dir, os.MkdirAll(dir, 0o755)
}

// links is the network between the hosts. There is no way to delay packets here: schedules of this level have no such step.
type links struct{ *world }

func (l links) name(i int) string { return l.computers[i].name }

func (l links) Cut(from, to int)                { l.hosts.Cut(l.name(from), l.name(to)) }
func (l links) Mend(from, to int)               { l.hosts.Mend(l.name(from), l.name(to)) }
func (l links) SetLoss(from, to int, p float64) { l.hosts.Loss(l.name(from), l.name(to), p) }
func (l links) Held(from, to int) int64         { return int64(l.hosts.Dropped(l.name(from), l.name(to))) }
func (l links) Lost(from, to int) int64         { return l.Held(from, to) }
func (l links) Calm()                           { l.hosts.MendAll() }

func (l links) SetDelay(int, int, time.Duration) {}
func (l links) Delayed(int, int) int64           { return 0 }
