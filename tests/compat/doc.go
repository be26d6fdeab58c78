// Package compat keeps data directories as older releases left them, and opens them with today's code: every frame, gap and account that
// the old release answered must be answered the same, on every node; more is written; the nodes start again.
//
// A frozen cluster is one archive in testdata: a directory for each node, as it was after SIGTERM, and answers.json, what the old release
// said of it just before. Nothing in testdata is ever made anew for a release that exists: it stands for the disks out there.
//
//	archive     log   batch  command  identity  floor  manifest  segment  what is in it
//	0.1.0-one   1     1      1        1         -      -         -        a cluster of one; everything is in the log
//	0.1.0-three 1     1      1        1         -      -         -        three nodes; TICKs without notes
//	0.2.0-one   1     1      1        2         1      1         1        two segments, the newest frames in the log only
//	0.2.0-three 1     1      1        2         1      1         1        three nodes; the log is cut: what floors and segments have is nowhere else
//
// raft.db is bbolt's format in all of them. The answers hold counters of 8 and 64 bits, declared and sealed epochs, holes of every cause, duplicates,
// conflicts, rejected and unnumbered frames, both classes, every kind of value that JSON has, and raw payloads.
//
// When a release is going to write any of these formats differently, freeze the newest one before it, which was the last to write the old: name it
// here and in the list of frozen_test.go, and
//
//	go test ./tests/compat -run TestFrozen -update 0.3.0      # builds the tag v0.3.0, lets it write, and packs what it left
//
// An archive has at most 200 KiB.
package compat
