package proof

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOverdueCut: on a node that always has a flush under way a seal ends all the same, some time after it was due. Until then it is tried again and
// again, and somebody is told.
func TestOverdueCut(t *testing.T) {
	for interval, late := range map[time.Duration]time.Duration{time.Second: overdueAtLeast, 4 * time.Minute: time.Minute, time.Hour: overdueAtMost} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 3)
			r.interval, r.flushing, r.began = interval, 1<<30, time.Now()
			r.start(t)
			n := r.nodes[0]
			r.settled(r.nodes...)
			start, before := time.Now(), r.times(KindCut)
			r.pass(interval + late - 3*time.Second)
			if got, tried := r.state().Ordinal(), r.times(KindCut)-before; got != 1 || float64(tried) < late.Seconds()-5 || float64(tried) > 10*late.Seconds() {
				t.Errorf("interval %s: seal %d is open, after %d tries", interval, got, tried)
			}
			told := strings.Count(n.output.String(), `level=WARN msg="a seal does not end although it is time`)
			if want := int(late / putOffTold); told > want || told < want-1 {
				t.Errorf("interval %s: told %d times in %s", interval, told, late)
			}
			r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
			if took := time.Since(start); took > interval+late+3*time.Second || r.peek(&r.overdue) != 1 {
				t.Errorf("interval %s: it took %s, %d overdue", interval, took, r.peek(&r.overdue))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if _, err := n.sealer.Seal(ctx); err == nil || r.peek(&r.overdue) != 1 {
				t.Error("a seal on demand does not wait for the flush")
			}
		})
	}
}

// TestCutPutOff: while two flushes never end, no seal does, and somebody is told once a minute.
func TestCutPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.interval, r.flushing, r.stuck, r.began = time.Minute, 1<<30, true, time.Now()
		r.start(t)
		n := r.nodes[0]
		r.pass(31*time.Minute + 30*time.Second)
		if told := strings.Count(n.output.String(), `level=WARN msg="a seal does not end although it is time`); told < 28 || told > 30 || r.state().Ordinal() != 1 {
			t.Errorf("told %d times in half an hour; seal %d is open", told, r.state().Ordinal())
		}
		r.change(func() { r.stuck = false })
		r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
	})
}
