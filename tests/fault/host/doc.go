// Package host gives a process under test a machine of its own: a network namespace with two links, and limits. It needs Linux 6.6, root
// and iproute2's ip; Check says what is missing. Other systems compile the package and find nothing in it.
//
//	            198.18.0.i on peer                     198.19.k.2i+1 on client
//	host i  ────────────────────── bridge (wire)       ───────────────────────── 198.19.k.2i, the controller's own namespace
//	            other hosts, faults                    no faults, no way to other hosts
//
// Nodes talk to each other over peer, and the controller, which lives in the machine's default namespace, talks to each of them over
// client. So a partition between nodes leaves clients alone, and the controller needs no dialer of its own. The addresses are from
// 198.18.0.0/15, which is set aside for tests of networks (RFC 2544); k is the first number that no interface of the machine uses, so
// several worlds can exist at once.
//
// # Faults
//
// Each packet that leaves a host meets a program of the kernel (BPF) at the bridge's port. It looks up a share for (sender, receiver) in a
// table, and drops that share of the packets: 1 is a cut. The table is memory that both sides see, so a change is one store and holds
// from the next packet on, for old and new connections; nothing is reset or refused, the packets are just gone. What was dropped is
// counted in the same table: Dropped is the witness. Packets here are what the kernel hands over: a stream may send up to 64 KiB in one.
// Only IPv4 is dropped. ARP passes, or a cut one way would become one both ways when an address is forgotten; IPv6 is not set up.
//
// # Processes
//
// Start runs the calling program again, as launcher: Main, which must be the first thing in main or TestMain, then joins the namespace and
// the control group, sets the limits, and becomes the command by exec. The process under test is a child of the controller, without
// anything in between, so signals reach it and nothing else. Start returns when the exec has happened.
//
// Limits come with witnesses: OOMKills and MemoryMet are the kernel's own counts; of descriptors the kernel counts no refusals, so
// Descriptors tells how many are open, and the limit was met when that is the limit.
//
// # Nothing outlives a run
//
// World.Close kills what runs in the namespaces, and removes namespaces, links and control groups. Should the controller itself be killed,
// the kernel kills its processes with it (PDEATHSIG). What remains then, empty namespaces and control groups, carries its owner in its
// name,
//
//	gapless-<pid of the owner>-<when it started, in ticks of the kernel>-<number of the world>-<host>
//
// and the next NewWorld on the machine removes all whose owner is no more. The kernel kills a child when the thread that started it ends:
// do not call Start from a goroutine that ends while it is locked to its thread.
//
// To look into a host while it runs: ip netns exec <name> ss -tni.
package host
