package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Kinds of commands. A section owns a range; the ledger's kinds are declared in package ledger (16 to 31).
const (
	KindBatch uint16 = 1
	KindTick  uint16 = 2
	KindFlush uint16 = 3 // a flush point lies right behind this command

	KindMember uint16 = 32 // a node says who it is and what it supports
	KindRaise  uint16 = 33 // raise the cluster version
	KindFound  uint16 = 34 // first command of a history

	KindPolicy uint16 = 48 // replace the policy

	KindFlushed uint16 = 64 // a node has a floor and every segment of it
)

// commandVersion is the version of this package's own commands, but for those that are listed here.
const (
	commandVersion uint8 = 1
	foundVersion   uint8 = 2 // the command says with which cluster version a history begins; with 1 that is 1
	policyVersion  uint8 = 2 // the command says who changed the policy, and why

	sealPolicyVersion uint8 = 3 // and the policy has seal settings
)

// The envelope of a command, little endian (docs/format/command.md):
//
//	 0  4  magic "GCMD"
//	 4  2  kind
//	 6  1  version of the body
//	 7  1  zero
//	 8  8  term the body was made for, 0 for any
//	16  4  CRC32C of the first 16 bytes and the body
//	20     body
const (
	commandMagic  = "GCMD"
	commandHeader = 20
)

var (
	// ErrHalt marks an error after which this node must not apply anything more.
	ErrHalt = errors.New("raftfsm: apply halted")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Command is a decoded envelope. Body aliases the encoded bytes.
type Command struct {
	Kind    uint16
	Version uint8
	Term    uint64
	Body    []byte
}

// beginCommand appends an envelope without checksum; endCommand completes it after the body was appended.
func beginCommand(dst []byte, kind uint16, version uint8, term uint64) []byte {
	dst = append(dst, commandMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, kind)
	dst = append(dst, version, 0)
	dst = binary.LittleEndian.AppendUint64(dst, term)
	return append(dst, 0, 0, 0, 0)
}

func endCommand(cmd []byte) []byte {
	binary.LittleEndian.PutUint32(cmd[16:], checksum(cmd))
	return cmd
}

// checksum covers everything but itself.
func checksum(cmd []byte) uint32 {
	return crc32.Update(crc32.Checksum(cmd[:16], castagnoli), castagnoli, cmd[commandHeader:])
}

// AppendCommand appends an encoded command.
func AppendCommand(dst []byte, kind uint16, version uint8, term uint64, body []byte) []byte {
	start := len(dst)
	dst = append(beginCommand(dst, kind, version, term), body...)
	endCommand(dst[start:])
	return dst
}

// ParseCommand checks an envelope and its checksum.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < commandHeader || string(b[:4]) != commandMagic {
		return Command{}, fmt.Errorf("raftfsm: command of %d bytes does not start with %q", len(b), commandMagic)
	}
	want, got := binary.LittleEndian.Uint32(b[16:]), checksum(b)
	if want != got {
		return Command{}, fmt.Errorf("raftfsm: command checksum %08x does not match its content's %08x", want, got)
	}
	return Command{
		Kind:    binary.LittleEndian.Uint16(b[4:]),
		Version: b[6],
		Term:    binary.LittleEndian.Uint64(b[8:]),
		Body:    b[commandHeader:],
	}, nil
}
