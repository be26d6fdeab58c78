package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a load. The zero value of a field has its default.
type Options struct {
	Target      string        // see Targets; default gapless
	URL         string        // of the store
	Token       string        // bearer token
	Format      string        // binary, json or line; default: the first that the target takes
	Devices     int           // default 1,000
	Fields      int           // of a frame, 1 to 64; default 8
	Batch       int           // frames of a request; default 1,000
	Connections int           // each with devices of its own and one request in flight; default 4
	Duration    time.Duration // of the load; default 10 s, unless Frames is given
	Frames      int64         // frames to send, 0: as many as Duration allows
	Rate        int           // frames a second at most, 0: as fast as answers come
	Prepare     bool          // encode all requests before the clock starts; needs Frames
	Start       time.Time     // device time of the first frames; default: so long ago that the last ones are not of the future
	Seed        uint64        // of the values; default 1
	Verify      bool          // count the frames back afterwards
	Progress    func(done, total int64)
}

// maxPrepared bounds the bytes of requests that are encoded ahead.
const maxPrepared = 4 << 30

func (o *Options) fill() (*target, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Target == "" {
		o.Target = "gapless"
	}
	t := targets[o.Target]
	if t == nil {
		return nil, fmt.Errorf("bench: target %q: it is one of %s", o.Target, Targets)
	}
	if o.Format == "" {
		o.Format = t.formats[0]
	}
	if !slices.Contains(t.formats, o.Format) {
		return nil, fmt.Errorf("bench: %s takes the formats %v, not %q", t.name, t.formats, o.Format)
	}
	def(&o.Devices, 1000)
	def(&o.Fields, 8)
	def(&o.Batch, 1000)
	def(&o.Connections, 4)
	if o.Duration == 0 && o.Frames == 0 {
		o.Duration = 10 * time.Second
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Start.IsZero() {
		o.Start = time.Now().Truncate(time.Second).Add(-o.span())
	}
	switch {
	case o.Devices < o.Connections || o.Connections < 1 || o.Devices > 1_000_000:
		return nil, fmt.Errorf("bench: %d devices on %d connections: give at least a device for each, and at most 1000000", o.Devices, o.Connections)
	case o.Fields < 1 || o.Fields > maxFields || o.Batch < 1 || o.Batch > 100_000:
		return nil, fmt.Errorf("bench: %d fields, %d frames a request: give 1 to %d fields and 1 to 100000 frames", o.Fields, o.Batch, maxFields)
	case o.Prepare && o.Frames == 0:
		return nil, errors.New("bench: requests can be prepared only for a given number of frames")
	case o.Rate < 0 || o.Frames < 0 || o.Duration < 0:
		return nil, errors.New("bench: rate, frames and duration are not negative")
	}
	return t, nil
}

// assumedRate is how many frames a second a store may take in a load that ends by the clock; more, and the last device times are of the future.
const assumedRate = 400_000

// span is how much device time a load covers: a second a frame of each device.
func (o *Options) span() time.Duration {
	frames := o.Frames
	if frames == 0 {
		frames = int64(o.Duration.Seconds() * assumedRate)
		if o.Rate > 0 {
			frames = int64(o.Duration.Seconds() * float64(o.Rate))
		}
	}
	return time.Duration(frames/int64(max(1, o.Devices))) * time.Second
}

// load is a run in the making.
type load struct {
	Options
	target *target
	caller *caller
	shape  shape
	began  time.Time

	left    atomic.Int64 // frames that may still be sent, of Frames
	acked   atomic.Int64
	refused atomic.Int64
	bytes   atomic.Int64
	encode  atomic.Int64 // nanoseconds

	mu    sync.Mutex // protects times
	times []time.Duration
}

// Run puts a store under load and reports how it did.
func Run(ctx context.Context, opt Options) (*Report, error) {
	t, err := opt.fill()
	if err != nil {
		return nil, err
	}
	l := &load{
		Options: opt, target: t, caller: newCaller(opt.URL, opt.Token, opt.Connections),
		shape: shape{devices: opt.Devices, fields: opt.Fields, start: opt.Start.UnixMilli(), step: 1000, seed: opt.Seed},
	}
	l.left.Store(opt.Frames)
	if err := t.prepare(ctx, l.caller); err != nil {
		return nil, err
	}
	senders := make([]*sender, opt.Connections)
	for i := range senders {
		if senders[i], err = l.newSender(i); err != nil {
			return nil, err
		}
	}
	seconds, err := l.send(ctx, senders)
	r := l.report(time.Since(l.began), seconds)
	if err != nil {
		return r, err
	}
	if opt.Verify && t.count != nil {
		if r.Counted, err = t.count(ctx, l.caller, l.shape); err != nil {
			return r, err
		}
		if r.Counted != uint64(r.Frames) {
			return r, fmt.Errorf("bench: %d frames were acknowledged, and the store shows %d (of an empty store it must be as many)", r.Frames, r.Counted)
		}
	}
	return r, nil
}

// send lets all connections send until they are through, and returns how many frames each second took.
func (l *load) send(ctx context.Context, senders []*sender) (seconds []int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.began = time.Now()
	var running sync.WaitGroup
	for _, s := range senders {
		running.Go(func() {
			if err := s.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := int64(0); ; {
		select {
		case <-tick.C:
			now := l.acked.Load()
			seconds, last = append(seconds, now-last), now
			l.progress(now)
		case <-done:
			return seconds, context.Cause(ctx)
		}
	}
}

func (l *load) progress(acked int64) {
	switch {
	case l.Progress == nil:
	case l.Frames > 0:
		l.Progress(acked, l.Frames)
	default:
		l.Progress(int64(time.Since(l.began)), int64(l.Duration))
	}
}

// sender is one connection.
type sender struct {
	*load
	part     *part
	enc      encoder
	buf      []byte
	prepared []request
	sent     int64 // frames
}

// request is one body with so many frames.
type request struct {
	body   []byte
	frames int
}

func (l *load) newSender(i int) (s *sender, err error) {
	s = &sender{load: l, part: newPart(l.shape, i, l.Connections)}
	if s.enc, err = newEncoder(l.Format, l.Fields); err != nil {
		return nil, err
	}
	if text, ok := s.enc.(*textEncoder); ok && l.Format == "line" && l.target.name == "gapless" {
		text.one = appendNumberedLine
	}
	if !l.Prepare {
		return s, nil
	}
	requests := int((l.Frames + int64(l.Batch) - 1) / int64(l.Batch))
	for range (requests + l.Connections - 1 - i) / l.Connections { // its share
		frames := s.claim()
		body, err := s.body(frames)
		if err != nil {
			return nil, err
		}
		if l.bytes.Add(int64(len(body))) > maxPrepared {
			return nil, fmt.Errorf("bench: the prepared requests are larger than %d bytes: send fewer frames", int64(maxPrepared))
		}
		s.prepared = append(s.prepared, request{slices.Clone(body), frames})
	}
	return s, nil
}

// claim takes the frames of one request out of those that are left.
func (s *sender) claim() int {
	if s.Frames == 0 {
		return s.Batch
	}
	left := s.left.Add(int64(-s.Batch)) + int64(s.Batch)
	return int(max(0, min(left, int64(s.Batch))))
}

// body encodes a request of so many frames.
func (s *sender) body(frames int) ([]byte, error) {
	begin := time.Now()
	s.enc.begin(s.buf)
	for range frames {
		f := s.part.next()
		if err := s.enc.add(&f); err != nil {
			return nil, err
		}
	}
	body, err := s.enc.end()
	s.buf = body[:0]
	s.encode.Add(int64(time.Since(begin)))
	return body, err
}

// next is the next request, one without frames when this connection is through.
func (s *sender) next() (r request, err error) {
	if s.Prepare {
		if len(s.prepared) > 0 {
			r, s.prepared = s.prepared[0], s.prepared[1:]
		}
		return r, nil
	}
	if s.Duration > 0 && time.Since(s.began) >= s.Duration {
		return r, nil
	}
	if r.frames = s.claim(); r.frames > 0 {
		r.body, err = s.body(r.frames)
		s.bytes.Add(int64(len(r.body)))
	}
	return r, err
}

func (s *sender) run(ctx context.Context) error {
	var times []time.Duration
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.load.times = append(s.load.times, times...)
	}()
	var answer bytes.Buffer
	for ctx.Err() == nil {
		r, err := s.next()
		if r.frames == 0 || err != nil {
			return err
		}
		if err := s.hold(ctx); err != nil {
			return err
		}
		begin := time.Now()
		if err := s.post(ctx, r, &answer); err != nil {
			return err
		}
		times = append(times, time.Since(begin))
		s.sent += int64(r.frames)
		s.acked.Add(int64(r.frames))
	}
	return ctx.Err()
}

// hold keeps to the rate.
func (s *sender) hold(ctx context.Context) error {
	if s.Rate == 0 {
		return nil
	}
	due := s.began.Add(time.Duration(float64(s.sent) * float64(s.Connections) / float64(s.Rate) * float64(time.Second)))
	return sleep(ctx, time.Until(due))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// busyWait is the pause after a refusal that names none, and the longest one that is honoured.
const (
	busyWait    = 50 * time.Millisecond
	maxBusyWait = 2 * time.Second
)

// post sends a request until it is stored. A store that is busy is asked again.
func (s *sender) post(ctx context.Context, r request, answer *bytes.Buffer) error {
	path := s.target.write
	if s.target.name == "gapless" && s.Format == "line" {
		path = "/write?precision=ms"
	}
	for again := false; ; again = true {
		status, wait, err := s.caller.do(ctx, http.MethodPost, path, s.enc.mime(), r.body, answer)
		if err != nil {
			return err
		}
		if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return s.target.accept(status, answer.Bytes(), r.frames, again)
		}
		s.refused.Add(1)
		if err := sleep(ctx, min(max(wait, busyWait), maxBusyWait)); err != nil {
			return err
		}
	}
}
