package leaves

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what the leaves of a file are.
type Kind uint8

const (
	Strips Kind = 1 // of one seal ordinal, the file's number: a leaf for each epoch of a stream that has frames of it
	Census Kind = 2 // at one Raft index, the file's number: a leaf for each stream
)

// TempExtension ends the name of a file that is being written. One that a crash left may be removed, and is replaced by the next Create.
const TempExtension = ".tmp"

func (k Kind) known() bool { return k == Strips || k == Census }

func (k Kind) String() string {
	switch k {
	case Strips:
		return "strips"
	case Census:
		return "census"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// FileName is the name of a file: 20 digits and the kind, so that names sort as numbers do.
func FileName(kind Kind, number uint64) string { return fmt.Sprintf("%020d.%s", number, kind) }

// ParseFileName is the inverse of FileName. It is false for every other name.
func ParseFileName(name string) (kind Kind, number uint64, ok bool) {
	digits, ending, _ := strings.Cut(name, ".")
	for _, kind = range []Kind{Strips, Census} {
		if number, err := strconv.ParseUint(digits, 10, 64); err == nil && ending == kind.String() && name == FileName(kind, number) {
			return kind, number, true
		}
	}
	return 0, 0, false
}
