package main

import "time"

// bug is a promise that a build tag breaks, and the test that notices.
type bug struct {
	tag     string
	promise string        // what is true without the tag
	level   string        // L0: a room or nodes on loopback; L1: the simulation; L2: real processes on disks that lie
	pkg     string        // whose test it is
	run     string        // pattern of go test -run
	says    string        // part of what that test prints when it fails of this
	limit   time.Duration // how long the test may take to notice, apart from compiling it; 0: testLimit
}

// flags are those that tests of a package want besides.
var flags = map[string][]string{
	"./tests/fault": {"-scenarios=some", "-shrink=false"},
}

// bugs has a line for each tag, by what they break.
var bugs = []bug{
	{
		tag: "bug_ack_before_fsync", level: "L0", pkg: "./wal", run: "TestCrashBesideHousekeeper",
		promise: "What the log acknowledged is synced.",
		says:    "after recovery and more entries: the log is 1..2, want 1..3",
	},
	{
		tag: "bug_zero_length_end", level: "L0", pkg: "./wal", run: "TestEntriesWithoutData",
		promise: "An entry of no bytes is an entry, not the end of the log.",
		says:    "after a power cut: the log is empty, want 1..1",
	},
	{
		tag: "bug_prefix_delete_at_floor", level: "L0", pkg: "./wal", run: "TestDeleteRange",
		promise: "The entry at the floor stays when the log is cut.",
		says:    "the log is 21..40, want 20..40",
	},
	{
		tag: "bug_missing_dirsync", level: "L0", pkg: "./segment", run: "TestWriteSurvivesCrashes",
		promise: "A segment that a floor lists is there after a power loss.",
		says:    "0 segments after Write returned",
	},
	{
		tag: "bug_flush_drops_frame", level: "L0", pkg: "./segment", run: "TestReadsLittle/everything",
		promise: "Every frame of a head is in its segment.",
		says:    "want 20480 rows",
	},
	{
		tag: "bug_merge_boundary", level: "L0", pkg: "./segment", run: "TestMergeCopiesBlocks/short_of_three_quarters",
		promise: "Every row of the inputs of a merge is in its outputs.",
		says:    "the merge has 6141 frames, its inputs have 6142",
	},
	{
		tag: "bug_compare_blind", level: "L0", pkg: "./segment", run: "TestCompareNamesTheColumn",
		promise: "An output that passes Compare has the values of the inputs.",
		says:    "a bit of a value: <nil>",
	},
	{
		tag: "bug_merged_epochs", level: "L0", pkg: "./ledger", run: "TestDeclaredReboot",
		promise: "Two lives of a counter are two epochs.",
		says:    "frame 0: {Status:unverified",
	},
	{
		tag: "bug_gap_forgets_tail", level: "L0", pkg: "./ledger", run: "TestTailAndHeadLoss",
		promise: "What a device declared and nobody saw is missing.",
		says:    `got [], want ["97-99 OPEN 0"]`,
	},
	{
		tag: "bug_rule_forgotten", level: "L0", pkg: "./ledger/registry", run: "TestRulesOutliveARestore",
		promise: "A device's rule holds after a restart, whichever checkpoint is read first.",
		says:    "a frame 17 below the newest is {Status:duplicate",
	},
	{
		tag: "bug_duplicate_on_replay", level: "L0", pkg: "./raftfsm", run: "TestReplayStoresNothingTwice",
		promise: "A request that comes again stores nothing, also in a log that is replayed on a floor.",
		says:    "9 frames are stored, 6 were sent",
	},
	{
		tag: "bug_nondeterministic_flush", level: "L0", pkg: "./raftfsm", run: "TestFloorsAreAFunctionOfTheLog",
		promise: "Where a flush point lies, and so what is in a segment, is a function of the log.",
		says:    "want those of a node that was never interrupted",
	},
	{
		tag: "bug_merge_without_quorum", level: "L0", pkg: "./compact", run: "TestNoDoneWithoutQuorum",
		promise: "A merge takes effect when a majority of the voters has its result, and not before.",
		says:    "1 edits wait for the next floor",
	},
	{
		tag: "bug_merge_unseen", level: "L0", pkg: "./compact", run: "TestLyingBuilder",
		promise: "Nobody vouches for the result of a merge that differs from its inputs.",
		says:    "a result with another time than its inputs takes effect",
	},
	{
		tag: "bug_merge_edit_early", level: "L0", pkg: "./raftfsm", run: "TestEditBehindAFlushPoint",
		promise: "A merge takes effect at the first flush point behind it on every node, however far its flusher is.",
		says:    "the floor before it has the edit",
	},
	{
		tag: "bug_merge_deletes_early", level: "L0", pkg: ".", run: "TestStorageSurvivesCrashes/merge$",
		promise: "What a merge replaced stays until no floor that is kept lists it.",
		says:    "file 0 of the merge is here: false",
	},
	{
		tag: "bug_delete_before_durable", level: "L0", pkg: ".", run: "TestLogStaysWhileItIsTheOnlyCopy",
		promise: "The log is cut when what it held is durable on a second node, too.",
		says:    "and no other node has a floor",
	},
	{
		tag: "bug_wiped_voter_votes", level: "L0", pkg: ".", run: "TestAmnesia/seed_0",
		promise: "A node that lost its disk has no vote.",
		says:    "takes part on a disk that was wiped",
	},
	{
		tag: "bug_stale_linearizable", level: "L0", pkg: ".", run: "TestCutOffLeaderConfirmsNothing",
		promise: "A linearizable read shows everything that was acknowledged before it.",
		says:    "a leader that nobody confirmed answered a linearizable read: 200",
	},
	{
		tag: "bug_tail_skip", level: "L0", pkg: "./query/tail", run: "TestFramesThatMoveAreGivenOnce",
		promise: "A tail gives a frame that moves from a head into a segment between two looks of the reader.",
		says:    "while frames move: 3 lines, want 6",
	},
	{
		tag: "bug_cert_counts_unacked", level: "L0", pkg: "./tests/check", run: "TestCertificates",
		promise: "What a certificate calls stored is stored.",
		says:    "certificates: FALSE: FORGOTTEN: does not list what cannot have been stored by then",
	},
	{
		tag: "bug_cert_forgets_gap", level: "L0", pkg: "./tests/check", run: "TestCertificates",
		promise: "A gap is in a certificate while it is open, too.",
		says:    "certificates: FALSE: TAIL: the report ends at 19, known is 24",
	},
	{
		tag: "bug_seal_own_root", level: "L0", pkg: "./tests/check", run: "TestForgedSegment",
		promise: "A node vouches for what it counted itself, on its own disk.",
		says:    "certificates: SILENT: frames on its disk were changed",
	},
	{
		tag: "bug_log_rewrites", level: "L0", pkg: "./tests/check", run: "TestCertificates",
		promise: "A record of the proof's log has the bytes that were hashed.",
		says:    "certificates: WITHHELD: the node gives no certificate of everything in the end",
	},
	{
		tag: "bug_cert_old_census", level: "L0", pkg: "./proof/verify", run: "TestOldCensus",
		promise: "A certificate shows the newest CENSUS of its log.",
		says:    "the old census: code 0, want 10",
	},
	{
		tag: "bug_cert_old_watermark", level: "L0", pkg: "./proof/verify", run: "TestTailOfATime",
		promise: "A time is complete only as far as its device has spoken.",
		says:    "said long before: code 0, want 3",
	},
	{
		tag: "bug_roots_unsigned", level: "L0", pkg: "./proof", run: "TestNoNodeSpeaksForAnother",
		promise: "A node says for itself what it counted: no other says it in its name.",
		says:    "FAIL: TestNoNodeSpeaksForAnother/roots_of_n1_by_",
	},
	{
		tag: "bug_os_sync", level: "L2", pkg: "./tests/fault", run: "TestScenarios/power-all$", limit: 5 * time.Minute,
		promise: "What is acknowledged is on the disks of a majority.",
		says:    "durable: LOST",
	},
}
