package raftfsm

import (
	"testing"

	"pgregory.net/rapid"
)

func TestLogEndOrder(t *testing.T) {
	ordered := []LogEnd{{}, {1, 1}, {1, 2}, {2, 1}, {2, 500}, {3, 0}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%v compared with %v: %d", a, b, got)
			}
			if want := ordered[max(i, j)]; a.Max(b) != want {
				t.Errorf("the furthest of %v and %v is %v, want %v", a, b, a.Max(b), want)
			}
		}
	}
}

func TestTickOfEntry(t *testing.T) {
	body, err := MarshalTick(Tick{Voters: 3, Notes: []Note{{Server: "a.1", Voter: true, LogEnd: LogEnd{4, 7}}}})
	if err != nil {
		t.Fatal(err)
	}
	entry := AppendCommand(nil, KindTick, commandVersion, 0, body)
	tick, err := TickOf(entry)
	if note, ok := tick.Note("a.1"); err != nil || !IsTick(entry) || !ok || note.LogEnd != (LogEnd{4, 7}) {
		t.Errorf("read %+v, %v", tick, err)
	}
	if _, ok := tick.Note("a.2"); ok {
		t.Error("another incarnation has a note")
	}
	for name, other := range map[string][]byte{
		"nothing": nil, "a batch": AppendCommand(nil, KindBatch, commandVersion, 0, body), "noise": []byte("a long entry that is no command at all"), "cut": entry[:10],
	} {
		if IsTick(other) {
			t.Errorf("%s passes for a tick", name)
		}
		if _, err := TickOf(other); err == nil {
			t.Errorf("%s is read as a tick", name)
		}
	}
	entry[len(entry)-3] ^= 1
	if _, err := TickOf(entry); err == nil {
		t.Error("a damaged tick is read")
	}
	if _, err := TickOf(AppendCommand(nil, KindTick, commandVersion+1, 0, body)); err == nil {
		t.Error("a tick of a newer version is read")
	}
}

// TestTickOfAnything never panics: entries come from disks.
func TestTickOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "entry")
		if IsTick(data) {
			_, _ = TickOf(data)
		}
		_, _ = TickOf(AppendCommand(nil, KindTick, commandVersion, 0, data))
	})
}
