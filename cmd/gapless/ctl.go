package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func newCtl() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ctl",
		Short: "look at a cluster and steer it",
	}
	c := addClientFlags(cmd)
	cmd.AddCommand(newStatus(c), newMembers(c), newTransfer(c), newJoin(c), newPromote(c), newReplace(c), newRemove(c),
		newCluster(c), newStorage(c), newMerges(c), newFlush(c), newProof(c), newSealNow(c), newProofKey(c), newPolicy(c), newDevice(c), newToken())
	return cmd
}

// clusterStatus is one node's view of its cluster.
type clusterStatus struct {
	Node    string `json:"node"`
	Cluster string `json:"cluster"`
	State   string `json:"state"`
	Term    uint64 `json:"term"`
	Leader  struct {
		Node string `json:"node"`
		ID   string `json:"id"`
		HTTP string `json:"http"`
	} `json:"leader"`
	CommitIndex    uint64          `json:"commit_index"`
	AppliedIndex   uint64          `json:"applied_index"`
	LastIndex      uint64          `json:"last_index"`
	History        uint64          `json:"history"`
	ClusterVersion int             `json:"cluster_version"`
	Members        []clusterMember `json:"members"`
}

func newStatus(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show who leads and how far each node is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showCluster(cmd.Context(), c, cmd.OutOrStdout(), asJSON, func(w io.Writer, s *clusterStatus) error {
				fmt.Fprintf(w, "cluster %s, leader %s, term %d, history %d, cluster version %d\n", s.Cluster, s.leader(), s.Term, s.History, s.ClusterVersion)
				fmt.Fprintf(w, "asked %s (%s): log up to %d, committed %d, applied %d\n\n", s.Node, s.State, s.LastIndex, s.CommitIndex, s.AppliedIndex)
				return s.writeMembers(w)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	return cmd
}

// showCluster asks a node about its cluster and prints the answer as it is, or with show.
func showCluster(ctx context.Context, c *client, w io.Writer, asJSON bool, show func(io.Writer, *clusterStatus) error) error {
	var answer json.RawMessage
	if err := c.get(ctx, "/v1/cluster", nil, &answer); err != nil {
		return err
	}
	if asJSON {
		_, err := fmt.Fprintf(w, "%s\n", answer)
		return err
	}
	var s clusterStatus
	if err := json.Unmarshal(answer, &s); err != nil {
		return fmt.Errorf("/v1/cluster: %w", err)
	}
	return show(w, &s)
}

// leader is the name of the leader. A node that leads says so before it is registered as a member.
func (s *clusterStatus) leader() string {
	switch {
	case s.Leader.Node != "":
		return s.Leader.Node
	case s.State == "Leader":
		return s.Node
	}
	return "none"
}

func newTransfer(c *client) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "transfer",
		Short: "hand leadership to another node",
		Long:  "Hand leadership to another node, for instance before stopping the leader. Without --to the leader picks the follower that is furthest.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := map[string]string{}
			if to != "" {
				body["to"] = to
			}
			var answer json.RawMessage
			if err := c.do(cmd.Context(), http.MethodPost, "/v1/cluster/transfer", body, &answer); err != nil {
				return err
			}
			s, err := waitLeader(cmd.Context(), c, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s leads in term %d\n", s.Leader.Node, s.Term)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "node that shall lead")
	return cmd
}

// waitLeader asks until the node knows a leader, the one that is wanted if there is one.
func waitLeader(ctx context.Context, c *client, want string) (*clusterStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	var s clusterStatus
	for {
		if err := c.get(ctx, "/v1/cluster", nil, &s); err != nil && ctx.Err() == nil {
			return nil, err
		}
		if s.Leader.Node != "" && (want == "" || s.Leader.Node == want) {
			return &s, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("leadership was handed over, but %q leads after %s", s.Leader.Node, c.timeout)
		}
	}
}
