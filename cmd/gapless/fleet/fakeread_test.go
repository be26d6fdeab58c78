package fleet

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type object = map[string]any

// get wraps a read of one node.
func (f *fake) get(node int, handle func(node int, r *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		q := r.URL.Query()
		if after := q.Get("after"); q.Get("consistency") != "stale" || after != fmt.Sprint("p", f.index) {
			f.t.Errorf("%s: not asked for what is behind the last write p%d", r.URL, f.index)
		}
		if a := handle(node, r); a != nil {
			write(w, a)
			return
		}
		http.Error(w, `{"error":{"code":"unknown_device"}}`, http.StatusNotFound)
	}
}

// each calls fn for every life of a device (all when device is ""), ordered by stream and epoch.
func (f *fake) each(device string, fn func(device, stream string, l *fakeLife)) (known bool) {
	names := slices.Clone(f.names)
	sort.Strings(names)
	for _, name := range names {
		d, stream, _ := strings.Cut(name, "\x00")
		if device != "" && d != device {
			continue
		}
		known = true
		for _, l := range f.counters[name] {
			fn(d, stream, l)
		}
	}
	return known
}

// paged cuts a listing at its limit and says where it goes on.
func paged[T any](r *http.Request, name string, items []T) object {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	limit = min(limit, 311) // so that listings have pages
	from, _ := strconv.Atoi(q.Get("cursor"))
	a := object{name: items[from:min(from+limit, len(items))], "next": nil}
	if from+limit < len(items) {
		a["next"] = strconv.Itoa(from + limit)
	}
	return a
}

func (f *fake) listFrames(node int, r *http.Request) any {
	var out []frameAnswer
	device := r.URL.Query().Get("device")
	known := f.each(device, func(_, _ string, l *fakeLife) {
		for i, seq := range l.seqs() {
			row := l.frames[seq]
			here := device == faultAt && i == 40 && l.ordinal == 2
			if here && node == 2 && f.fault == faultDropOnOne {
				continue
			}
			if f.fault == faultEpochOrder && device == faultAt && l.ordinal < 3 {
				row.Epoch = 3 - l.ordinal
			}
			out = append(out, row)
			if here && f.fault == faultTwice {
				out = append(out, row)
			}
			if here && f.fault == faultInvent {
				row.Seq = 1 << 40
				out = append(out, row)
			}
		}
	})
	if !known {
		return nil
	}
	return paged(r, "frames", out)
}

func (f *fake) listGaps(_ int, r *http.Request) any {
	var gaps []gapAnswer
	var total totalsAnswer
	f.each(r.URL.Query().Get("device"), func(device, stream string, l *fakeLife) {
		runs, declared := l.missing()
		total.Expected += l.top - l.first
		total.Stored += uint64(len(l.frames))
		for i, r := range runs {
			n := r.to - r.from + 1
			g := gapAnswer{Device: device, Stream: stream, Epoch: l.ordinal, From: r.from, To: r.to, Count: n, State: "OPEN"}
			total.Missing += n
			switch {
			case declared[i]:
				g.State, g.Cause, g.Reason = "FINAL", causeDeclared, declareReason
				total.Declared += n
			case i%2 == 0:
				g.State, g.Cause = "FINAL", causeSilent
				total.Lost += n
			default:
				total.Open += n
			}
			if device == faultAt && i == 1 && f.fault == faultGap {
				continue
			}
			if device == faultAt && declared[i] && f.fault == faultCause {
				g.Cause = causeSilent
			}
			gaps = append(gaps, g)
			gaps = append(gaps, gapAnswer{Device: device, Stream: stream, Epoch: l.ordinal, From: 1, To: 1, Count: 1, State: "CLOSED"})
		}
		if device == faultAt && f.fault == faultPhantom {
			seq := l.seqs()[9]
			gaps = append(gaps, gapAnswer{Device: device, Stream: stream, Epoch: l.ordinal, From: seq, To: seq, Count: 1, State: "OPEN"})
		}
	})
	if f.fault == faultTotals {
		total.Expected++
	}
	a := paged(r, "gaps", gaps)
	a["totals"] = total
	return a
}

func (f *fake) listDevices(_ int, r *http.Request) any {
	var out []object
	f.each("", func(device, _ string, _ *fakeLife) {
		if n := len(out); n == 0 || out[n-1]["device"] != device {
			out = append(out, object{"device": device})
		}
	})
	out = append(out, object{"device": "_conflict"})
	if f.fault == faultDevice {
		out = append(out, object{"device": "demo/ghost"})
	}
	return paged(r, "devices", out)
}

func (f *fake) listReports(_ int, r *http.Request) any {
	var out []object
	known := f.each(r.PathValue("device"), func(device, stream string, l *fakeLife) {
		head := headFirstSeen
		if l.declared {
			head = headDeclared
		}
		repeats, conflicts := l.repeats, l.conflicts
		if f.fault == faultConflict && device == faultAt {
			conflicts = 0
		}
		if f.fault == faultRepeat && device == faultAt {
			repeats = 0
		}
		out = append(out, object{
			"stream": stream, "epoch": object{"ordinal": l.ordinal, "raw": l.epoch},
			"head": object{"first": l.first, "basis": head}, "tail": object{"last": l.top - 1, "basis": l.basis()},
			"expected": l.top - l.first, "stored": len(l.frames), "verdict": "INCOMPLETE",
			"duplicates": object{"identical": repeats, "conflict": conflicts},
		})
	})
	if !known {
		return nil
	}
	return object{"reports": out}
}

func (f *fake) listCoverage(_ int, r *http.Request) any {
	var out []object
	f.each(r.PathValue("device"), func(device, stream string, l *fakeLife) {
		var runs [][2]uint64
		for _, r := range runsOf(l.seqs()) {
			if device == faultAt && f.fault == faultCoverage && len(runs) == 1 {
				r.from--
			}
			runs = append(runs, [2]uint64{r.from, r.to})
		}
		out = append(out, object{"stream": stream, "epoch": l.ordinal, "runs": runs})
	})
	return paged(r, "epochs", out)
}

func (f *fake) ledger(node int, _ *http.Request) any {
	digest, balance := "d1", 0
	if f.fault == faultDigest && node == 1 {
		digest = "d2"
	}
	if f.fault == faultBalance {
		balance = -1
	}
	return object{
		"digest": digest, "as_of": []object{{"history": 1, "index": f.index}},
		"balances": object{"A": object{"expected": 3, "balance": 0}, "B": []object{{"node": "n1", "balance": balance}}},
	}
}
