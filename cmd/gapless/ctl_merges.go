package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// mergesStatus is a node's answer to GET /v1/merges.
type mergesStatus struct {
	Node   string `json:"node"`
	Policy struct {
		Off      bool  `json:"off"`
		WindowMS int64 `json:"window_ms"`
		FanIn    int   `json:"fan_in"`
		MaxBytes int64 `json:"max_bytes"`
	} `json:"policy"`
	Pending []struct {
		ID       uint64   `json:"id"`
		State    string   `json:"state"`
		Builder  string   `json:"builder"`
		Frames   uint64   `json:"frames"`
		Bytes    int64    `json:"bytes"`
		Inputs   []string `json:"inputs"`
		Outputs  []string `json:"outputs"`
		Verified []string `json:"verified"`
	} `json:"pending"`
	Waiting []struct {
		Inputs  []string `json:"inputs"`
		Outputs []string `json:"outputs"`
	} `json:"waiting"`
	Spread struct {
		Mean float64 `json:"mean"`
		Max  int     `json:"max"`
	} `json:"spread"`
	Disk struct {
		Files    int64 `json:"files"`
		Manifest int64 `json:"manifest"`
	} `json:"disk"`
}

func newMerges(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "merges",
		Short: "show which segments are being merged",
		Long: "The merges that are under way, who makes each, and who has found it right. A merge takes effect at the next floor after a majority has;\n" +
			"until then its inputs are read. Policy merge.off of `gapless ctl policy` stops planning new ones.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.get(cmd.Context(), "/v1/merges", nil, &answer); err != nil {
				return err
			}
			if asJSON {
				return writeIndented(cmd.OutOrStdout(), answer)
			}
			var s mergesStatus
			if err := json.Unmarshal(answer, &s); err != nil {
				return fmt.Errorf("/v1/merges: %w", err)
			}
			return s.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	return cmd
}

func (s *mergesStatus) write(w io.Writer) error {
	window := time.Duration(s.Policy.WindowMS) * time.Millisecond
	policy := fmt.Sprintf("windows of %s, %d segments at least, results of %d bytes at most", window, s.Policy.FanIn, s.Policy.MaxBytes)
	if s.Policy.Off {
		policy = "off: no new merges"
	}
	fmt.Fprintf(w, "%s\n", clean(s.Node))
	fmt.Fprintf(w, "policy    %s\n", policy)
	fmt.Fprintf(w, "windows   %.1f segments on average, %d at most\n", s.Spread.Mean, s.Spread.Max)
	fmt.Fprintf(w, "files     %d bytes, %d of them in the manifest\n", s.Disk.Files, s.Disk.Manifest)
	fmt.Fprintf(w, "pending   %d\n", len(s.Pending))
	fmt.Fprintf(w, "waiting   %d for the next floor\n", len(s.Waiting))
	if len(s.Pending) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable("MERGE#", "STATE", "BUILDER", "SEGMENTS", "FRAMES#", "BYTES#", "VERIFIED")
	for _, p := range s.Pending {
		segments := fmt.Sprintf("%d", len(p.Inputs))
		if len(p.Outputs) > 0 {
			segments += fmt.Sprintf(" to %d", len(p.Outputs))
		}
		t.add(fmt.Sprint(p.ID), p.State, p.Builder, segments, fmt.Sprint(p.Frames), fmt.Sprint(p.Bytes), strings.Join(p.Verified, " "))
	}
	return t.write(w)
}
