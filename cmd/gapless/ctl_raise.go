package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func newCluster(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "what concerns the cluster as a whole",
	}
	cmd.AddCommand(newRaise(c))
	return cmd
}

func newRaise(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "raise",
		Short: "end an upgrade: take what every member's release supports into use",
		Long: "Raise the cluster version to the newest one that every member supports. What came with it can be used from then on, and no node can go back to an older\n" +
			"release. While a member supports only an older one, the answer names it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var a struct{ From, To int }
			if err := c.do(cmd.Context(), http.MethodPost, "/v1/cluster/raise", map[string]string{}, &a); err != nil {
				return err
			}
			text := fmt.Sprintf("cluster version %d, as before", a.To)
			if a.From != a.To {
				text = fmt.Sprintf("cluster version raised from %d to %d", a.From, a.To)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
}
