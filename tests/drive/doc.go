// Package drive carries out a schedule of faults on a cluster under load, looks after the cluster as its operators would, heals it, reads everything,
// and has the history judged. What the cluster stands on is a World: simulated machines (tests/sim) or real ones (tests/fault). Both mean the same by
// each fault, because the meaning is here.
//
//	schedule (tests/schedule)          clients (tests/workload)
//	   | what breaks, and when            | HTTP
//	   v                                  v
//	 Driver ---- faults ---> World: machines (process, disk, clock), the network between them
//	   |  \----- supervises, operates, watches
//	   v
//	 history ---> tests/check: a verdict
//
// A Machine is a Computer of the world with the one who looks after it: its process is started again when it dies, as a service manager does; an
// operator replaces disks that the node refuses, and puts members back. A fault takes hold of a machine (hold) so that nobody starts it meanwhile.
//
// A process that ends by itself breaks a promise, unless a fault is at work that may end it, or was and the node has not been seen well since; nothing
// excuses a panic.
//
// A fault has a witness: evidence that it was felt. It is asked for when the run is over, and a run in which one is missing proves nothing.
//
// The package waits on the time package alone, so that it can live in a testing/synctest bubble.
package drive
