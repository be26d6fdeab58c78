package report

import (
	"slices"
	"strings"
)

// looked tells how many things each checker had to look at, "" for none.
func (r *Report) looked() map[string]string {
	s := r.sums()
	durable := some(s.acked, "acknowledged frame")
	if s.finals == 0 {
		durable = ""
	} else if durable != "" {
		durable += " on " + counted(s.finals, "node")
	}
	rows, ledgers, disks := some(s.rows, "stored row"), some(s.ledgers, "ledger"), some(s.storages, "view of a disk")
	answers := some(s.reads+s.gaps+s.ledgers+s.pages, "answer")
	return map[string]string{
		"durable":      durable,
		"invented":     join(rows, some(s.reads, "read")),
		"once":         join(rows, some(s.ackedBatches, "answer")),
		"bytes":        join(rows, some(s.reads, "read")),
		"epochs":       some(s.counters, "counter"),
		"pages":        some(s.pages, "whole device"),
		"tails":        join(some(s.tailLines, "frame"), some(uint64(len(r.Run.Tails)), "tail")),
		"gaps":         some(s.gaps, "gap report"),
		"certificates": join(some(s.certified, "certificate"), some(s.verified, "offline check"), some(s.sealings, "view of the log")),
		"balance":      ledgers,
		"latest":       some(s.reads, "read"),
		"linear":       some(s.linear, "linearizable read"),
		"stale":        join(answers, some(s.ackedBatches, "write")),
		"replicas":     join(ledgers, disks, some(s.finals, "final reading")),
		"damage":       some(s.damaged, "damaged file or report"),
		"failstop":     some(s.syncs, "failed sync"),
		"amnesia":      join(some(s.votes, "vote"), some(s.elections, "election")),
		"onlycopy":     disks,
		"liveness":     join(some(s.windows, "stretch of a working majority"), some(s.finals, "node at the end")),
	}
}

// join lists what there is.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// plurals are those that counted cannot make.
var plurals = map[string]string{
	"view of a disk": "views of disks", "view of the log": "views of the log", "stretch of a working majority": "stretches of a working majority", "node at the end": "nodes at the end",
	"damaged file or report": "damaged files and reports",
}

// some is "" for none.
func some(n uint64, noun string) string {
	if n == 0 {
		return ""
	}
	if many := plurals[noun]; many != "" && n > 1 {
		return number(n) + " " + many
	}
	return counted(n, noun)
}
