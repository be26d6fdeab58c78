// Package trial tries schedules of faults: what came of a run is said, one that proves nothing is tried again, and where a promise was broken the
// smallest schedule that still breaks it is looked for, and saved with the command that replays it. The simulation (tests/sim) and the level of real
// processes (tests/fault) do it alike, with the flags of this package:
//
//	-schedule FILE   what TestReplay carries out
//	-repeat N        how often TestReplay does
//	-shrink=false    look for no smaller schedule
//	-journal         show what the nodes logged, also of runs that pass
package trial
