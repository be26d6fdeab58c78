package schedule

import "time"

// Version is of the file's form and of the generator: a change of either raises it. Files of every version up to it are read.
const Version = 1

// DefaultRecovery is how long a damaged disk is given to catch up where nobody says otherwise.
const DefaultRecovery = 15 * time.Second

// Schedule is what will be broken in one run, and when. Times are whole milliseconds since the driver put a healthy cluster under load.
type Schedule struct {
	Version  int
	Note     string // what it is for; one line, may be empty
	Seed     uint64 // it was generated from, and whatever else the run draws is to be drawn from, with other streams
	Nodes    int
	Length   time.Duration // of the run; what lies behind the last step's end is quiet
	Recovery time.Duration // see Budget; 0: DefaultRecovery
	Beyond   bool          // written without a budget: a run must be honest, and need not get through
	Steps    []Step        // in the order of At
}

// Step is one fault. What its members mean for each fault is told in doc.go.
type Step struct {
	At     time.Duration
	For    time.Duration // 0 where the fault is over at once
	Fault  Fault
	Node   int     // 1..Nodes; 0: whoever leads at At, or all nodes where the fault concerns all
	Peer   int     // 1..Nodes; 0: all others, or nobody in particular
	Amount float64 // in the Kind's Unit
	How    string  // one of the Kind's Ways
}

// End returns when the step is over.
func (t Step) End() time.Duration { return t.At + t.For }

// Quiet returns how much of the end of the run is free of faults.
func (s *Schedule) Quiet() time.Duration {
	last := time.Duration(0)
	for _, t := range s.Steps {
		last = max(last, t.End())
	}
	return s.Length - last
}

// Clone returns a copy that shares nothing with s.
func (s *Schedule) Clone() *Schedule {
	c := *s
	c.Steps = append([]Step(nil), s.Steps...)
	return &c
}

func (s *Schedule) majority() int { return s.Nodes/2 + 1 }
func (s *Schedule) minority() int { return (s.Nodes - 1) / 2 }

// total tells that a step takes the whole cluster away for its time.
func (t Step) total() bool { return t.Fault == PowerAll || t.Fault == Isolate && t.How == All }
