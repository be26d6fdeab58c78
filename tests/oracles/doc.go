// Package oracles replays recordings of real devices into three real processes and holds the answers against what was counted by other means: the
// tables "Real gaps, counted" in the recordings' README, and a second count of the files by the plainest code (epochs_test.go, recording_test.go).
// Nothing here shares code with what it judges: the recordings go in through `gapless replay`, the answers come out over HTTP.
//
//	counters  frame counters: gaps by number, under the README's rule and under the default one, every difference explained
//	cadence   series without numbers: gaps by time
//	cells     every cell of every recording is read back, a missing one as a missing field
//	windows   random ranges of numbers and times, with their completeness
//	again     a second replay adds only duplicates; an interrupted one goes on
//
// The folder of recordings is named by GAPLESS_TESTDATA. Without it the tests are skipped, and tests/skips lists them.
package oracles
