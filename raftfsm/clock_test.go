package raftfsm

import "testing"

func tickOf(elapsed int64, voters int, clocks ...int64) Tick {
	t := Tick{ElapsedMS: elapsed, Voters: voters}
	for _, ms := range clocks {
		t.Readings = append(t.Readings, Reading{ClockMS: ms})
	}
	return t
}

func TestClockAdvance(t *testing.T) {
	const start = 1_000_000
	for _, tc := range []struct {
		name   string
		tick   Tick
		now    int64
		paused bool
	}{
		{"median of three", tickOf(1000, 3, start+1000, start+900, start+1100), start + 1000, false},
		{"lower median of two", tickOf(1000, 3, start+1500, start+900), start + 900, false},
		{"never backwards", tickOf(1000, 3, start-50, start-60, start-70), start, false},
		{"one clock far ahead does not move it", tickOf(1000, 3, start+1000, start+1001, start+86_400_000), start + 1001, false},
		{"leader alone follows elapsed time, paused", tickOf(1000, 3, start+1000), start + 1000, true},
		{"leader alone cannot jump", tickOf(1000, 3, start+86_400_000), start + 6000, true},
		{"a majority may jump", tickOf(1000, 3, start+86_400_000, start+86_400_500, start+1), start + 86_400_000, false},
		{"half of four is no majority to jump", tickOf(1000, 4, start+1, start+9000, start+9000), start + 6000, false},
		{"a cluster of one", tickOf(1000, 1, start+1000), start + 1000, false},
		{"nobody", tickOf(1000, 3), start, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Clock{NowMS: start}.Advance(tc.tick)
			if got.NowMS != tc.now || got.Paused != tc.paused {
				t.Errorf("got %+v, want %d paused %v", got, tc.now, tc.paused)
			}
		})
	}
}

func TestClockStartsAtMedian(t *testing.T) {
	if got := (Clock{}).Advance(tickOf(0, 3, 7, 9, 8)); got.NowMS != 8 || got.Paused {
		t.Errorf("got %+v, want 8", got)
	}
}

func TestClockWithoutMajorityDoesNotCreep(t *testing.T) {
	c := Clock{NowMS: 1_000_000}
	for i := range 60 {
		c = c.Advance(tickOf(1000, 3, 1_000_000+3_600_000+int64(i)*1000)) // the leader's clock alone, one hour fast
	}
	if limit := int64(1_000_000 + 60*1000 + maxClockLeadMS); c.NowMS > limit || !c.Paused {
		t.Errorf("after a minute without a majority the clock is %+v, want at most %d and paused", c, limit)
	}
}

func TestClockNeedsMajorityToStart(t *testing.T) {
	if c := (Clock{}).Advance(tickOf(0, 3, 99)); c.NowMS != 0 || !c.Paused {
		t.Errorf("one clock of three started it: %+v", c)
	}
}
