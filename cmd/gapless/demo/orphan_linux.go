package demo

import "syscall"

// processAttr puts a node into a process group of its own, so that Ctrl-C reaches the demo alone, and has the kernel kill it should
// the demo die without stopping it. The kernel ties that to the thread that started the node; Go keeps its threads.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
