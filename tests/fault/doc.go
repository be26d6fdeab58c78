// Package fault breaks what real gapless processes stand on: real binaries on a real kernel, each with a disk that lies (faultfs), a network
// namespace of its own (host) and a wall clock of its own (skew). The schedules, the clients, the meaning of each fault and the judges are those of
// the simulation (tests/sim): package drive has them. What this level adds is everything that a simulation takes for granted: system calls, mmap,
// page faults, signals, sockets, descriptors, memory, and a process that really ends.
//
//	schedule (tests/schedule)       clients (tests/workload): JSON, binary and line protocol, readers, a follower
//	     | what breaks, and when        | HTTP, on links that no fault reaches
//	     v                              v
//	+--- n1 ------------+    +--- n2 ------------+    +--- n3 ------------+
//	| gapless serve     |    | gapless serve     |    | gapless serve     |     history
//	| clock (skew)      |    | clock             |    | clock             |  ----------> tests/check: a verdict
//	| disk (faultfs)    |    | disk              |    | disk              |  ----------> report.html (report)
//	| namespace (host)--+----+-------------------+----+--                 |
//	+-------------------+    +-------------------+    +-------------------+
//
// A run needs root, /dev/fuse, iproute2 and a kernel with what skew wants; what is missing is a loud skip. Nothing outlives a run, and what a killed
// one left is removed by the next.
//
// A run leaves NAME.html below bin/fault, whatever its verdict. One that breaks a promise is repeated with fewer and fewer faults, and the smallest
// schedule that still fails is saved beside it, with the command that replays it (tests/trial).
//
//	go test ./tests/fault -run TestScenarios -v -args -scenarios all
//	go test ./tests/fault -run TestReplay -args -schedule FILE -like SCENARIO -repeat 3
//	make torture DURATION=1h        every scenario, then schedules that nobody has seen
package fault
