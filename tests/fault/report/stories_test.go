package report

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

var begun = time.Date(2026, 11, 21, 10, 4, 5, 0, time.UTC)

const segmentFile = "segments/5c1f9a7702be4a35.gseg"

// passed is 45 s with eight faults that did no harm.
func passed() *Report {
	s := newStory(45, "n1", "n2", "n3")
	s.fault(4, 6.5, "kill", "n1", "kill node leader for 2.500 s", 1)
	s.fault(9, 12, "cut", "n2", "cut node 2 to 3 for 3.000 s", 1841)
	s.fault(14.2, 14.2, "flip", "n2", "bit 3 of byte 120433", 1)
	s.run.Faults[2].File, s.run.Faults[2].MustFind = segmentFile, true
	s.fault(19, 21.4, "power_all", "", "power_all node all lose for 2.400 s", 3)
	s.fault(25, 29, "pause", "n1", "SIGSTOP of the leader for 4.000 s", 1)
	s.fault(27.5, 27.5, "clock", "n3", "wall clock +2,592,000 s", 9214)
	s.fault(31.6, 34, "sync_error", "n2", "the next sync fails once, what was not synced is dropped", 1)
	s.fault(36, 39.2, "isolate", "n3", "isolate node leader for 3.200 s", 2207)
	s.lead(0.3, 4, "n1", 2)
	s.lead(5.1, 19, "n2", 3)
	s.lead(22.8, 25, "n1", 4)
	s.lead(26.7, 36.9, "n3", 5)
	s.lead(38, 45, "n2", 7)
	s.absent(4, 6.5, "n1", Down)
	for _, n := range s.run.Nodes {
		s.absent(19, 21.4, n, Down)
	}
	s.absent(22, 22.8, "n1", Candidate)
	s.absent(25, 29, "n1", Paused)
	s.absent(31.6, 34, "n2", Down)
	s.absent(37, 39.2, "n3", Candidate)
	s.absent(37.4, 38, "n2", Candidate)
	s.event(14.9, check.Damaged, "n2", segmentFile, "block 7 does not match its checksum")
	s.event(16.3, check.Repaired, "n2", segmentFile, "pulled from n3")
	s.event(31.6, check.SyncFailed, "n2", "wal/000012.wal", "input/output error")
	s.quorate(0, 19, 21.6, 45)
	s.send(6, 2, 60*time.Millisecond, 10)
	s.watch(200 * time.Millisecond)
	s.end(39.2)
	return &Report{
		Title: "leader killed, links cut, power lost: the mixed minute", Commit: "18b5d30c7a41", Seed: 20260,
		Replay: "go test ./tests/fault -run 'TestReplay' -args -schedule bin/fault/20260.json", Started: begun,
		Plan: schedule.Generate(20260, schedule.Options{Length: 45 * time.Second, Quiet: 6 * time.Second}),
		Run:  s.run, Samples: s.samples, Verdict: check.Verdict{Result: check.Pass},
		Counts: []Count{{"connections opened", 1018, "by 1,000 clients that come back"}, {"frames from the tail", 44210, "in order, none twice"}},
		Logs:   map[string]string{"n1": journal("n1", 300), "n2": journal("n2", 300), "n3": journal("n3", 40)},
	}
}

func journal(node string, lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "time=2026-11-21T10:04:%02d.%03dZ level=INFO msg=\"range committed\" node=%s device=pump-%d first=%d last=%d index=%d\n",
			i%60, i*7%1000, node, i%6, i*10, i*10+9, 40+i)
	}
	return b.String()
}

// failed lost frames and answered with old ones.
func failed() *Report {
	s := newStory(30, "n1", "n2", "n3")
	s.fault(6, 9, "power", "n1", "power node leader, lose, for 3.000 s", 1)
	s.fault(14, 18, "cut", "n2", "cut node 2 to all for 4.000 s", 732)
	s.fault(21, 23, "rollback", "n3", "disk put back by 4.000 s", 1)
	s.lead(0.2, 6, "n1", 2)
	s.lead(7.4, 14.8, "n2", 3)
	s.lead(16, 30, "n1", 4)
	s.absent(6, 9, "n1", Down)
	s.absent(21, 23, "n3", Down)
	s.absent(23, 25, "n3", Refused)
	s.event(23.1, check.Refusal, "n3", "", "this disk lacks what it acknowledged: index 812 of 1,204")
	s.event(25, check.Wiped, "n3", "", "")
	s.quorate(0, 5.8, 6.4, 30)
	s.send(5, 2, 90*time.Millisecond, 8)
	s.watch(200 * time.Millisecond)
	s.end(25.5)
	r := &Report{
		Title: "power cut of the leader under load", Commit: "0badc0ffee12 (bug_ack_before_fsync)", Seed: 4711, Run: s.run, Samples: s.samples,
		Replay: "go test ./tests/fault -tags bug_ack_before_fsync -run 'TestScenarios/power-cut' -args -seed 4711", Started: begun,
		Skips: []string{"SKIP loss: needs tc netem", "SKIP delay: needs tc netem"},
		Logs:  map[string]string{"n1": journal("n1", 80)},
	}
	r.Verdict.Result = check.Fail
	pump := check.Counter{Device: "pump-3", Stream: "main", Epoch: "boot-1"}
	for _, n := range s.run.Nodes {
		r.Verdict.Violations = append(r.Verdict.Violations, check.Violation{
			Checker: "durable", What: "LOST: acknowledged and not there in the end", Counter: pump, Node: n, At: s.run.Finals[0].At,
			Numbers: check.NumbersOf(check.Span{First: 512, Last: 543}), Witnesses: batchWords(s.run, 3, 4),
		})
	}
	witness := "client 5 asked n2 (linearizable) at 15.02s..15.024s, answer as of 1/900: newest frame of pump-0/main epoch boot-1: 511 (epoch 1)"
	for i := range 14 {
		r.Verdict.Violations = append(r.Verdict.Violations, check.Violation{
			Checker: "stale", What: fmt.Sprintf("STALE: the answer is as of %d, an earlier one contained %d", 900+i, 1100+i), Node: "n2",
			At: at(15 + float64(i)/9), Witnesses: []string{witness},
		})
	}
	r.Verdict.Blind = []string{"amnesia: no votes"}
	return r
}

func batchWords(run *check.Run, client, few int) (list []string) {
	for i := range run.Batches {
		if b := &run.Batches[i]; b.Client == client && len(list) < few {
			list = append(list, b.String())
		}
	}
	return list
}

// unproven has a fault that did not bite and reads of nothing.
func unproven() *Report {
	s := newStory(12, "n1", "n2", "n3")
	s.fault(3, 5, "disk_full", "n2", "disk_full node 2 for 2.000 s", 0)
	s.fault(6, 8, "strobe", "n1", "wall clock +30 s and back", 41)
	s.lead(0.2, 12, "n1", 2)
	s.send(2, 0, 200*time.Millisecond, 4)
	s.watch(250 * time.Millisecond)
	s.run.Healed = at(8)
	return &Report{Title: "disk full on a follower", Commit: "18b5d30c7a41", Seed: 99, Run: s.run, Samples: s.samples, Verdict: check.Judge(s.run),
		Replay: "go test ./tests/fault -run TestReplay -args -schedule bin/fault/99.json", Started: begun,
		Skips: []string{"SKIP memory limit: needs a cgroup"}}
}

// small has something of everything, and is the golden page.
func small() *Report {
	s := newStory(6, "n1", "n2", "n3")
	s.fault(1, 2, "kill", "n1", "kill node leader", 1)
	s.fault(2.5, 2.5, "flip", "n2", "", 1)
	s.lead(0, 1, "n1", 2)
	s.lead(1.6, 6, "n2", 3)
	s.absent(1, 2, "n1", Down)
	s.absent(3.5, 4.5, "n3", Paused)
	s.event(2.6, check.Damaged, "n2", segmentFile, "")
	s.event(3, check.Repaired, "n2", segmentFile, "")
	s.quorate(0, 6)
	s.send(2, 1, 300*time.Millisecond, 5)
	s.watch(500 * time.Millisecond)
	s.end(4.5)
	r := &Report{Title: "small", Commit: "abc123", Replay: "go test -run TestSmall", Seed: 7, Run: s.run, Samples: s.samples, Started: begun,
		Plan:  &schedule.Schedule{Version: 1, Seed: 7, Nodes: 3, Length: at(6), Note: "a page that fits a screen"},
		Skips: []string{"SKIP delay: needs tc netem"}, Counts: []Count{{"reconnects", 3, "of 2 clients"}}, Logs: map[string]string{"n1": journal("n1", 3)}}
	r.Verdict = check.Verdict{Result: check.Fail, Violations: []check.Violation{
		{Checker: "once", What: "TWICE: 5 is there 2 times, at most 1 (it has a number)", Node: "n2", At: at(5), Witnesses: batchWords(s.run, 1, 2),
			Counter: check.Counter{Device: "pump-1", Stream: "main", Epoch: "boot-1"}, Numbers: check.NumbersOf(check.Span{First: 5, Last: 5})},
		{Checker: "linear", What: "the search was given up", Undecided: true},
	}}
	return r
}

// huge is six hours of 64 clients, 200,000 batches, and a long list of faults. It takes a second to tell.
var huge = sync.OnceValue(func() *Report {
	s := newStory(6*3600, "n1", "n2", "n3", "n4", "n5")
	for i := range 600 {
		from := float64(30 + i*35)
		kind := schedule.Kinds()[i%len(schedule.Kinds())].Fault
		s.fault(from, from+10, string(kind), s.run.Nodes[i%5], "step "+fmt.Sprint(i), uint64(i+1))
	}
	for i := range 1000 {
		s.lead(float64(i)*21.6, float64(i)*21.6+20, s.run.Nodes[i%5], uint64(i+2))
		s.event(float64(i)*21.6, check.Damaged, s.run.Nodes[i%5], segmentFile, "again")
		s.quorate(float64(i)*21.6, float64(i)*21.6+15)
	}
	s.send(64, 4, 6900*time.Millisecond, 3)
	s.watch(time.Second)
	s.run.Healed = at(21500)
	r := &Report{Title: "a night of everything", Seed: 1, Commit: "18b5d30c7a41", Run: s.run, Samples: s.samples, Logs: map[string]string{}}
	long := journal("n1", 20_000)
	for i := range 40 {
		r.Logs[fmt.Sprintf("n%02d", i)] = long
	}
	witnesses := batchWords(s.run, 7, 9)
	for i := range 5000 {
		r.Verdict.Violations = append(r.Verdict.Violations, check.Violation{Checker: check.All()[i%17].Name(), What: strings.Repeat("much ", 400),
			At: at(float64(i) * 4), Witnesses: witnesses})
	}
	r.Verdict.Result = check.Fail
	return r
})
