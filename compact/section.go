package compact

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// SectionName is the section's name in a floor file.
const SectionName = "merges"

// Plan is a merge that is under way. It is immutable, and so are its slices.
type Plan struct {
	ID       uint64 // index of the PLAN command
	Floor    uint64 // index of the manifest that lists the inputs
	WindowNS int64
	Builder  string // server
	Inputs   []segment.Info
	Outputs  []segment.Info // nil until BUILT
	Verified []string       // servers that have the outputs and found them right, ascending; the builder is one
}

// Section is the replicated state of merging (docs/format/merges.md). Apply has one caller, in log order; other methods may run beside each other, but
// not beside Apply, Restore and TakeEdits. What they return is immutable.
type Section struct {
	plans []*Plan        // by ID
	edits []segment.Edit // of the floor at hand, in the order of their DONEs
	taken [2]replaced    // at the last two flush points, the older first: as many as may not be published yet
}

// replaced is what the edits of one flush point did.
type replaced struct {
	drop, add []segment.Name
}

// NewSection is the section before the first command.
func NewSection() *Section { return &Section{} }

// Name implements raftfsm.Section.
func (s *Section) Name() string { return SectionName }

// Commands implements raftfsm.Section.
func (s *Section) Commands() (first, last uint16) { return KindPlan, lastKind }

// Since is the cluster version from which the section exists.
func (s *Section) Since() int { return 2 }

// Supports reports whether this binary can apply a command.
func (s *Section) Supports(kind uint16, version uint8) bool {
	return kind >= KindPlan && kind <= KindAbort && version == CommandVersion
}

// LimitBytes bounds a checkpoint: plans and edits of the largest size there can be, 350 bytes a segment.
func (s *Section) LimitBytes() int64 {
	return (maxPlans + maxEdits) * (maxInputs + segment.MaxOutputs) * 350 * 2
}

// Apply implements raftfsm.Section.
func (s *Section) Apply(index, _ uint64, _ int64, kind uint16, _ uint8, body []byte) ([]byte, error) {
	switch kind {
	case KindPlan:
		return s.applyPlan(index, body)
	case KindBuilt:
		return nil, s.applyBuilt(body)
	case KindVerified:
		return nil, s.applyVerified(body)
	case KindDone:
		return nil, s.applyDone(body)
	case KindAbort:
		return nil, s.applyAbort(body)
	}
	return nil, refuse(CodeBadMerge, "upgrade this node", "unknown command %d", kind)
}

func (s *Section) applyPlan(index uint64, body []byte) ([]byte, error) {
	var c planCommand
	if err := parse(body, &c); err != nil {
		return nil, err
	}
	inputs, err := infos(c.Inputs, maxInputs)
	if err == nil && (c.WindowNS <= 0 || !validServer(c.Builder)) {
		err = fmt.Errorf("a window of %d ns, builder %q", c.WindowNS, c.Builder)
	}
	if err != nil {
		return nil, refuse(CodeBadMerge, "plan again from the manifest", "%v", err)
	}
	if len(s.plans) >= maxPlans || len(s.edits) >= maxEdits {
		return nil, refuse(CodeMergeLimit, "wait for a floor", "%d plans are under way and %d edits wait, at most %d and %d may", len(s.plans), len(s.edits), maxPlans, maxEdits)
	}
	for i := range inputs {
		if s.Busy(inputs[i].Name) {
			return nil, refuse(CodeMergeOverlap, "plan again from the newest manifest", "segment %s belongs to another plan, or was replaced", inputs[i].Name)
		}
	}
	s.plans = append(slices.Clone(s.plans), &Plan{ID: index, Floor: c.Floor, WindowNS: c.WindowNS, Builder: c.Builder, Inputs: inputs})
	return json.Marshal(map[string]uint64{"id": index})
}

func (s *Section) applyBuilt(body []byte) error {
	var c builtCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	p, err := s.find(c.ID)
	if err != nil {
		return err
	}
	outputs, err := infos(c.Outputs, segment.MaxOutputs)
	if err == nil {
		err = p.fits(outputs)
	}
	switch {
	case err != nil:
		return refuse(CodeBadMerge, "build it again", "the result of plan %d: %v", p.ID, err)
	case c.Server != p.Builder:
		return refuse(CodeMergeNotBuilder, "leave it to the builder", "plan %d is built by %s, not by %s", p.ID, p.Builder, c.Server)
	case p.Outputs != nil && !slices.Equal(namesOf(p.Outputs), namesOf(outputs)):
		return refuse(CodeMergeDiffers, "give the plan up", "plan %d was built before, with other files", p.ID)
	}
	next := *p
	next.Outputs, next.Verified = outputs, withServer(p.Verified, c.Server)
	s.replace(&next)
	return nil
}

func (s *Section) applyVerified(body []byte) error {
	var c verifiedCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	p, err := s.find(c.ID)
	switch {
	case err != nil:
		return err
	case !validServer(c.Server):
		return refuse(CodeBadMerge, "name the server", "%q is no server", c.Server)
	case p.Outputs == nil:
		return refuse(CodeMergeNotBuilt, "wait for the builder", "plan %d is not built yet", p.ID)
	case !slices.EqualFunc(p.Outputs, c.Outputs, func(i segment.Info, n name) bool { return i.Name == segment.Name(n) }):
		return refuse(CodeMergeDiffers, "verify what was announced", "%s verified other files than those of plan %d", c.Server, p.ID)
	case len(p.Verified) >= maxServers:
		return refuse(CodeMergeLimit, "end the plan", "%d servers have verified plan %d", len(p.Verified), p.ID)
	}
	next := *p
	next.Verified = withServer(p.Verified, c.Server)
	s.replace(&next)
	return nil
}

func (s *Section) applyDone(body []byte) error {
	var c doneCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	p, err := s.find(c.ID)
	if err != nil {
		return err
	}
	if !ascending(c.Voters) || !ascending(c.Verified) {
		return refuse(CodeBadMerge, "name each server once, in order", "%d voters, %d verified", len(c.Voters), len(c.Verified))
	}
	if err := p.agreed(&c); err != nil {
		return err
	}
	s.remove(p.ID)
	s.edits = append(slices.Clone(s.edits), segment.Edit{Drop: namesOf(p.Inputs), Add: p.Outputs})
	return nil
}

func (s *Section) applyAbort(body []byte) error {
	var c abortCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	p, err := s.find(c.ID)
	if err != nil {
		return err
	}
	if !validServer(c.Server) || !slices.Contains(Reasons, c.Reason) || len(c.Detail) > maxDetail {
		return refuse(CodeBadMerge, "give a reason of docs/format/merges.md", "server %q, reason %q, %d bytes of detail", c.Server, c.Reason, len(c.Detail))
	}
	s.remove(p.ID)
	return nil
}

// TakeEdits hands over the edits of the floor that is being sealed, at its flush point, and forgets them.
func (s *Section) TakeEdits() []segment.Edit {
	edits := s.edits
	var r replaced
	for i := range edits {
		r.drop = append(r.drop, edits[i].Drop...)
		r.add = append(r.add, namesOf(edits[i].Add)...)
	}
	s.edits, s.taken = nil, [2]replaced{s.taken[1], r}
	return edits
}

// Plans lists the plans that are under way, the oldest first.
func (s *Section) Plans() []*Plan { return s.plans }

// Edits lists what waits for the next flush point.
func (s *Section) Edits() []segment.Edit { return s.edits }

// Busy reports whether a segment is an input of a plan that is under way, or was replaced lately.
func (s *Section) Busy(n segment.Name) bool {
	for _, p := range s.plans {
		if slices.ContainsFunc(p.Inputs, func(i segment.Info) bool { return i.Name == n }) {
			return true
		}
	}
	for i := range s.edits {
		if slices.Contains(s.edits[i].Drop, n) {
			return true
		}
	}
	return slices.Contains(s.taken[0].drop, n) || slices.Contains(s.taken[1].drop, n)
}

// Needs reports whether a segment is a result that some floor will list, if all goes well, and perhaps none does yet.
func (s *Section) Needs(n segment.Name) bool {
	is := func(i segment.Info) bool { return i.Name == n }
	for _, p := range s.plans {
		if slices.ContainsFunc(p.Outputs, is) {
			return true
		}
	}
	for i := range s.edits {
		if slices.ContainsFunc(s.edits[i].Add, is) {
			return true
		}
	}
	return slices.Contains(s.taken[0].add, n) || slices.Contains(s.taken[1].add, n)
}

func (s *Section) find(id uint64) (*Plan, error) {
	for _, p := range s.plans {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, refuse(CodeMergeUnknown, "it has ended: look at the newest plans", "no plan %d is under way", id)
}

// replace puts a plan in the place of the one of its number. The list is copied, because a frozen checkpoint may still read the old one.
func (s *Section) replace(next *Plan) {
	s.plans = slices.Clone(s.plans)
	i := slices.IndexFunc(s.plans, func(p *Plan) bool { return p.ID == next.ID })
	s.plans[i] = next
}

func (s *Section) remove(id uint64) {
	s.plans = slices.DeleteFunc(slices.Clone(s.plans), func(p *Plan) bool { return p.ID == id })
}

// fits says why outputs cannot be the result of a plan: they have exactly the frames of the inputs, each segment those of one window.
func (p *Plan) fits(outputs []segment.Info) error {
	want, got := extentOf(p.Inputs), extentOf(outputs)
	if got.frames != want.frames {
		return fmt.Errorf("%d frames, the inputs have %d", got.frames, want.frames)
	}
	if got.firstIndex < want.firstIndex || got.lastIndex > want.lastIndex || got.firstNS != want.firstNS || got.lastNS != want.lastNS {
		return fmt.Errorf("indexes %d to %d and times %d to %d, the inputs have %d to %d and %d to %d", got.firstIndex, got.lastIndex, got.firstNS, got.lastNS,
			want.firstIndex, want.lastIndex, want.firstNS, want.lastNS)
	}
	seen := map[int64]bool{}
	for i := range outputs {
		o := &outputs[i]
		first, last := windowsOf(o, p.WindowNS)
		if first != last || seen[first] {
			return fmt.Errorf("segment %s has times of windows %d to %d, and each window has one segment", o.Name, first, last)
		}
		seen[first] = true
		if slices.ContainsFunc(p.Inputs, func(in segment.Info) bool { return in.Name == o.Name }) {
			return fmt.Errorf("segment %s is an input", o.Name)
		}
	}
	return nil
}

// withServer is an ascending list with one more server.
func withServer(list []string, server string) []string {
	i, there := slices.BinarySearch(list, server)
	if there {
		return list
	}
	return slices.Insert(slices.Clone(list), i, server)
}

func validServer(server string) bool { return server != "" && len(server) <= maxServer }

// ascending reports whether a list names 1 to maxServers servers in order, none twice.
func ascending(list []string) bool {
	for i, server := range list {
		if !validServer(server) || i > 0 && list[i-1] >= server {
			return false
		}
	}
	return len(list) > 0 && len(list) <= maxServers
}

// Decided is the edit of the DONE that was just applied.
func (s *Section) Decided(kind uint16) (edit segment.Edit, ok bool) {
	if kind != KindDone || len(s.edits) == 0 {
		return segment.Edit{}, false
	}
	return s.edits[len(s.edits)-1], true
}
