package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gaplessdb/gapless/cmd/gapless/fleet"
)

// margin is what a demo may take beyond the fleet's own run, all waits together.
const margin = 10 * time.Minute

// Run starts the cluster and returns an exit code when the demo is over. An error is printed to Options.Out. Ctrl-C and SIGTERM
// end it like ctx does: the nodes are stopped first.
func Run(ctx context.Context, o Options) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.fill(); err != nil {
		fmt.Fprintln(os.Stdout, err)
		return ExitFailed
	}
	result, err := o.run(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(o.Out, "demo: interrupted")
		return ExitFailed
	case differs(err):
		fmt.Fprintln(o.Out, err)
		return ExitMismatch
	case err != nil:
		fmt.Fprintln(o.Out, err)
		return ExitFailed
	case result != nil && !result.Exact():
		return ExitMismatch
	}
	return ExitExact
}

// run returns the comparison, nil when the demo stayed.
func (o *Options) run(ctx context.Context) (result *fleet.Result, err error) {
	var f *fleet.Fleet
	if !o.Stay {
		opt, err := o.fleet()
		if err != nil {
			return nil, err
		}
		if f, err = fleet.New(opt); err != nil {
			return nil, err
		}
	}
	d, err := openDirectory(o.Dir, !o.Stay)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.lock.Close()) }()
	p, err := o.ports(d)
	if err != nil {
		return nil, err
	}
	if err := d.mark(p); err != nil {
		return nil, err
	}
	c := newCluster(o, d, p)
	defer func() { err = errors.Join(err, c.stop()) }()
	if o.Break != "" && !o.Stay {
		fmt.Fprintf(o.Out, "BREAK=%s: the simulator lies in one place, and the comparison must find it\n", o.Break)
	}
	fmt.Fprintf(o.Out, "starting three nodes under %s\n", d.path)
	if err := c.start(ctx); err != nil {
		return nil, err
	}
	if o.Stay {
		return nil, o.stay(ctx, c, d)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Duration+margin, fmt.Errorf("demo: not over after %s", o.Duration+margin))
	defer cancel()
	return o.play(ctx, c, d, f)
}

// ports returns those of the cluster whose data is there, or new ones.
func (o *Options) ports(d *directory) (ports, error) {
	if d.earlier == nil {
		return choosePorts(o.HTTPPort, o.ClusterPort)
	}
	p := d.earlier.Ports
	if port := p.taken(); port != 0 {
		return p, fmt.Errorf("demo: the cluster in %s uses port %d, which is taken: free it, or remove %s", d.path, port, d.path)
	}
	return p, nil
}

// stay leaves the cluster up until ctx ends or a node does.
func (o *Options) stay(ctx context.Context, c *cluster, d *directory) error {
	printDoors(o.Out, c, d.path)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(o.Out, "stopping")
			return nil
		case <-tick.C:
			for _, n := range c.nodes {
				if err := n.exit(); err != nil {
					return err
				}
			}
		}
	}
}

// play runs the fleet, kills the leader halfway, and compares.
func (o *Options) play(ctx context.Context, c *cluster, d *directory, f *fleet.Fleet) (*fleet.Result, error) {
	truth, err := os.Create(d.file(truthFile))
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	defer truth.Close()
	if err := c.flushEarly(ctx); err != nil {
		return nil, err
	}
	show := newProgress(o.Out, f.Progress().Frames)
	show.say("%d devices send to %s, %s and %s", f.Devices(), c.nodes[0].url, c.nodes[1].url, c.nodes[2].url)
	victim, err := o.both(ctx, c, f, truth, show)
	show.end()
	if err != nil {
		return nil, fmt.Errorf("%w\nlogs and truth file are in %s", err, d.path)
	}
	if err := c.disks(ctx, show); err != nil {
		return nil, fmt.Errorf("%w\nlogs and truth file are in %s", err, d.path)
	}
	show.say("comparing what was sent with what the nodes answer")
	if _, err := truth.Seek(0, 0); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	result, err := fleet.Compare(ctx, c.urls(), truth)
	if err != nil {
		return nil, fmt.Errorf("%w\nlogs and truth file are in %s", err, d.path)
	}
	result.Killed, result.Recovery = victim, f.Progress().Recovery
	result.Print(o.Out)
	if !result.Exact() {
		fmt.Fprintf(o.Out, "logs and truth file are in %s\n", d.path)
		return result, nil
	}
	if err := c.certify(ctx, d, result, o.Out); err != nil {
		return nil, fmt.Errorf("%w\nlogs and truth file are in %s", err, d.path)
	}
	return result, nil
}

// both runs the fleet and, beside it, the fall of the leader. It returns the leader's name.
func (o *Options) both(ctx context.Context, c *cluster, f *fleet.Fleet, truth *os.File, show *progress) (victim string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	shown := make(chan struct{})
	showing, shownEnough := context.WithCancel(ctx)
	go func() { defer close(shown); show.follow(showing, f) }()
	fallen := make(chan error, 1)
	go func() {
		var err error
		if victim, err = o.fall(ctx, c, f, show); err != nil {
			cancel(err) // the fleet need not go on
		}
		fallen <- err
	}()
	ran := f.Run(ctx, c.urls(), truth)
	if ran != nil {
		cancel(ran)
	}
	fell := <-fallen
	shownEnough()
	<-shown
	if fell != nil && !errors.Is(fell, context.Canceled) {
		return victim, fell
	}
	return victim, ran
}

// fall waits for half of the fleet's frames, kills the leader, and restarts it after a while.
func (o *Options) fall(ctx context.Context, c *cluster, f *fleet.Fleet, show *progress) (string, error) {
	half := func() (bool, error) {
		p := f.Progress()
		return p.Acked*2 >= p.Frames, fmt.Errorf("%d of %d frames acknowledged", p.Acked, p.Frames)
	}
	if err := until(ctx, o.Duration+margin, half); err != nil {
		return "", err
	}
	n, err := c.leader(ctx)
	if err != nil {
		return "", err
	}
	if err := n.kill(); err != nil {
		return n.name, err
	}
	f.Killed()
	show.say("killed the leader %s (SIGKILL)", n.name)
	down := time.NewTimer(o.Down)
	defer down.Stop()
	select {
	case <-ctx.Done():
		return n.name, context.Cause(ctx)
	case <-down.C:
	}
	if err := n.start(); err != nil {
		return n.name, err
	}
	show.say("restarted %s; first acknowledgement %s after the kill", n.name, f.Progress().Recovery.Round(time.Millisecond))
	if err := c.waitReady(ctx); err != nil {
		return n.name, err
	}
	show.say("all nodes are ready")
	return n.name, nil
}
