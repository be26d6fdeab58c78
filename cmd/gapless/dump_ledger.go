package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm"
)

// dumpLedger prints the ledger of a floor file.
type dumpLedger struct {
	dumpOutput
	tenant, device string
	gaps           bool

	path   string
	asOf   asOf
	ledger *ledger.Ledger
}

func newDumpLedger() *cobra.Command {
	d := &dumpLedger{}
	cmd := &cobra.Command{
		Use:   "ledger DIR|FLOORFILE",
		Short: "print the account of every stream as of a floor file",
		Long: "DIR is a node's data directory, or its floors directory: then it is the newest floor. What the node accounted for since then is in its\n" +
			"log, and not shown. Everything is counted again and compared. The digest is that of GET /v1/ledger, as of the floor; nodes that have the\n" +
			"same floor have the same. Nothing is changed. The exit code is 1 when the floor file is damaged or the account does not balance.",
		Example: "  gapless dump ledger /var/lib/gapless --device mill-07 --gaps",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.w = cmd.OutOrStdout()
			return d.run(args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.tenant, "tenant", "", "this tenant only")
	f.StringVar(&d.device, "device", "", "this device only")
	f.BoolVar(&d.gaps, "gaps", false, "list every gap")
	f.BoolVar(&d.json, "json", false, "print one JSON object a line")
	return cmd
}

func (d *dumpLedger) run(path string) error {
	found, err := findFloors(path)
	if err != nil {
		return err
	}
	if len(found.paths) == 0 {
		return fmt.Errorf("every floor file of %s was put aside as damaged: %s", path, strings.Join(found.aside, ", "))
	}
	d.path = found.paths[0]
	if err := d.restore(); err != nil {
		if err := d.fault(d.path, err); err != nil {
			return err
		}
		if older := found.paths[1:]; len(older) > 0 && !d.json {
			fmt.Fprintf(d.w, "hint: the floor file before it is %s\n", clean(older[0]))
		}
		return d.result()
	}
	if !d.json {
		fmt.Fprintf(d.w, "%s\n\n", clean(d.path))
	}
	for _, tenant := range d.tenants() {
		if err := d.account(tenant); err != nil {
			return err
		}
	}
	if err := d.total(); err != nil {
		return err
	}
	return d.result()
}

// restore builds the ledger from the floor file.
func (d *dumpLedger) restore() error {
	return openFloor(d.path, func(r io.Reader) error {
		state, _, err := raftfsm.ReadFloor(r, gapless.Sections)
		if err != nil {
			return err
		}
		state.View(func(v raftfsm.View) { // nobody else has the state: what it shows stays valid
			d.ledger = v.Ledger
			d.asOf = asOf{History: v.Members.History(), Index: v.Index, Time: time.UnixMilli(v.Clock.NowMS)}
		})
		return nil
	})
}

// tenants lists the tenants that have streams, or the one that is asked for.
func (d *dumpLedger) tenants() []string {
	if d.tenant != "" {
		return []string{d.tenant}
	}
	names := map[string]bool{}
	for id := frame.StreamID(1); id < d.ledger.NextID(); id++ {
		if key, ok := d.ledger.Key(id); ok {
			names[key.Tenant] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// account prints one tenant.
func (d *dumpLedger) account(tenant string) error {
	if !d.json {
		fmt.Fprintf(d.w, "tenant %s\n\n", clean(tenant))
	}
	if err := d.epochs(tenant); err != nil {
		return err
	}
	list, err := d.gapList(tenant)
	if err != nil {
		return err
	}
	if d.json {
		return d.object(tenantLine{"tenant", tenant, list.Totals})
	}
	fmt.Fprintln(d.w)
	if err := list.write(d.w); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.w)
	return err
}

// tenantLine is the sum over the streams of a tenant that are printed.
type tenantLine struct {
	Type   string    `json:"type"` // tenant
	Tenant string    `json:"tenant"`
	Totals gapTotals `json:"totals"`
}

// accountLine is the account of one epoch.
type accountLine struct {
	Type   string `json:"type"` // epoch
	Tenant string `json:"tenant"`
	Runs   int    `json:"runs"` // of consecutive stored numbers
	ledger.EpochReport
}

// epochs prints a line for each epoch of a tenant's streams.
func (d *dumpLedger) epochs(tenant string) (err error) {
	t := newTable("DEVICE", "STREAM", "EPOCH#", "VALUE", "NUMBERS", "HEAD", "TAIL", "EXPECTED#", "STORED#", "MISSING#", "RUNS#", "VERDICT")
	d.ledger.Streams(tenant, d.device, "", func(id frame.StreamID, key frame.StreamKey) bool {
		if d.device != "" && key.Device != d.device {
			return true
		}
		for _, r := range d.reports(id, key) {
			if d.json {
				err = d.object(r)
			} else {
				err = t.addTo(d.w, r.cells()...)
			}
			if err != nil {
				return false
			}
		}
		return true
	})
	if err != nil || d.json {
		return err
	}
	return t.write(d.w)
}

func (d *dumpLedger) reports(id frame.StreamID, key frame.StreamKey) (lines []accountLine) {
	opt := ledger.ReportOptions{GapLimit: 1}
	if d.gaps && d.json {
		opt.GapLimit = math.MaxInt
	}
	reports, _ := d.ledger.Report(id, opt)
	for _, r := range reports {
		if !d.gaps {
			r.Gaps = []ledger.GapReport{}
		}
		c, _ := d.ledger.Coverage(id, r.Epoch.Ordinal, 0, math.MaxInt)
		lines = append(lines, accountLine{"epoch", key.Tenant, len(c.Runs), r})
	}
	return lines
}

func (l *accountLine) cells() []string {
	span := "-"
	if l.Head.First != nil && l.Tail.Last != nil {
		span = numbers(*l.Head.First, *l.Tail.Last)
	}
	return []string{
		l.Device, l.Stream, fmt.Sprint(l.Epoch.Ordinal), cmp.Or(l.Epoch.Raw, "-"), span, l.Head.Basis, l.Tail.Basis, fmt.Sprint(l.Expected),
		fmt.Sprint(l.Stored), fmt.Sprint(l.Expected - l.Stored), fmt.Sprint(l.Runs), l.Verdict.String(),
	}
}

// gapList has the totals of a tenant's streams, and with --gaps every gap as text prints it.
func (d *dumpLedger) gapList(tenant string) (*gapList, error) {
	list := &gapList{AsOf: []asOf{d.asOf}}
	q := ledger.GapQuery{Tenant: tenant, Device: d.device}
	for {
		page, err := d.ledger.Gaps(q)
		if err != nil {
			return nil, err
		}
		if !q.NoTotal {
			list.Totals = gapTotals(page.Totals)
		}
		if !d.gaps || d.json {
			return list, nil
		}
		for i := range page.Gaps {
			g := &page.Gaps[i]
			list.Gaps = append(list.Gaps, gap{g.ID, g.Device, g.Stream, g.Epoch, g.From, g.To, g.Count, string(g.State), g.Cause, g.Confidence, g.Reason})
		}
		if page.Next == "" {
			return list, nil
		}
		q.Cursor, q.NoTotal = page.Next, true
	}
}

// ledgerLine is what holds for the whole ledger, whatever was selected.
type ledgerLine struct {
	Type    string         `json:"type"` // ledger
	Path    string         `json:"path"`
	AsOf    asOf           `json:"as_of"`
	Streams int            `json:"streams"`
	Balance ledger.Balance `json:"balance"`
	Digest  string         `json:"digest"`
}

// total prints the balance of everything, and whether all of it adds up.
func (d *dumpLedger) total() error {
	line := ledgerLine{"ledger", d.path, d.asOf, d.ledger.Len(), d.ledger.TotalBalance(), fmt.Sprintf("%x", d.ledger.Root())}
	if d.json {
		if err := d.object(line); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(d.w, "%s, balance %d, drift %d, digest %s\n", plural(line.Streams, "stream", "streams"), line.Balance.Balance, line.Balance.Drift, line.Digest)
	}
	if err := d.ledger.Check(); err != nil {
		return d.report(damageLine{Type: "damage", Path: d.path, What: "ledger", Error: err.Error()})
	}
	return nil
}
