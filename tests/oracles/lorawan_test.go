package oracles

import (
	"slices"
	"testing"
)

const (
	eynard = "lorawan_saint_eynard.csv.gz"
	perret = "lorawan_tour_perret.csv.gz"
)

// How the two files are read. Rows of Saint-Eynard without a counter are no uplinks; its payload is text here, because hexadecimal such as 50e12
// looks like a number. sentArgs leave out what the network added to a frame of Tour Perret.
var (
	eynardArgs = []string{"--seq", "fcnt", "--no-seq", "skip", "--time", "ts_ms", "--time-format", "ms", "--strings", "payload_hex"}
	sentArgs   = []string{"--seq", "fcnt", "--base64", "payload_b64,raw_packet_b64", "--raw", "raw_packet_b64", "--fields", "payload_b64"}
	perretArgs = []string{"--seq", "fcnt", "--time", "ts_ms", "--time-format", "ms", "--base64", "payload_b64,raw_packet_b64", "--raw", "raw_packet_b64"}
)

// numbersOf is the counter of a device, in the order of the file.
func numbersOf(r *recording, column, device string) (list []uint64) {
	for _, row := range r.of(column, device) {
		if row[r.column["fcnt"]] != "" {
			list = append(list, r.number(row, "fcnt"))
		}
	}
	return list
}

// counters replays LoRaWAN uplinks with their frame counters.
func (w *world) counters(t *testing.T) {
	t.Run("as the README counts", w.asTheREADMECounts)
	t.Run("what is sent decides what a duplicate is", w.whatADuplicateIs)
	t.Run("by the default rule", w.byTheDefaultRule)
	t.Run("with the epoch named", w.withTheEpochNamed)
}

// asTheREADMECounts gives the README's rule as policy, and as the rule of these devices alone, and finds its table and each single gap of it.
func (w *world) asTheREADMECounts(t *testing.T) {
	w.policy(t, "ledger.restart_below=10", "ledger.restart_drop=500")
	w.replay(t, eynard, eynardArgs...)
	w.replay(t, perret, append(slices.Clone(perretArgs), "--device", "{devaddr}")...)
	w.policy(t, "ledger.restart_below=0", "ledger.restart_drop=0")
	rule := []string{"--restart-below", "10", "--restart-drop", "500"}
	w.replay(t, eynard, slices.Concat(eynardArgs, rule, []string{"--device", "ruled/{device}"})...)
	w.replay(t, perret, slices.Concat(perretArgs, rule, []string{"--device", "ruled/{devaddr}"})...)
	for _, tt := range []struct {
		file, column, device string
		want                 oracle
	}{
		{eynard, "device", "d1d1e80000000032", oracle{19_520, 10, 19_519, 1, 17_314, 6_494, 3_648}},
		{eynard, "device", "d1d1e80000000033", oracle{13_768, 1, 13_768, 0, 86, 51, 26}},
		{perret, "devaddr", "07000048", oracle{1_352, 1, 992, 360, 0, 0, 0}},
		{perret, "devaddr", "00000048", oracle{31_613, 2, 29_748, 1_865, 338, 50, 56}},
	} {
		for _, name := range []string{tt.device, "ruled/" + tt.device} {
			reports := w.same(t, name, numbersOf(w.recording(t, tt.file), tt.column, tt.device), fallen)
			if got := w.account(t, name, reports); got != tt.want {
				t.Errorf("%s: got %v, want %v", name, got, tt.want)
			}
		}
	}
}

// whatADuplicateIs: the 2,225 repeated frames of Tour Perret are one transmission that the network delivered again, with the same payload and the
// same encrypted packet, but with a receive time (ts_ms), a signal strength or a list of gateways of its own. Whoever stores the delivery has
// 2,225 conflicts: the first delivery stays, the others are evidence. Whoever stores the transmission has 2,225 identical duplicates. What is
// missing is the same.
func (w *world) whatADuplicateIs(t *testing.T) {
	w.policy(t, "ledger.restart_below=10", "ledger.restart_drop=500")
	defer w.policy(t, "ledger.restart_below=0", "ledger.restart_drop=0")
	w.replay(t, perret, append(slices.Clone(perretArgs), "--device", "delivery/{devaddr}")...)
	w.replay(t, perret, append(slices.Clone(sentArgs), "--device", "sent/{devaddr}")...)
	for device, repeats := range map[string]uint64{"07000048": 360, "00000048": 1_865} {
		for _, tt := range []struct {
			name                string
			identical, conflict uint64
		}{{"delivery/" + device, 0, repeats}, {"sent/" + device, repeats, 0}} {
			var identical, conflict uint64
			for _, r := range w.reports(t, tt.name) {
				identical += r.Duplicates.Identical
				conflict += r.Duplicates.Conflict
			}
			if identical != tt.identical || conflict != tt.conflict {
				t.Errorf("%s: %d identical, %d in conflict; want %d and %d", tt.name, identical, conflict, tt.identical, tt.conflict)
			}
		}
	}
}
