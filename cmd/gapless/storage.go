package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// storageStatus is where one node keeps its frames.
type storageStatus struct {
	Node   string         `json:"node"`
	Floor  uint64         `json:"floor"`
	Floors []storageFloor `json:"floors"`
	Head   struct {
		Frames int   `json:"frames"`
		Bytes  int64 `json:"bytes"`
		Sealed int   `json:"sealed"`
	} `json:"head"`
	Log struct {
		First uint64 `json:"first"`
		Last  uint64 `json:"last"`
		Bytes int64  `json:"bytes"`
	} `json:"log"`
	Total struct {
		Segments int    `json:"segments"`
		Frames   uint64 `json:"frames"`
		Bytes    int64  `json:"bytes"`
	} `json:"total"`
	Missing  int              `json:"missing"`
	Segments []storageSegment `json:"segments"`
}

type storageFloor struct {
	Index     uint64 `json:"index"`
	Hash      string `json:"hash"`
	Installed bool   `json:"installed"`
}

type storageSegment struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Bytes      int64  `json:"bytes"`
	Done       int64  `json:"done"`
	Frames     uint64 `json:"frames"`
	FirstIndex uint64 `json:"first_index"`
	LastIndex  uint64 `json:"last_index"`
	Source     string `json:"source"`
	Damage     string `json:"damage"`
	Error      string `json:"error"`
}

func newStorage(c *client) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "show where a node keeps its frames, and the segments it lacks",
		Long: "Of the node that is asked: its floors, what is in memory, the log and the segments. Segments that are missing, damaged or being pulled\n" +
			"are listed one by one, with --all the others too. The hash of a floor is the same on every node that has it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.get(cmd.Context(), "/v1/storage", nil, &answer); err != nil {
				return err
			}
			if asJSON {
				return writeIndented(cmd.OutOrStdout(), answer)
			}
			var s storageStatus
			if err := json.Unmarshal(answer, &s); err != nil {
				return fmt.Errorf("/v1/storage: %w", err)
			}
			return s.write(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "list every segment")
	return cmd
}

func (s *storageStatus) write(w io.Writer, all bool) error {
	fmt.Fprintf(w, "%s\n", clean(s.Node))
	fmt.Fprintf(w, "floors    %s\n", s.floors())
	fmt.Fprintf(w, "memory    %s, %d bytes%s\n", plural(s.Head.Frames, "frame", "frames"), s.Head.Bytes, s.sealed())
	fmt.Fprintf(w, "log       index %d to %d, %d bytes\n", s.Log.First, s.Log.Last, s.Log.Bytes)
	fmt.Fprintf(w, "segments  %d with %s, %d bytes\n", s.Total.Segments, plural(s.Total.Frames, "frame", "frames"), s.Total.Bytes)
	fmt.Fprintf(w, "missing   %d\n", s.Missing)
	t := newTable("SEGMENT", "STATE", "HERE#", "FRAMES#", "INDEX", "REMARK")
	listed := 0
	for _, seg := range s.Segments {
		if !all && seg.State == "present" {
			continue
		}
		listed++
		t.add(seg.Name, seg.State, seg.here(), fmt.Sprint(seg.Frames), numbers(seg.FirstIndex, seg.LastIndex), seg.remark())
	}
	if listed == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return t.write(w)
}

// floors lists the floors, newest first, with as much of their hashes as is needed to compare them.
func (s *storageStatus) floors() string {
	list := make([]string, len(s.Floors))
	for i, f := range s.Floors {
		list[i] = clean(fmt.Sprintf("%d %.16s", f.Index, f.Hash))
		if f.Installed {
			list[i] += " (from another node)"
		}
	}
	if len(list) == 0 {
		return "none yet"
	}
	return strings.Join(list, ", ")
}

func (s *storageStatus) sealed() string {
	if s.Head.Sealed == 0 {
		return ""
	}
	return ", " + plural(s.Head.Sealed, "flush", "flushes") + " under way"
}

// here is how much of the file is on the node's disk, rounded down: 100 % is all of it.
func (s *storageSegment) here() string { return fmt.Sprintf("%d %%", 100*s.Done/max(s.Bytes, 1)) }

// remark says what is wrong with a segment, why it is not here yet, and who gives it.
func (s *storageSegment) remark() string {
	var parts []string
	for _, text := range []string{s.Damage, s.Error} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if s.Source != "" {
		parts = append(parts, "from "+s.Source)
	}
	return strings.Join(parts, "; ")
}

func newFlush(c *client) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "flush",
		Short: "make every node write its frames in memory to a segment now",
		Long: "Nodes flush by themselves; this is for before a planned stop, so that the next start replays less. It returns when the flush is committed;\n" +
			"each node then writes at its own pace. With --wait it returns when the node that is asked has the floor on its disk.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer struct {
				Floor uint64 `json:"floor"`
			}
			if err := c.do(cmd.Context(), http.MethodPost, "/v1/cluster/flush", nil, &answer); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the next floor is %d\n", answer.Floor)
			if !wait {
				return nil
			}
			node, err := waitFloor(cmd.Context(), c, answer.Floor)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has it on its disk\n", clean(node))
			return err
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until the node that is asked has it on its disk")
	return cmd
}

// waitFloor asks until the node has a floor and returns the node's name.
func waitFloor(ctx context.Context, c *client, floor uint64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	var s storageStatus
	for {
		if err := c.get(ctx, "/v1/storage", nil, &s); err != nil && ctx.Err() == nil {
			return "", err
		}
		if s.Floor >= floor {
			return s.Node, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return "", fmt.Errorf("the flush is committed, but the newest floor of %s is %d after %s; it goes on: gapless ctl storage shows how far it is",
				s.Node, s.Floor, c.timeout)
		}
	}
}
