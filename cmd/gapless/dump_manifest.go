package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/segment"
)

// dumpManifest prints floor files and the segments that they name.
type dumpManifest struct {
	dumpOutput
	all bool
}

func newDumpManifest() *cobra.Command {
	d := &dumpManifest{dumpOutput: dumpOutput{missing: map[segment.Name]bool{}}}
	cmd := &cobra.Command{
		Use:   "manifest DIR|FLOORFILE",
		Short: "print a floor file and the segments it names, and which of them are not there",
		Long: "DIR is a node's data directory, or its floors directory: then it is the newest floor, and each segment file is looked for and its size\n" +
			"compared; `gapless dump segment` verifies them. The floor file is checked whole, and damage printed with its place. Nothing is changed.\n" +
			"The exit code is 1 when a floor file is damaged or a segment is not there.",
		Example: "  gapless dump manifest /var/lib/gapless\n  gapless dump manifest /var/lib/gapless/floors/00000000000000001200-l.gfl --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.w = cmd.OutOrStdout()
			return d.run(args[0])
		},
	}
	cmd.Flags().BoolVar(&d.all, "all", false, "every floor file of the directory")
	cmd.Flags().BoolVar(&d.json, "json", false, "print one JSON object a line")
	return cmd
}

func (d *dumpManifest) run(path string) error {
	found, err := findFloors(path)
	if err != nil {
		return err
	}
	paths := found.paths
	if !d.all {
		paths = paths[:min(1, len(paths))]
	}
	for i, path := range paths {
		if i > 0 && !d.json {
			fmt.Fprintln(d.w)
		}
		if err := d.floor(path, found.segments); err != nil {
			return err
		}
	}
	if err := d.others(found, len(paths)); err != nil {
		return err
	}
	return d.result()
}

// others names the floor files that are not printed.
func (d *dumpManifest) others(found *floorFiles, printed int) error {
	if d.json {
		return nil
	}
	for i, path := range found.paths[printed:] {
		if i == 0 {
			fmt.Fprintln(d.w)
		}
		fmt.Fprintf(d.w, "older: %s\n", clean(path))
	}
	for _, path := range found.aside {
		fmt.Fprintf(d.w, "put aside as damaged: %s\n", clean(path))
	}
	return nil
}

// floor prints a floor file and its manifest.
func (d *dumpManifest) floor(path, segments string) error {
	line, m, damage := readFloor(path)
	if line != nil {
		if err := d.head(line, m); err != nil {
			return err
		}
	}
	if m != nil {
		if err := d.manifest(m, segments); err != nil {
			return err
		}
	}
	if damage != nil {
		return d.fault(path, damage)
	}
	return nil
}

func (d *dumpManifest) head(line *floorLine, m *segment.Manifest) error {
	if d.json {
		return d.object(line)
	}
	if err := line.write(d.w); err != nil || m == nil {
		return err
	}
	_, err := fmt.Fprintf(d.w, "holds    %s in %s, %d bytes\n", plural(m.Frames(), "frame", "frames"), plural(len(m.Segments()), "segment", "segments"), m.Bytes())
	return err
}

// manifest prints a line for each segment.
func (d *dumpManifest) manifest(m *segment.Manifest, segments string) error {
	titles := []string{"SEGMENT", "INDEX", "FRAMES#", "EPOCHS#", "BYTES#", "FROM", "TO"}
	if segments != "" {
		titles = append(titles, "FILE")
	}
	t := newTable(titles...)
	for _, info := range m.Segments() {
		line := newSegmentLine(info)
		if segments != "" {
			line.State = segmentState(segments, &info)
			if line.State != statePresent {
				d.missing[info.Name] = true
			}
		}
		if d.json {
			if err := d.object(line); err != nil {
				return err
			}
			continue
		}
		cells := []string{
			line.Name, numbers(line.FirstIndex, line.LastIndex), fmt.Sprint(line.Frames), fmt.Sprint(line.Epochs), fmt.Sprint(line.Bytes),
			line.FirstTime, line.LastTime, line.State,
		}
		t.add(cells[:len(titles)]...)
	}
	if d.json || len(t.rows) == 0 {
		return nil
	}
	fmt.Fprintln(d.w)
	return t.write(d.w)
}

const statePresent = "present"

// segmentState says what there is of a segment on the disk.
func segmentState(dir string, i *segment.Info) string {
	stat, err := os.Stat(filepath.Join(dir, i.Name.FileName()))
	switch {
	case err == nil && stat.Size() == i.Bytes:
		return statePresent
	case err == nil:
		return fmt.Sprintf("has %d bytes", stat.Size())
	case !os.IsNotExist(err):
		return err.Error()
	}
	state := "missing"
	if _, err := os.Stat(filepath.Join(dir, i.Name.String()+partSuffix)); err == nil {
		state += ", pull begun"
	}
	if copies, err := filepath.Glob(filepath.Join(dir, quarantineDir, i.Name.String()+"-*"+segment.Extension)); err == nil && len(copies) > 0 {
		state += ", " + plural(len(copies), "copy", "copies") + " in quarantine"
	}
	return state
}
