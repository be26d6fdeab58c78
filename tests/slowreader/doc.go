// Package slowreader is a second reader of gapless's files, written from docs/format and from nothing else: it shares no line with the
// packages that write them, and imports the standard library and golang/snappy alone (tests/layers holds it to that).
//
// Whoever trusts a certificate trusts that bytes mean what the documents say. One program that reads its own files shows only that it
// agrees with itself. Here every file is read from its first byte to its last, by code that is as simple as it can be: nothing is skipped,
// cached or done at the same time, a whole file is in memory, and what a file says twice is compared. The tests write files with package
// segment and hold what both read against each other, bit by bit.
//
//	docs/format/column.md         column.go, ints.go, floats.go, bools.go, texts.go
//	docs/format/segment.md        segment.go, header.go, block.go, directory.go, rows.go, statistics.go, table.go, key.go, index.go, coverage.go, roaring.go
//	docs/format/leaves.md         leaves.go, merkle.go
//	docs/format/content.md        content.go, group.go
//	docs/format/census.md         census.go, verdict.go
//	docs/format/tlog.md           note.go, policy.go, record.go, keyword.go
//	docs/format/certificate.md    certificate.go, scope.go, verify.go, log.go, shown.go, restate.go, strips.go, files.go
//
// Every reader of those pages is held against the package that writes what they describe: files, leaves and certificates of all kinds,
// whole and changed, and the golden ones of the first version. Where the two disagree, one of them is wrong, or the page leaves it open.
package slowreader
