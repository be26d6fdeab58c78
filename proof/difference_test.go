package proof

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnotherContent: a node that counts something else never signs, and names the first stream; once it has the right segment it counts again, and
// signs.
func TestAnotherContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.store("d1", 70)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
		sick := r.nodes[2]
		for _, d := range []string{"d0", "d1", "d2", "d3"} {
			r.store(d, 5)
		}
		r.change(func() { sick.behind = copyOf(r.log.s) }) // it counts when the others are done
		r.seal(r.nodes[0])
		name := sick.replace("d2")
		r.change(func() { sick.behind, sick.floor = nil, r.nodes[0].floor })
		r.until("the difference is named", func() bool {
			list := sick.sealer.Differences()
			return len(list) == 1 && list[0].Stream != ""
		})
		d := sick.sealer.Differences()[0]
		if d.Ordinal != 2 || d.Census != 0 || d.Stream != "default/d2/0 epoch 1" || d.Key.Device != "d2" || !strings.HasPrefix(d.Against, "n") || d.What == "" || d.Want == d.Got {
			t.Errorf("the difference is %+v", d)
		}
		if !strings.Contains(sick.output.String(), "level=ERROR") {
			t.Error("there was no alarm")
		}
		r.store("d1", 5)
		r.seal(r.nodes[0])
		r.pass(time.Minute)
		if st := sick.sealer.Status(); sick.signed() || !strings.Contains(st.Objection, "seal 2 is another one") || st.Checkpoint.Signers[0] == origin+"/n3" {
			t.Errorf("it signs, or does not say why not: %+v", st)
		}
		sick.kill()
		sick.start()
		r.pass(time.Minute)
		if list := sick.sealer.Differences(); len(list) != 1 || list[0].Stream == "" || sick.signed() {
			t.Errorf("after a restart: %+v", list)
		}
		counted := r.peek(&sick.opened)
		r.pass(time.Hour)
		if r.peek(&sick.opened) != counted {
			t.Errorf("it opened segments %d times more", r.peek(&sick.opened)-counted)
		}
		r.change(func() { delete(sick.swapped, name) })
		r.settled(sick)
		if list := sick.sealer.Differences(); len(list) != 0 {
			t.Errorf("with the right segment: %+v", list)
		}
	})
}

func copyOf(s *Section) *Section {
	c := *s
	return &c
}

// TestDifferenceWithoutPeers: nobody can be asked at first; the stream is named once somebody can.
func TestDifferenceWithoutPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		sick := r.nodes[1]
		r.store("d1", 5)
		r.store("d2", 5)
		r.change(func() { sick.behind, sick.deaf = copyOf(r.log.s), true })
		r.seal(r.nodes[0])
		sick.replace("d1")
		r.change(func() { sick.behind, sick.floor = nil, r.nodes[0].floor })
		r.until("the difference is found", func() bool { return len(sick.sealer.Differences()) == 1 })
		r.pass(time.Minute)
		if d := sick.sealer.Differences()[0]; d.Stream != "" || d.Against != "" {
			t.Errorf("compared with nobody: %+v", d)
		}
		r.change(func() { sick.deaf = false })
		r.until("the stream is named", func() bool { return sick.sealer.Differences()[0].Stream == "default/d1/0 epoch 1" })
		if names, err := sick.fs.List("proof"); err != nil || strings.Contains(strings.Join(names, " "), otherExtension) {
			t.Errorf("left behind: %q %v", names, err)
		}
	})
}

// TestNobodyAgrees: two of two differ. Nothing is sealed; the one that had another segment counts again when it has the right one, and says so.
func TestNobodyAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.start(t)
		r.store("d1", 5)
		sick := r.nodes[1]
		r.change(func() { sick.behind = copyOf(r.log.s) })
		r.pass(time.Second)
		r.change(func() { r.log.cut(); r.flush() })
		name := sick.replace("d1")
		r.change(func() { sick.behind, sick.floor = nil, r.nodes[0].floor })
		r.until("both have spoken", func() bool {
			p := sick.sealer.Status().Pending
			return len(p) == 1 && len(p[0].Reported) == 2 && p[0].Roots == 2
		})
		r.pass(time.Minute)
		said := r.times(KindRoots)
		r.pass(time.Hour)
		if r.times(KindRoots) != said || said > 4 {
			t.Errorf("the roots were said %d times, %d of them later", r.times(KindRoots), r.times(KindRoots)-said)
		}
		r.change(func() { delete(sick.swapped, name) })
		r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
		r.settled(r.nodes...)
		if st := sick.sealer.Status(); st.Sealed != 1 || len(st.Differences) > 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestAnotherCensus: a ledger or a policy that is not the cluster's is an alarm, until a census is the same again.
func TestAnotherCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		sick := r.nodes[2]
		r.store("d1", 5)
		r.change(func() { sick.policy = []byte(`{"revision":2}`) })
		r.seal(r.nodes[0])
		r.until("the difference is found", func() bool { return len(sick.sealer.Differences()) == 1 })
		r.pass(time.Minute)
		if d := sick.sealer.Differences()[0]; d.Census == 0 || d.Ordinal != 1 || sick.signed() || !strings.Contains(sick.output.String(), "level=ERROR") {
			t.Errorf("signed: %t, the difference is %+v", sick.signed(), d)
		}
		r.change(func() { sick.policy = r.nodes[0].policy })
		r.store("d1", 5)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
	})
}

// TestForeignRecords: frames that are not the cluster's log are never signed, and not taken for it.
func TestForeignRecords(t *testing.T) {
	for name, tamper := range map[string]func(i int64, data []byte) []byte{
		"another word": func(i int64, data []byte) []byte {
			return []byte(strings.Replace(string(data), `"by":"n`, `"by":"m`, 1))
		},
		"another seal": func(i int64, data []byte) []byte {
			return []byte(strings.Replace(string(data), `"ordinal":1`, `"ordinal":2`, 1))
		},
		"no record": func(i int64, data []byte) []byte { return data[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 3)
				r.nodes[2].tamper = tamper
				r.start(t)
				r.store("d1", 5)
				r.seal(r.nodes[0])
				r.pass(time.Minute)
				if r.nodes[2].signed() {
					t.Error("it signs")
				}
				r.change(func() { r.nodes[2].tamper = nil })
				r.settled(r.nodes[2])
			})
		})
	}
}
