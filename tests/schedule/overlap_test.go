package schedule

import (
	"strings"
	"testing"
)

// TestOverlap has pairs of steps, and whether they get into each other's way.
func TestOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		clash bool
		a, b  Step
	}{
		"one machine":                {true, at(1, 5, Kill, 1), at(5.999, 1, Wipe, 1)},
		"one machine, one by one":    {false, at(1, 5, Kill, 1), at(6, 1, Wipe, 1)},
		"two machines":               {false, at(1, 5, Kill, 1), at(2, 1, Wipe, 2)},
		"a leader's machine":         {true, at(1, 5, Kill, 1), at(2, 1, Stall, 0, 100.)},
		"two leaders' machines":      {true, at(1, 5, Kill, 0), at(2, 1, Stall, 0, 100.)},
		"brief flip":                 {true, at(1, 0, Flip, 1, Segment), at(1, 1, Kill, 1)},
		"all machines":               {true, at(1, 5, Power, 3, Lose), at(2, 1, PowerAll, 0, Lose)},
		"one link":                   {true, at(1, 5, Cut, 1, 2), at(2, 1, Delay, 2, 1, 9.)},
		"two links":                  {false, at(1, 5, Cut, 1, 2), at(2, 1, Delay, 2, 3, 9.)},
		"link of the isolated":       {true, at(1, 5, Isolate, 1), at(2, 1, Delay, 2, 1, 9.)},
		"link of others":             {false, at(1, 5, Isolate, 1), at(2, 1, Delay, 2, 3, 9.)},
		"link across the bridge":     {true, at(1, 5, Bridge, 1), at(2, 1, Delay, 2, 3, 9.)},
		"link to the bridge":         {false, at(1, 5, Bridge, 1), at(2, 1, Delay, 1, 3, 9.)},
		"a leader's links":           {true, at(1, 5, Cut, 0), at(2, 1, Delay, 2, 3, 9.)},
		"all apart":                  {true, at(1, 5, Isolate, 0, All), at(2, 1, Cut, 2, 3)},
		"killed early in partition":  {true, at(1, 5, Cut, 1, 2), at(1.999, 1, Kill, 2)},
		"killed later in partition":  {false, at(1, 5, Cut, 1, 2), at(2, 1, Kill, 2)},
		"killed beside a partition":  {false, at(1, 5, Cut, 1, 2), at(1.5, 1, Kill, 3)},
		"partition of the dead":      {true, at(1, 5, Kill, 2), at(4, 9, Cut, 1, 2)},
		"partition beside the dead":  {false, at(1, 5, Kill, 3), at(4, 9, Cut, 1, 2)},
		"one clock":                  {true, at(1, 5, Strobe, 1, 9.), at(2, 0, Clock, 1, 9.)},
		"two clocks":                 {false, at(1, 5, Strobe, 1, 9.), at(2, 0, Clock, 2, 9.)},
		"clock of the dead":          {false, at(1, 5, Kill, 1), at(2, 0, Clock, 1, 9.)},
		"flush, nobody there":        {true, at(1, 5, PowerAll, 0, Lose), at(2, 0, Flush, 0)},
		"flush, one dead":            {false, at(1, 5, Kill, 1), at(2, 0, Flush, 0)},
		"two flushes":                {false, at(1, 0, Flush, 0), at(1, 0, Flush, 0)},
		"removed, then all apart":    {true, at(1, 5, RemoveJoin, 1), at(2, 1, Isolate, 0, All)},
		"handed to the dead":         {true, at(1, 5, Kill, 2), at(2, 0, Transfer, 0, 2)},
		"handed to the parted":       {true, at(1, 5, Cut, 2, 3), at(2, 0, Transfer, 0, 2)},
		"handed to a wrong clock":    {false, at(1, 5, Strobe, 2, 9.), at(2, 0, Transfer, 0, 2)},
		"handed to a living one":     {false, at(1, 5, Kill, 2), at(2, 0, Transfer, 0, 3)},
		"copy of the dead":           {true, at(1, 5, Kill, 1), at(8.999, 1, Rollback, 1, 3000.)},
		"copy after death":           {false, at(1, 5, Kill, 1), at(9, 1, Rollback, 1, 3000.)},
		"copy of another":            {false, at(1, 5, Kill, 2), at(7, 1, Rollback, 1, 3000.)},
		"copy of the parted":         {true, at(1, 5, Isolate, 1), at(8.999, 1, Rollback, 1, 3000.)},
		"copy of a new disk":         {true, at(1, 1, Wipe, 1), at(19.999, 1, Rollback, 1, 3000.)},
		"copy of a disk that learnt": {false, at(1, 1, Wipe, 1), at(20, 1, Rollback, 1, 3000.)},
		"flip of a new disk":         {true, at(1, 1, Wipe, 1), at(16.999, 1, Flip, 1, Floor)},
		"flip of a disk that learnt": {false, at(1, 1, Wipe, 1), at(17, 1, Flip, 1, Floor)},
	} {
		t.Run(name, func(t *testing.T) {
			s := plan(3, c.a, c.b)
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			err := s.Overlap()
			if (err != nil) != c.clash {
				t.Fatalf("%v, want an error: %v", err, c.clash)
			}
			if err != nil && !strings.Contains(err.Error(), "steps 1 and 2 get into each other's way: "+c.a.String()) {
				t.Error(err)
			}
		})
	}
}
