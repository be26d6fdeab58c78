package replay

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// ErrSkew ends a run at a frame whose time the cluster would not believe.
var ErrSkew = errors.New("replay: the cluster does not believe times that far from now")

// Result is what became of a file.
type Result struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"` // absent for standard input
	Done   bool   `json:"done"`             // everything was answered
	Counts
	Resumed  int64    `json:"resumed"`           // frames of Sent that an earlier run had sent
	Retries  int64    `json:"retries"`           // tries that failed
	Failure  string   `json:"failure,omitempty"` // of the last of them
	Seconds  float64  `json:"seconds"`
	Position string   `json:"position,omitempty"` // the furthest answer: an answer that has it has all of this
	Problems []BadRow `json:"problems,omitempty"` // the first bad and refused rows
	Devices  []string `json:"-"`                  // in the order of the file
}

// run is one file on its way to a cluster.
type run struct {
	o      *Options
	file   *file
	reader *reader
	queues []chan *batch // one for each connection
	stop   context.CancelCauseFunc
	limit  time.Duration // of the distance of device times from now, 0 for none

	mu       sync.Mutex // protects what follows: connections tell of answers
	state    state
	saved    time.Time
	now      Counts // answers of this run
	retries  int64  // tries that failed
	failure  string // of the last of them
	refused  []BadRow
	failures []error
}

// Run sends a file and returns what became of it, also when it ends early. An ended ctx, a bad row or a refused one leave a state file from which the
// next run goes on.
func Run(ctx context.Context, name string, o *Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	f, err := openFile(name, o.Stdin, &o.Mapping)
	if err != nil {
		return nil, err
	}
	defer f.close()
	r := &run{o: o, file: f}
	if r.reader, err = newReader(f, o); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	if r.state.Done {
		return r.result(time.Now(), r.state.Counts.Sent), nil
	}
	begun, before := time.Now(), r.state.Counts.Sent
	if err = r.send(ctx); err == nil {
		err = r.balance()
	}
	err = errors.Join(err, r.save(err == nil))
	return r.result(begun, before), err
}

// balance holds what was answered against what was read, before the file is called done.
func (r *run) balance() error {
	if read, answered := r.reader.counts.Frames, r.state.Counts.Sent; read != answered {
		return fmt.Errorf("replay: %s: %d frames were read, %d answered: remove the state file and begin anew", r.file.name, read, answered)
	}
	return nil
}

// load looks for an earlier run.
func (r *run) load() error {
	digest, err := r.o.digest()
	if err != nil {
		return err
	}
	r.state = state{Version: stateVersion, File: r.file.name, SHA256: r.file.sum, Settings: digest}
	if r.o.State == "" {
		return nil
	}
	if r.state, err = loadState(r.o.State, r.state); err != nil {
		return err
	}
	if err := r.state.save(r.o.State); err != nil { // now, and not after an hour
		return fmt.Errorf("%w\nhint: --state names another place, or none", err)
	}
	return nil
}

// save writes the state at the end of a run.
func (r *run) save(done bool) error {
	r.state.Done = done
	if done {
		rows := r.reader.counts
		rows.answered(&r.state.Counts)
		r.state.Counts = rows
	}
	switch {
	case r.o.State == "":
		return nil
	case !done && r.state.Counts.Sent == 0: // there is nothing to go on from
		return os.Remove(r.o.State)
	}
	return r.state.save(r.o.State)
}

// send reads the file and lets connections send it.
func (r *run) send(ctx context.Context) error {
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	nodes := r.o.Nodes
	nodes.Retried = r.retried
	if err := r.greet(ctx, nodes); err != nil {
		return err
	}
	var all sync.WaitGroup
	for i := range r.o.Connections {
		c := &connection{run: r, link: link{nodes: &nodes, at: i}, known: map[string]bool{}}
		queue := make(chan *batch, 1)
		r.queues = append(r.queues, queue)
		all.Go(func() { c.serve(ctx, queue) })
	}
	r.reader.check = r.believable
	r.reader.emit = func(b *batch) error { return r.hand(ctx, b) }
	err := r.reader.all(ctx)
	for _, queue := range r.queues {
		close(queue)
	}
	all.Wait()
	if len(r.failures) > 0 {
		return r.failures[0]
	}
	return err
}

// retried counts a try that failed.
func (r *run) retried(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries++
	r.failure = clip(err.Error())
	if r.o.Nodes.Retried != nil {
		r.o.Nodes.Retried(err)
	}
}

// hand gives a batch to its lane's connection, unless an earlier run sent it.
func (r *run) hand(ctx context.Context, b *batch) error {
	if b.number < r.done(b.lane) {
		return nil
	}
	if err := r.reader.pace.wait(ctx, b.frames); err != nil {
		return err
	}
	select {
	case r.queues[b.lane%len(r.queues)] <- b:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) done(lane int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Batches[lane]
}

// greet finds a node that answers, and which device times the cluster believes. It is less patient than what follows: a cluster that never answered
// is more often misspelt than down.
func (r *run) greet(ctx context.Context, nodes Nodes) error {
	nodes.RetryFor = min(nodes.RetryFor, firstContact)
	l := link{nodes: &nodes}
	var policy struct {
		Ledger struct {
			SkewLimitMS int64 `json:"skew_limit_ms"`
		}
	}
	_, err := l.do(ctx, &request{method: "GET", path: "/v1/policy"}, &policy)
	var refused *Refused
	timely := r.o.Mapping.Time != "" && !r.o.AllowSkew
	switch {
	case errors.As(err, &refused):
		if timely {
			r.o.notice("the policy cannot be read, so nothing is known of the times that the cluster believes: %s", refused.Message)
		}
		return nil
	case err == nil && timely:
		r.limit = time.Duration(policy.Ledger.SkewLimitMS) * time.Millisecond
	}
	return err
}

// believable refuses the first frame whose time would be marked.
func (r *run) believable(it *item) error {
	if r.limit == 0 || it.frame.NoTime {
		return nil
	}
	at := time.Unix(0, it.frame.TimeNS)
	if d := time.Since(at); d <= r.limit && d >= -r.limit {
		return nil
	}
	return fmt.Errorf("%w: line %d has %s, the policy's ledger.skew_limit_ms allows %s from now. Such frames are stored, marked skew, "+
		"and found under the time of the import\nhint: raise ledger.skew_limit_ms first (gapless ctl policy set), or accept that with --allow-skew",
		ErrSkew, it.line, at.UTC().Format(time.RFC3339), r.limit)
}

// result puts together what is known.
func (r *run) result(begun time.Time, before int64) *Result {
	res := &Result{
		File: r.file.name, Done: r.state.Done, Counts: r.state.Counts, Resumed: before, Retries: r.retries, Failure: r.failure,
		Seconds: time.Since(begun).Seconds(), Position: r.state.Position, Devices: r.reader.devices,
	}
	if r.file.name != Stdin {
		res.SHA256 = r.file.sum
	}
	if !res.Done {
		rows := r.reader.counts
		rows.answered(&r.state.Counts)
		res.Counts = rows
	}
	res.Problems = append(r.reader.problems, r.refused...)
	return res
}
