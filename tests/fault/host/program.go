//go:build linux

package host

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// instruction is one of the kernel's virtual machine (Documentation/bpf/standardization/instruction-set.rst).
type instruction struct {
	code      uint8
	registers uint8 // destination, and source in the upper half
	offset    int16
	immediate int32
}

// Codes by what they do; r0 to r10 are the machine's registers. A call gives its answer in r0 and leaves r6 to r9 alone.
const (
	move         = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_X // dst = src
	moveNumber   = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K // dst = immediate
	addNumber    = unix.BPF_ALU64 | unix.BPF_ADD | unix.BPF_K // dst += immediate
	andNumber    = unix.BPF_ALU64 | unix.BPF_AND | unix.BPF_K // dst &= immediate
	shiftLeft    = unix.BPF_ALU64 | unix.BPF_LSH | unix.BPF_K // dst <<= immediate
	or           = unix.BPF_ALU64 | unix.BPF_OR | unix.BPF_X  // dst |= src
	packet16     = unix.BPF_LD | unix.BPF_ABS | unix.BPF_H    // r0 = 16 bits of the packet at immediate; r6 is the packet
	packet8      = unix.BPF_LD | unix.BPF_ABS | unix.BPF_B    // r0 = 8 bits of it
	load         = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_DW  // dst = 64 bits at src+offset
	store32      = unix.BPF_STX | unix.BPF_MEM | unix.BPF_W   // 32 bits at dst+offset = src
	atomicAdd    = unix.BPF_STX | unix.BPF_XADD | unix.BPF_DW // 64 bits at dst+offset += src
	loadMap      = unix.BPF_LD | unix.BPF_IMM | unix.BPF_DW   // dst = the map with the descriptor immediate; takes two places
	jumpNotEqual = unix.BPF_JMP | unix.BPF_JNE | unix.BPF_K   // if dst != immediate
	jumpEqual    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K   // if dst == immediate
	jumpNotBelow = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_X   // if dst >= src
	call         = unix.BPF_JMP | unix.BPF_CALL               // helper number immediate
	exit         = unix.BPF_JMP | unix.BPF_EXIT

	lookup = 1 // bpf_map_lookup_elem
	random = 7 // bpf_get_prandom_u32

	onlyMap  = unix.BPF_PSEUDO_MAP_FD
	next     = -1 // TCX_NEXT: as if the program were not there
	drop     = 2  // TCX_DROP
	ethernet = 14 // bytes before the IP header
)

// program drops the share of packets that the table has for sender and receiver, by the last four bits of their addresses.
func program(table int) []instruction {
	const r0, r1, r2, r6, r7, r8, r10 = 0, 1, 2, 6, 7, 8, 10
	op := func(code, dst, src uint8, offset int16, immediate int32) instruction {
		return instruction{code, dst | src<<4, offset, immediate}
	}
	code := []instruction{
		op(move, r6, r1, 0, 0),
		op(packet16, 0, 0, 0, ethernet-2),
		op(jumpNotEqual, r0, 0, toEnd, unix.ETH_P_IP),
		op(packet8, 0, 0, 0, ethernet+15), // the last byte of the sender's address
		op(andNumber, r0, 0, 0, 15),
		op(move, r7, r0, 0, 0),
		op(shiftLeft, r7, 0, 0, 4),
		op(packet8, 0, 0, 0, ethernet+19), // and of the receiver's
		op(andNumber, r0, 0, 0, 15),
		op(or, r7, r0, 0, 0),
		op(store32, r10, r7, -4, 0),
		op(loadMap, r1, onlyMap, 0, int32(table)),
		op(0, 0, 0, 0, 0),
		op(move, r2, r10, 0, 0),
		op(addNumber, r2, 0, 0, -4),
		op(call, 0, 0, 0, lookup),
		op(jumpEqual, r0, 0, toEnd, 0),
		op(move, r8, r0, 0, 0),
		op(load, r7, r8, int16(unsafe.Offsetof(pair{}.share)), 0),
		op(call, 0, 0, 0, random),
		op(jumpNotBelow, r0, r7, toEnd, 0),
		op(moveNumber, r1, 0, 0, 1),
		op(atomicAdd, r8, r1, int16(unsafe.Offsetof(pair{}.dropped)), 0),
		op(moveNumber, r0, 0, 0, drop),
		op(exit, 0, 0, 0, 0),
		op(moveNumber, r0, 0, 0, next), // the end
		op(exit, 0, 0, 0, 0),
	}
	for i := range code {
		if code[i].offset == toEnd {
			code[i].offset = int16(len(code) - 2 - (i + 1)) // jumps count from the instruction after them
		}
	}
	return code
}

// toEnd is a jump whose length program fills in.
const toEnd = -1 << 15

// address is a pointer in a structure of the kernel's. Whoever stores it keeps the value alive until the system call is over.
func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }
