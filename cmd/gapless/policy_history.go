package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

// policyHistory is the answer to GET /v1/policy/history.
type policyHistory struct {
	Changes []struct {
		Revision uint64 `json:"revision"`
		At       string `json:"at"`
		By       string `json:"by"`
		Note     string `json:"note"`
		Changes  []struct {
			Path string          `json:"path"`
			From json.RawMessage `json:"from"`
			To   json.RawMessage `json:"to"`
		} `json:"changes"`
	} `json:"changes"`
}

func newPolicyHistory(c *client) *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "show who changed the policy, when, why and what",
		Long:  "The changes of the policy since cluster version 2, the newest first. --json has the whole policy after each of them.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.get(cmd.Context(), "/v1/policy/history", url.Values{"limit": {strconv.Itoa(limit)}}, &answer); err != nil {
				return err
			}
			if asJSON {
				return writeIndented(cmd.OutOrStdout(), answer)
			}
			var h policyHistory
			if err := json.Unmarshal(answer, &h); err != nil {
				return fmt.Errorf("/v1/policy/history: %w", err)
			}
			return h.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many changes, 1 to 1000")
	return cmd
}

// write prints a row for each setting that changed, or one for a change that changed nothing.
func (h *policyHistory) write(w io.Writer) error {
	t := newTable("REVISION#", "AT", "BY", "SETTING", "FROM", "TO", "NOTE")
	for _, c := range h.Changes {
		revision, by := strconv.FormatUint(c.Revision, 10), cmp.Or(c.By, "-")
		if len(c.Changes) == 0 {
			t.add(revision, c.At, by, "-", "-", "-", c.Note)
		}
		for _, v := range c.Changes {
			t.add(revision, c.At, by, v.Path, string(v.From), string(v.To), c.Note)
		}
	}
	return t.write(w)
}
