// Package sim runs three real nodes in one process and breaks everything beneath them, hours of it in minutes.
//
// A simulation is a testing/synctest bubble with the root package in it, unchanged: its nodes stand on simulated machines (gapless.Machine), which
// have a disk in memory that knows what a power cut leaves (vfs.Mem), a vote store on that disk (tests/votes), a place in a simulated network
// (tests/network) and a wall clock that can be wrong. Time is the bubble's: a minute of load, faults and repair takes a second.
//
//	schedule (tests/schedule)       senders, readers
//	     | what breaks, and when        | HTTP
//	     v                              v
//	+--------------------- bubble ----------------------+
//	|  machine 1        machine 2         machine 3     |
//	|  gapless.Node     gapless.Node      gapless.Node  |      history
//	|  disk, clock      disk, clock       disk, clock   |  ---------------> tests/check: a verdict
//	|       \______________ | __________________/       |
//	|                    network                        |
//	+---------------------------------------------------+
//
// A process that is killed, or that ends by itself, leaves its disk and its network at once; a service manager starts it again, and an operator
// replaces disks that a node refuses. What the clients want is drawn from another stream than the faults, so that a schedule with fewer steps meets
// the same load.
//
// Segments are merged all the time, under a policy with which two segments are enough: devices send with times of long ago, so that there is
// something to part. Who verifies a merge also makes it again and compares the files. With every second seed, what was replaced goes without delay.
//
// The schedule of a run is written before it, from a seed. A run that fails is repeated with fewer and fewer faults, and the smallest schedule that
// still fails is saved, with the command that replays it (tests/trial). The order of goroutines is not part of a seed: a replay repeats the schedule,
// as often as it is told to, and not every instruction.
//
// A run passes only when every fault was felt and enough frames were acknowledged; one that broke no promise and proves nothing is UNKNOWN.
package sim
