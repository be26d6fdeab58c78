package fleet

import "fmt"

// lie changes a plan so that what is sent and what is recorded differ in one place.
func lie(sources []*source, b Break) error {
	tell := map[Break]func(*source) bool{BreakDrop: dropOne, BreakInvent: inventOne, BreakTail: hideTail}[b]
	if tell == nil {
		return nil
	}
	for _, s := range sources[1:] { // the first one ends the run, and must not be told to keep silent
		if tell(s) {
			return nil
		}
	}
	return fmt.Errorf("fleet: the plan has no place for break %q: give it more frames", b)
}

// dropOne withholds one frame from the middle of a source that is sent exactly once.
func dropOne(s *source) bool {
	type number struct {
		life int
		seq  uint64
	}
	times := map[number]int{}
	for _, o := range s.ops {
		for _, r := range o.frames {
			times[number{o.life, r.seq}]++
		}
	}
	for i := len(s.ops) / 2; i < len(s.ops); i++ {
		o := &s.ops[i]
		for j := 1; j < len(o.frames)-1; j++ {
			if times[number{o.life, o.frames[j].seq}] == 1 {
				o.frames[j].withheld = true
				return true
			}
		}
	}
	return false
}

// inventOne sends a number that the record calls lost, along with the frames around it.
func inventOne(s *source) bool {
	for life := range s.lives {
		for _, r := range minus(s.lost(life), s.declared(life)) {
			if r.from == s.lives[life].first || r.to == s.lives[life].last {
				continue
			}
			for i := range s.ops {
				o := &s.ops[i]
				if o.life == life && len(o.frames) > 0 && o.frames[len(o.frames)-1].seq > r.to {
					o.frames = append(o.frames, ref{seq: r.from, unrecorded: true})
					return true
				}
			}
		}
	}
	return false
}

// hideTail withholds the message that tells how far the last life went, where numbers were lost at its end.
func hideTail(s *source) bool {
	life := len(s.lives) - 1
	if s.kind.tailLoss == 0 || s.lives[life].tail != endWatermark {
		return false
	}
	for i := range s.ops {
		o := &s.ops[i]
		if o.kind == opHeartbeat && o.life == life && o.next == s.lives[life].last+1 {
			o.withheld = true
			return true
		}
	}
	return false
}
