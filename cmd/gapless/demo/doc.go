// Package demo starts a cluster of three gapless processes on loopback and, unless it is told to stay, runs a simulated fleet
// against it, kills the leader halfway, restarts it, and compares frame by frame (package fleet). In the end a node certifies the whole fleet, and the
// certificate is checked offline.
//
// Everything it makes is under one directory: a folder and a log for each node, the truth file, and a marker that says that the
// directory is a demo's and which ports it uses. A directory with content and without the marker is never touched.
//
// The nodes are the program's own binary, started as any operator would (gapless serve with flags). They end with the demo: by
// SIGTERM when it ends in order, by the kernel where it can do that (Linux) when the demo itself is killed.
//
//	demo.go       the course of events
//	directory.go  what is kept under the directory
//	ports.go      which ports
//	cluster.go    the three processes together, node.go one of them, orphan_*.go its end when the demo dies
//	status.go     what a node says of itself
//	certify.go    the certificate, and its check
//	progress.go   a bar on a terminal, lines elsewhere
//	doors.go      what to type next
package demo
