package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// testLimit is how long a test may take to notice, apart from compiling it.
const testLimit = 15 * time.Second

func (b *bug) within() time.Duration { return cmp.Or(b.limit, testLimit) }

func main() {
	only := flag.String("only", "", "tag of the one bug to try")
	skips := flag.String("skips", "", "file to which the bugs are added, one a line, whose test cannot run here")
	list := flag.Bool("list", false, "list the bugs and try none")
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(bugs), func(b bug) bool { return *only != "" && b.tag != *only })
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := fmt.Errorf("no bug %q: see -list", *only)
	switch {
	case *list:
		err = listBugs(os.Stdout, chosen)
	case len(chosen) > 0:
		err = try(ctx, os.Stdout, chosen, *skips)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

func listBugs(out io.Writer, chosen []bug) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, b := range chosen {
		fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\n", b.tag, b.level, b.pkg, b.run, b.promise)
	}
	return w.Flush()
}

// row is a line of the table.
const row = "%-28s  %-5s  %-44s  %7s\n"

// try runs everything and prints a table. Its error counts what went wrong.
func try(ctx context.Context, out io.Writer, chosen []bug, skips string) (err error) {
	start := time.Now()
	r, err := newRunner()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	twins, err := findTwins(r.root)
	if err != nil {
		return err
	}
	if err := r.vet(ctx, twins); err != nil {
		return err
	}
	bad := 0
	fmt.Fprintf(out, row, "tag", "level", "caught by", "seconds")
	for _, pkg := range packages(chosen) {
		err := r.sound(ctx, pkg, chosen)
		if errors.Is(err, errSkipped) {
			chosen, err = leave(out, chosen, pkg, skips, err)
		}
		if err != nil {
			bad++
			fmt.Fprintf(out, "%s: %v\n", pkg, err)
		}
	}
	for _, b := range chosen {
		took, err := r.plant(ctx, &b)
		if err != nil {
			bad++
			fmt.Fprintf(out, "%s: %v\n", b.tag, err)
			continue
		}
		fmt.Fprintf(out, row, b.tag, b.level, b.pkg+" "+b.run, fmt.Sprintf("%.1f", took.Seconds()))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Fprintf(out, "%d bugs planted in %s, compiling included\n", len(chosen), time.Since(start).Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d faults", bad)
	}
	return nil
}

// leave takes the bugs of a package out of the list, and says so.
func leave(out io.Writer, chosen []bug, pkg, skips string, why error) (rest []bug, err error) {
	var names strings.Builder
	for _, b := range chosen {
		if b.pkg != pkg {
			rest = append(rest, b)
			continue
		}
		fmt.Fprintf(out, "SKIP planted/%s: %v\n", b.tag, why)
		fmt.Fprintf(&names, "planted/%s\n", b.tag)
	}
	if skips == "" {
		return rest, nil
	}
	f, err := os.OpenFile(skips, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return rest, err
	}
	_, err = f.WriteString(names.String())
	return rest, errors.Join(err, f.Close())
}

// sound runs the tests of a package that catch bugs without any.
func (r *runner) sound(ctx context.Context, pkg string, chosen []bug) error {
	var patterns []string
	limit := time.Duration(0)
	for _, b := range chosen {
		if b.pkg == pkg {
			patterns, limit = append(patterns, b.run), limit+b.within()
		}
	}
	binary, err := r.build(ctx, pkg, "")
	if err != nil {
		return err
	}
	o, err := r.test(ctx, binary, &bug{pkg: pkg, run: strings.Join(patterns, "|"), limit: limit})
	if err == nil {
		err = o.passed()
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, o.output)
	}
	return nil
}

// plant runs the bug's test with its tag. An error says why that does not count as caught.
func (r *runner) plant(ctx context.Context, b *bug) (took time.Duration, err error) {
	binary, err := r.build(ctx, b.pkg, b.tag)
	if err != nil {
		return 0, err
	}
	o, err := r.test(ctx, binary, b)
	if err == nil {
		err = o.caught(b, b.within())
	}
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, o.output)
	}
	return o.took, nil
}

// packages lists where the tests of bugs are, each once.
func packages(chosen []bug) (list []string) {
	for _, b := range chosen {
		if !slices.Contains(list, b.pkg) {
			list = append(list, b.pkg)
		}
	}
	return list
}
