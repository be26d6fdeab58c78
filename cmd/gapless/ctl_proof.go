package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// proofStatus is a node's answer to GET /v1/proof.
type proofStatus struct {
	Active  bool   `json:"active"`
	Origin  string `json:"origin"`
	Ordinal uint32 `json:"ordinal"`
	Sealed  uint32 `json:"sealed"`
	Counted uint32 `json:"counted"`
	Pending []struct {
		Ordinal  uint32   `json:"ordinal"`
		Index    uint64   `json:"index"`
		Reported []string `json:"reported"`
		Roots    int      `json:"roots"`
		Censuses int      `json:"censuses"`
	} `json:"pending"`
	LogRecords int64  `json:"log_records"`
	LogRoot    string `json:"log_root"`
	Checkpoint struct {
		Records int64    `json:"records"`
		Root    string   `json:"root"`
		Census  uint64   `json:"census"`
		Time    string   `json:"census_time"`
		Signers []string `json:"signers"`
	} `json:"checkpoint"`
	Checked     uint32 `json:"checked"`
	Objection   string `json:"objection"`
	Differences []struct {
		Ordinal uint32 `json:"ordinal"`
		Census  uint64 `json:"census"`
		Want    string `json:"want"`
		Got     string `json:"got"`
		Against string `json:"against"`
		Stream  string `json:"stream"`
		What    string `json:"what"`
	} `json:"differences"`
}

func newProof(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "proof",
		Short: "show how far the proof is: seals, the log, who signed it",
		Long: "How far the proof is, as the node sees it: which seals are in the log, which it computed itself and compared, and who signed the newest\n" +
			"checkpoint. A difference is an alarm: this node computed another root than the cluster from what it stores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.get(cmd.Context(), "/v1/proof", nil, &answer); err != nil {
				return err
			}
			if asJSON {
				return writeIndented(cmd.OutOrStdout(), answer)
			}
			var s proofStatus
			if err := json.Unmarshal(answer, &s); err != nil {
				return fmt.Errorf("/v1/proof: %w", err)
			}
			return s.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	cmd.AddCommand(newProofPolicy(c))
	return cmd
}

func (s *proofStatus) write(w io.Writer) error {
	if !s.Active {
		_, err := fmt.Fprintln(w, "no proof yet: the cluster version has none; see gapless ctl members")
		return err
	}
	fmt.Fprintf(w, "log         %s, root %s, %s\n", plural(uint64(s.LogRecords), "record", "records"), clean(s.LogRoot), clean(cmp.Or(s.Origin, "no key yet")))
	fmt.Fprintf(w, "checkpoint  %s\n", s.checkpoint())
	fmt.Fprintf(w, "seals       %d in the log, %d of them checked by this node; %d is open\n", s.Sealed, min(s.Checked, s.Sealed), s.Ordinal)
	fmt.Fprintf(w, "pending     %d\n", len(s.Pending))
	if s.uncounted() {
		fmt.Fprintf(w, "NO CENSUS   of the seals behind %d: no majority took one, or the nodes' ledgers differ; end another seal\n", s.Counted)
	}
	if s.Objection != "" {
		fmt.Fprintf(w, "objection   this node does not sign: %s\n", clean(s.Objection))
	}
	if err := s.writePending(w); err != nil {
		return err
	}
	return s.writeDifferences(w)
}

// uncounted reports whether one of the newest seals has no census: it is done with, or those who have counted it differ.
func (s *proofStatus) uncounted() bool {
	waits := uint32(0)
	for _, p := range s.Pending {
		if p.Ordinal > s.Sealed || p.Ordinal <= s.Counted {
			continue
		}
		if p.Censuses > 1 {
			return true
		}
		waits++
	}
	return s.Counted+waits < s.Sealed
}

// checkpoint says what the newest checkpoint covers.
func (s *proofStatus) checkpoint() string {
	if s.Checkpoint.Records == 0 {
		return "none yet"
	}
	names := make([]string, len(s.Checkpoint.Signers))
	for i, name := range s.Checkpoint.Signers {
		names[i] = strings.TrimPrefix(name, s.Origin+"/")
	}
	census := "no census yet"
	if s.Checkpoint.Census > 0 {
		census = strings.TrimSuffix(fmt.Sprintf("census at %d of %s", s.Checkpoint.Census, s.Checkpoint.Time), " of ")
	}
	return clean(fmt.Sprintf("%s, %s, signed by %s", plural(uint64(s.Checkpoint.Records), "record", "records"), census, strings.Join(names, " ")))
}

func (s *proofStatus) writePending(w io.Writer) error {
	if len(s.Pending) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable("SEAL#", "INDEX#", "ROOTS#", "CENSUSES#", "REPORTED")
	for _, p := range s.Pending {
		t.add(fmt.Sprint(p.Ordinal), fmt.Sprint(p.Index), fmt.Sprint(p.Roots), fmt.Sprint(p.Censuses), strings.Join(p.Reported, " "))
	}
	return t.write(w)
}

func (s *proofStatus) writeDifferences(w io.Writer) error {
	if len(s.Differences) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nDIFFERENCES: this node has other content than the cluster\n\n")
	t := newTable("SEAL#", "OF", "CLUSTER", "THIS NODE", "COMPARED WITH", "STREAM", "WHAT")
	for _, d := range s.Differences {
		of := "content"
		if d.Census > 0 {
			of = fmt.Sprintf("census at %d", d.Census)
		}
		t.add(fmt.Sprint(d.Ordinal), of, d.Want, d.Got, cmp.Or(d.Against, "-"), cmp.Or(d.Stream, "-"), cmp.Or(d.What, "-"))
	}
	return t.write(w)
}

func newProofPolicy(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "policy",
		Short: "print whose signatures make a checkpoint valid, as a file for gapless verify",
		Long: "The policy that the cluster would have you trust: the keys of its nodes, and how many of them have to sign. Compare it with the keys that you\n" +
			"were given on another way: a node that answers with its own keys can prove whatever it likes.",
		Example: "  gapless ctl proof policy > plant.policy",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			resp, err := c.stream(cmd.Context(), "/v1/proof/policy", nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(cmd.OutOrStdout(), resp.Body)
			return err
		},
	}
}

// sealWait is how long a seal is waited for unless --timeout is given: a majority flushes, counts and signs meanwhile, for which a node waits 30 s.
const sealWait = 45 * time.Second

func newSealNow(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "seal",
		Short: "end the open seal now: what is stored until now can be proven",
		Long: "End the open seal, and wait until a majority of the nodes has computed it and signed. Seals end by themselves, too (policy seal.interval_ms), and\n" +
			"gapless certify ends one. Waits 45 s, or --timeout.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("timeout") {
				c.timeout = sealWait
			}
			return sealNow(cmd.Context(), c, cmd.OutOrStdout())
		},
	}
}

func sealNow(ctx context.Context, c *client, w io.Writer) error {
	var s proofStatus
	if err := c.do(ctx, http.MethodPost, "/v1/proof/seal", nil, &s); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "sealed up to %d; checkpoint of %s\n", s.Sealed, s.checkpoint())
	return err
}
