// Command planted breaks promises on purpose and proves that the suite notices: a promise without a test that breaks with it is a hope.
//
//	go run ./tests/planted            # all of them
//	go run ./tests/planted -only bug_missing_dirsync
//	go run ./tests/planted -list
//
// # How a bug is planted
//
// What keeps a promise is a small function in a file of its own, <promise>.go, which a build tag leaves out: //go:build !bug_x. Beside it stands
// its broken twin, <promise>_bug.go, with //go:build bug_x and a comment line that begins with "Breaks:". The twin is a mistake that somebody
// could make there, and otherwise works. So the code has no ifs for the sake of tests, and the normal build no trace of the twin.
//
// # What is proved
//
// For each bug of the registry the test that is to notice it is built with the tag and run. It must fail, within a time limit, and say what the
// registry says that it says: a program that does not compile, a panic, or the failure of something else catches nothing. Without the tag the same
// test must pass. It should be the cheapest one that can see the promise broken: of a room or of nodes on loopback (L0), or else the simulation of
// tests/sim (L1), or else real processes on disks that lie (L2, tests/fault).
package main
