package ledger

import (
	"hash/crc32"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/recordings"
)

// rows calls fn for each line of a recording, by column name. Its counts serve as oracles here.
func rows(t *testing.T, name string, fn func(get func(column string) string)) {
	t.Helper()
	head, rows := recordings.Read(t, name)
	column := map[string]int{}
	for i, h := range head {
		column[h] = i
	}
	for _, row := range rows {
		fn(func(c string) string { return row[column[c]] })
	}
}

func number[T int64 | uint64](t *testing.T, s string) T {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return T(n)
}

// radioCounts is one line of the table "Real gaps, counted" in the recordings' README.
type radioCounts struct {
	device                                                        string
	rows, epochs, distinct, duplicates, missing, gapRuns, longest uint64
}

// TestRealRadio feeds LoRaWAN uplinks with their frame counters and finds what was counted by other means, under the rule stated there: a new epoch when the
// counter falls by more than 500 or to below 10. The rule is the policy of all devices, or that of each device.
func TestRealRadio(t *testing.T) {
	for _, file := range []struct {
		name, device string
		content      []string
		want         []radioCounts
	}{
		{"lorawan_saint_eynard.csv.gz", "device", []string{"payload_hex"}, []radioCounts{
			{"d1d1e80000000032", 19_520, 10, 19_519, 1, 17_314, 6_494, 3_648},
			{"d1d1e80000000033", 13_768, 1, 13_768, 0, 86, 51, 26},
		}},
		{"lorawan_tour_perret.csv.gz", "devaddr", []string{"payload_b64", "raw_packet_b64"}, []radioCounts{
			{"07000048", 1_352, 1, 992, 360, 0, 0, 0},
			{"00000048", 31_613, 2, 29_748, 1_865, 338, 50, 56},
		}},
	} {
		for how, l := range map[string]*Ledger{
			"policy": New(Policy{RestartBelow: 10, RestartDrop: 500}),
			"rule":   New(Policy{}),
		} {
			t.Run(file.name+" by "+how, func(t *testing.T) { checkRadio(t, l, how == "rule", file.name, file.device, file.content, file.want) })
		}
	}
}

// checkRadio feeds a recording; with ruled each device has the rule that else the policy has.
func checkRadio(t *testing.T, l *Ledger, ruled bool, name, device string, content []string, wants []radioCounts) {
	if ruled {
		for _, want := range wants {
			l.SetRule("default", want.device, Rule{RestartBelow: ptr(uint64(10)), RestartDrop: ptr(uint64(500))})
		}
	}
	fed := map[string]uint64{}
	var ms int64
	rows(t, name, func(get func(string) string) {
		if get("fcnt") == "" {
			return
		}
		ms = max(ms, number[int64](t, get("ts_ms")))
		fed[get(device)]++
		feedRadio(t, l, get, device, content, ms)
	})
	for l.Tick(ms+l.policy.GraceMS, false) > 0 {
	}
	for _, want := range wants {
		got := countRadio(t, l, want.device)
		got.rows = fed[want.device]
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if b := l.TotalBalance(); b.Balance != 0 || b.Drift != 0 {
		t.Errorf("balance %+v", b)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

func feedRadio(t *testing.T, l *Ledger, get func(string) string, device string, content []string, ms int64) {
	id, err := l.Intern(frame.StreamKey{Tenant: "default", Device: get(device), Stream: "0"})
	if err != nil {
		t.Fatal(err)
	}
	fp := uint32(0)
	for _, c := range content {
		fp = crc32.Update(fp, crc32.IEEETable, []byte(get(c)))
	}
	g := frame.Group{Stream: id, Bits: 32}
	it := frame.Item{Seq: number[uint64](t, get("fcnt")), TimeNS: ms * 1_000_000, NoTime: true, Fingerprint: fp} // the network's time
	if o := l.Arrive(&g, ms, ms, &it); o.Status != Stored && o.Status != Duplicate {
		t.Fatalf("%s frame %d: %+v", get(device), it.Seq, o)
	}
}

func countRadio(t *testing.T, l *Ledger, device string) radioCounts {
	id, ok := l.ID(frame.StreamKey{Tenant: "default", Device: device, Stream: "0"})
	if !ok {
		t.Fatalf("no stream of %s", device)
	}
	c := radioCounts{device: device}
	reps, _ := l.Report(id, ReportOptions{GapLimit: 1 << 30})
	for _, rep := range reps {
		c.epochs++
		c.distinct += rep.Stored
		c.duplicates += rep.Duplicates.Identical
		c.missing += rep.Expected - rep.Stored
		c.gapRuns += uint64(len(rep.Gaps))
		for _, g := range rep.Gaps {
			c.longest = max(c.longest, g.Count)
		}
		if rep.Tail.Basis != BasisLastSeen || rep.Head.Basis != BasisFirstSeen {
			t.Errorf("%s epoch %d claims to know its ends: %s, %s", device, rep.Epoch.Ordinal, rep.Head.Basis, rep.Tail.Basis)
		}
	}
	return c
}
