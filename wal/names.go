package wal

import (
	"fmt"
	"strconv"
	"strings"
)

// Names in the directory of a log.
const (
	lockName    = "LOCK"
	metaName    = "meta"
	metaTmpName = "meta.tmp"
	fileSuffix  = ".wal"
	tornPrefix  = "torn-"
)

// fileName is the name of log file number: 20 digits, so that names sort as numbers do.
func fileName(number uint64) string { return fmt.Sprintf("%020d%s", number, fileSuffix) }

func parseFileName(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, fileSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil
}

// tornName names the n'th tail that was cut off, which began at index.
func tornName(index, n uint64) string { return fmt.Sprintf("%s%d-%d", tornPrefix, index, n) }

func parseTornName(name string) (index, n uint64, ok bool) {
	rest, ok := strings.CutPrefix(name, tornPrefix)
	if !ok {
		return 0, 0, false
	}
	a, b, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, 0, false
	}
	index, err1 := strconv.ParseUint(a, 10, 64)
	n, err2 := strconv.ParseUint(b, 10, 64)
	return index, n, err1 == nil && err2 == nil
}
