package compat

import (
	"encoding/json"
	"fmt"
	"testing"
)

// writeMore goes on where load ended, at one node after the other: new frames, late ones into holes, old ones again, other ones under old
// numbers, and an old key.
func writeMore(t *testing.T, urls []string, old answers) {
	t.Helper()
	again, n := stored(t, old, "mill", nil)
	identical := frames(0, again)
	identical.want["duplicate"] = n
	other, n := stored(t, old, "reboot", func(f map[string]any) { f["fields"] = map[string]any{"v": -1} })
	conflicting := frames(0, other)
	conflicting.want["conflict"] = n
	replayed := keyed()
	replayed.want["replayed"] = true
	for i, r := range []request{
		identical, conflicting, replayed,
		lines("mill", 12, 12, all, mill), // was missing for good
		lines("mill", 205, 259, holes, mill),
		lines("narrow", 550, 599, holes, narrow),
		lines("new", 0, 99, holes, plain("1")),
		say("/v1/devices/reboot/heartbeat", `{"epoch":"b","next_seq":30,"first":0}`),
	} {
		r.say(t, urls[i%len(urls)])
	}
}

// stored writes a device's frames as a client would send them again, after change, and counts them.
func stored(t *testing.T, old answers, device string, change func(f map[string]any)) (lines string, n int) {
	t.Helper()
	for _, f := range framesOf(old[fmt.Sprintf(deviceQuestions[0], device)]) {
		was := f.(map[string]any)
		sent := map[string]any{"epoch": was["epoch_value"]}
		for _, member := range []string{"device", "stream", "seq", "time", "class", "fields", "raw"} {
			if v, ok := was[member]; ok {
				sent[member] = v
			}
		}
		if change != nil {
			change(sent)
		}
		b, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		lines += string(b) + "\n"
		n++
	}
	if n == 0 {
		t.Fatalf("no frames of %s were frozen", device)
	}
	return lines, n
}
