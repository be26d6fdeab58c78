package floor

import (
	"fmt"
	"strconv"
	"strings"
)

// Names in the directory of the floors.
const (
	suffix        = ".gfl"
	localMark     = "-l"
	installedMark = "-i"
	tempSuffix    = ".tmp"
	damagedSuffix = ".damaged"
)

// fileName names the floor at index: 20 digits, so that names sort as indexes do.
func fileName(index uint64, installed bool) string {
	mark := localMark
	if installed {
		mark = installedMark
	}
	return fmt.Sprintf("%020d%s%s", index, mark, suffix)
}

func parseFileName(name string) (index uint64, installed, ok bool) {
	base, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false, false
	}
	digits, installed := strings.CutSuffix(base, installedMark)
	if !installed {
		if digits, ok = strings.CutSuffix(base, localMark); !ok {
			return 0, false, false
		}
	}
	index, err := strconv.ParseUint(digits, 10, 64)
	return index, installed, err == nil && len(digits) == 20 && index > 0
}

// parseDamagedName returns the index of a floor that was put aside.
func parseDamagedName(name string) (index uint64, ok bool) {
	base, ok := strings.CutSuffix(name, damagedSuffix)
	if !ok {
		return 0, false
	}
	index, _, ok = parseFileName(base)
	return index, ok
}

func tempName(n uint64) string { return strconv.FormatUint(n, 10) + tempSuffix }
