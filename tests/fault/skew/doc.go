// Package skew gives one process a wall clock of its own. It needs Linux 5.19 on amd64 or arm64, and root; Check says what is missing.
// Other systems compile the package and find nothing in it.
//
//	clock, cmd := skew.Wrap(exec.Command("gapless", "serve"))
//	defer clock.Close()
//	err := cmd.Start()          // and cmd is as any other: its process is the command's
//	clock.Set(time.Hour)        // from the next read on
//
// What is shifted: CLOCK_REALTIME, its coarse form and CLOCK_TAI by clock_gettime, gettimeofday and time, for every thread. What is not:
// monotonic clocks, and what the kernel stamps or waits for by itself (times of files, timers on absolute wall clock time; Go uses none).
// Programs that the command starts in turn read the true time where libraries ask the kernel's page (the vDSO), so wrap only what starts none.
//
// # How
//
//	controller                         supervisor (child of the controller)        command (child of the controller)
//	Wrap: a page of shared memory,
//	  a socket for the launcher
//	cmd.Start ───────────────────────────────────────────────────────────────────▶ launcher: a seccomp filter that hands reads of
//	                                                                                 the wall clock to whoever has its listener
//	  ◀──────────────────────────────── listener, pidfd, thread ─────────────────── sends them, waits for a word
//	starts it ───────────────────────▶ seizes the thread (ptrace) ─────────────────▶ exec
//	                                   at the exec: takes the vDSO out of the
//	                                   auxiliary vector; lets go for good ────────▶ the command runs, and reads clocks by system call
//	Set: one store in the page ······▶ answers each read: true time + offset
//
// Without a vDSO each read of a clock is a system call (0.2 us), one of the wall clock two switches of process more (measured: 6 us, 9 to
// 18 on a busy machine). The supervisor does nothing else, so that its answer does not wait for a busy controller. It counts the answers:
// Reads is the witness.
//
// # Ends
//
// When the command ends, however it does, the supervisor sees that at its pidfd and ends too. When the supervisor ends first, the controller
// kills the command; until then reads of the wall clock wait, because the controller holds the listener as well: no thread ever sees a
// clock that failed. When the controller ends, the kernel kills both (PDEATHSIG). Close ends all of it.
//
// With package host: the command's launcher is started by the host's, so what Wrap returns is what host.Command.Wrap wants.
package skew
