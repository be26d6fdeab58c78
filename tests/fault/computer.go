//go:build linux

package fault

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/tests/fault/host"
	"github.com/gaplessdb/gapless/tests/fault/skew"
)

// Ports that every node listens on.
const (
	httpPort    = ":7400"
	clusterPort = ":7500"
)

const (
	startWithin = 60 * time.Second // to open the HTTP door, or to refuse
	stopWithin  = 30 * time.Second
)

// computer is a host with a disk, a clock, and the process that runs on it.
type computer struct {
	w      *world
	name   string
	host   *host.Host
	disk   *disk
	clock  *clock
	limits limits
	mount  *faultfs.Mount
	dir    string

	waiting sync.WaitGroup // for processes to end

	mu   sync.Mutex // protects all below
	life uint64     // of the process that runs or starts, 0 for none
	proc *process   // the newest
}

// process is one life of a node.
type process struct {
	*host.Process
	log *nodeLog
}

func newComputer(w *world, name string) (*computer, error) {
	dir, err := w.place(name)
	if err != nil {
		return nil, err
	}
	c := &computer{w: w, name: name, host: w.hosts.Host(name), disk: newDisk(w, name), clock: &clock{}, dir: dir}
	if c.mount, err = c.disk.fs.Mount(dir); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *computer) Name() string       { return c.name }
func (c *computer) HTTP() string       { return c.host.ClientAddr() + httpPort }
func (c *computer) Peer() string       { return c.host.PeerAddr() + clusterPort }
func (c *computer) Disk() drive.Disk   { return c.disk }
func (c *computer) Clock() drive.Clock { return c.clock }

// Start implements drive.Computer.
func (c *computer) Start(life uint64) error {
	c.mu.Lock()
	c.life = life
	c.mu.Unlock()
	p, err := c.run()
	if err != nil {
		return err
	}
	c.mu.Lock()
	halted := c.life != life
	if !halted {
		c.proc = p
	}
	c.mu.Unlock()
	c.waiting.Go(func() { c.limits.watch(c, p) })
	if halted {
		return errors.Join(drive.ErrHalted, p.Kill())
	}
	if err := c.serves(p); err != nil {
		return err
	}
	c.waiting.Go(func() {
		<-p.Exited()
		c.mu.Lock()
		own := c.life == life // nobody halted it
		c.mu.Unlock()
		if own {
			c.w.Died(c.name, life, p.why())
		}
	})
	return nil
}

// run starts the process.
func (c *computer) run() (*process, error) {
	p := &process{log: newNodeLog(c.w.Journal(c.name), func(line string) {
		c.w.Violate("crash", c.name+" panicked, which no fault excuses: "+line)
	})}
	args := []string{
		"serve", "--node", c.name, "--cluster", "fault", "--data", c.dir, "--http", c.HTTP(), "--listen", c.Peer(), "--insecure",
		"--log-format", "json",
	}
	var err error
	p.Process, err = c.host.Start(host.Command{
		Path: c.w.setup.Binary, Args: slices.Concat(args, c.w.peers(), c.w.setup.Args), Log: p.log, Limits: c.w.setup.Limits,
		Wrap: func(cmd *exec.Cmd) *exec.Cmd {
			if skew.Check() != nil {
				return cmd // it has the machine's clock, and no step moves it (Fit)
			}
			var k *skew.Clock
			k, cmd = skew.Wrap(cmd)
			c.clock.insert(k)
			return cmd
		},
	})
	return p, err
}

// serves waits until the HTTP door is open. An error is why the node refused to start.
func (c *computer) serves(p *process) error {
	for deadline := time.Now().Add(startWithin); ; {
		select {
		case <-p.Exited():
			return p.why()
		case <-time.After(20 * time.Millisecond):
		}
		conn, err := net.DialTimeout("tcp", c.HTTP(), time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return nil // it runs, and does not serve: that is for the checkers to judge
		}
	}
}

// Halt implements drive.Computer.
func (c *computer) Halt(how drive.Crash) {
	c.mu.Lock()
	c.life = 0
	p := c.proc
	c.mu.Unlock()
	if p != nil {
		if err := p.Kill(); err != nil {
			c.w.Violate("harness", fmt.Sprintf("%s cannot be killed: %v", c.name, err))
		}
	}
	c.disk.ended(how)
}

// Stop implements drive.Computer.
func (c *computer) Stop() error {
	c.mu.Lock()
	c.life = 0
	p := c.proc
	c.mu.Unlock()
	if p == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	defer c.disk.ended(drive.Crash{Kill: true})
	select {
	case <-p.Exited():
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("still running %s after SIGTERM", stopWithin), p.Kill())
	}
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("%s after SIGTERM: %w", p.Exit(), p.why())
	}
	return nil
}

// Pause implements drive.Pauser.
func (c *computer) Pause() error { return c.signal((*host.Process).Stop) }

// Resume implements drive.Pauser.
func (c *computer) Resume() error { return c.signal((*host.Process).Cont) }

func (c *computer) signal(do func(*host.Process) error) error {
	c.mu.Lock()
	p := c.proc
	c.mu.Unlock()
	if p == nil {
		return errors.New("no process")
	}
	return do(p.Process)
}

// why is what the process said last of what is wrong, and how it ended.
func (p *process) why() error {
	err := errors.New(strings.TrimSpace(p.log.complaint() + " (" + p.Exit() + ")"))
	if p.OOMKills() > 0 {
		return fmt.Errorf("%w: %w", drive.ErrStarved, err)
	}
	return err
}

func (c *computer) close() error {
	c.mu.Lock()
	c.life = 0
	p := c.proc
	c.mu.Unlock()
	var errs []error
	if p != nil {
		errs = append(errs, p.Kill())
	}
	c.waiting.Wait()
	errs = append(errs, c.clock.close())
	if c.mount != nil {
		errs = append(errs, c.mount.Close())
	}
	return errors.Join(errs...)
}
