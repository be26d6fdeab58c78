// Package recordings opens the files of real telemetry that tests hold the store against. They lie outside the repository, in the folder that
// GAPLESS_TESTDATA names; the README.md beside them has their origin, and the counts that serve as oracles.
package recordings

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

// Dir is the folder of recordings. Where there is none, the test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("GAPLESS_TESTDATA")
	if dir == "" {
		t.Skip("SKIP(testdata): GAPLESS_TESTDATA is not set: real recordings are not checked")
	}
	return dir
}

// Read returns the header of a recording and its rows.
func Read(t testing.TB, file string) (head []string, rows [][]string) {
	t.Helper()
	f, err := os.Open(filepath.Join(Dir(t), file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err = csv.NewReader(z).ReadAll()
	if err == nil {
		err = z.Close()
	}
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", file, len(rows), err)
	}
	return rows[0], rows[1:]
}
