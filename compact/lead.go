package compact

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// ahead is how many plans the leader has under way at once: enough for every node to have something to do, and no backlog that is out of date.
const ahead = 4

const (
	slowest     = 128 << 10      // bytes a second of a node that merges while it has much else to do
	maxPatience = 24 * time.Hour // that the size of a plan adds
)

// office is what a leader remembers of plans since it leads. Decisions that need a clock are made here, and take effect as commands.
type office struct {
	seen    map[uint64]*sight
	cooling map[segment.Name]time.Time // inputs of plans that came to nothing, until when they are left alone
	turn    int                        // of the builders
}

// sight is a plan that is under way.
type sight struct {
	plan     *Plan
	since    time.Time // it was seen first,
	heard    time.Time // its builder was live last,
	majority time.Time // and a majority had verified; zero: not yet
	ended    bool      // this leader has ended it
}

// lead does the leader's part: end plans, and make new ones.
func (w *Worker) lead(ctx context.Context, look *Look) {
	if !look.Leads {
		w.office = nil
		return
	}
	now := time.Now()
	if w.office == nil {
		w.office = &office{seen: map[uint64]*sight{}, cooling: map[segment.Name]time.Time{}}
	}
	w.office.look(look, now, w.opt.GiveUpAfter)
	for _, p := range look.Section.Plans() {
		if !w.settle(ctx, look, w.office.seen[p.ID], now) {
			return
		}
	}
	w.plan(ctx, look, now)
}

// look takes note of what has changed. The inputs of a plan that somebody gave up rest, or the next plan would fail like it.
func (o *office) look(look *Look, now time.Time, rest time.Duration) {
	pending := map[uint64]bool{}
	for _, p := range look.Section.Plans() {
		pending[p.ID] = true
		s := o.seen[p.ID]
		if s == nil {
			s = &sight{since: now, heard: now}
			o.seen[p.ID] = s
		}
		s.plan = p
		if slices.Contains(look.Live, p.Builder) {
			s.heard = now
		}
	}
	for id, s := range o.seen {
		if pending[id] {
			continue
		}
		delete(o.seen, id)
		for i := range s.plan.Inputs {
			if name := s.plan.Inputs[i].Name; !s.ended && !look.Section.Busy(name) {
				o.cooling[name] = now.Add(rest)
			}
		}
	}
	for name, until := range o.cooling {
		if !until.After(now) {
			delete(o.cooling, name)
		}
	}
}

// settle ends a plan where it is time to. It reports whether the leader can go on: false when a command was not committed.
func (w *Worker) settle(ctx context.Context, look *Look, s *sight, now time.Time) bool {
	kind, command := w.decide(look, s, now)
	if command == nil {
		return true
	}
	err := w.propose(ctx, kind, command)
	if err != nil {
		w.log.Info("a plan was not ended", "plan", s.plan.ID, "err", err)
		return false
	}
	if a, ok := command.(abortCommand); ok {
		w.metrics.aborted.WithLabelValues(string(a.Reason)).Inc()
		w.log.Warn("gave a merge up", "plan", a.ID, "reason", string(a.Reason), "builder", s.plan.Builder)
		s.ended = a.Reason != ReasonTimeout
		return true
	}
	s.ended = true
	w.metrics.done.Inc()
	w.log.Info("a merge takes effect at the next floor", "plan", s.plan.ID, "inputs", len(s.plan.Inputs), "outputs", len(s.plan.Outputs), "verified", s.plan.Verified)
	return true
}

// decide says how a plan is to end now, nil: not yet. DONE comes when every voter that lives has verified, or a majority and the others have had time.
func (w *Worker) decide(look *Look, s *sight, now time.Time) (kind uint16, command any) {
	p := s.plan
	abort := func(reason Reason) (uint16, any) {
		return KindAbort, abortCommand{p.ID, w.opt.Server, reason, ""}
	}
	agreed := slices.DeleteFunc(slices.Clone(p.Verified), func(server string) bool { return !slices.Contains(look.Voters, server) })
	if majority := 2*len(agreed) > len(look.Voters); !majority {
		s.majority = time.Time{}
	} else if s.majority.IsZero() {
		s.majority = now
	}
	all := !slices.ContainsFunc(look.Live, func(server string) bool { return !slices.Contains(agreed, server) })
	switch {
	case look.Floor >= p.Floor && !listed(look.Manifest, p.Inputs):
		return abort(ReasonInputsGone)
	case !s.majority.IsZero() && (all || now.Sub(s.majority) >= w.opt.PatienceFor):
		return KindDone, doneCommand{p.ID, look.Voters, agreed}
	case !s.majority.IsZero():
		return 0, nil
	case !slices.Contains(look.Voters, p.Builder) || now.Sub(s.heard) >= w.opt.PatienceFor:
		return abort(ReasonBuilderGone)
	case now.Sub(s.since) >= w.patience(p):
		return abort(ReasonTimeout)
	}
	return 0, nil
}

// patience is how long a plan of live servers may take: its bytes are read or written six times, one after the other, at slowest at worst, and GiveUpAfter
// more. It is long, because a plan that is given up too early comes again, and costs as much.
func (w *Worker) patience(p *Plan) time.Duration {
	const passes = 6
	seconds := passes * float64(extentOf(p.Inputs).bytes) / float64(min(w.opt.BytesPerSecond, slowest))
	return w.opt.GiveUpAfter + time.Duration(min(seconds, maxPatience.Seconds())*float64(time.Second))
}

// listed reports whether a manifest has all of these.
func listed(m *segment.Manifest, list []segment.Info) bool {
	return !slices.ContainsFunc(list, func(i segment.Info) bool {
		_, ok := m.Find(i.Name)
		return !ok
	})
}

// plan proposes new plans, as many as are missing. It needs the newest manifest: while a head is sealed, what waits for its floor is not in it.
func (w *Worker) plan(ctx context.Context, look *Look, now time.Time) {
	room := ahead - len(look.Section.Plans())
	if room <= 0 || look.Sealed > 0 || len(look.Live) == 0 {
		return
	}
	busy := func(name segment.Name) bool { return w.office.cooling[name].After(now) || look.Section.Busy(name) }
	list := Plans(look.Manifest.Segments(), busy, look.Policy)
	load := map[string]int{}
	for _, p := range look.Section.Plans() {
		load[p.Builder]++
	}
	for _, proposal := range list[:min(room, len(list))] {
		builder := w.office.builder(look.Live, load)
		load[builder]++
		command := planCommand{look.Floor, proposal.WindowNS, builder, filesOf(proposal.Inputs)}
		if err := w.propose(ctx, KindPlan, command); err != nil {
			w.log.Info("a merge was not planned", "err", err)
			var refusal interface {
				Refused() (code, message, hint string, conflict bool)
			}
			if !errors.As(err, &refusal) {
				return
			}
			continue
		}
		w.metrics.planned.Inc()
	}
}

// builder chooses who merges: who has the least to do, in turn.
func (o *office) builder(live []string, load map[string]int) string {
	o.turn++
	best := live[o.turn%len(live)]
	for i := range live {
		if server := live[(o.turn+i)%len(live)]; load[server] < load[best] {
			best = server
		}
	}
	return best
}
