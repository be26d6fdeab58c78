package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// clusterMember is one server as a node sees it.
type clusterMember struct {
	Node          string `json:"node"`
	Server        string `json:"server"`
	Raft          string `json:"raft"`
	HTTP          string `json:"http"`
	Versions      int    `json:"versions"` // highest cluster version that its release supports, 0 for not known
	Role          string `json:"role"`
	State         string `json:"state"`
	Answers       bool   `json:"answers"`
	LastContactMS int64  `json:"last_contact_ms"`
	DurableIndex  uint64 `json:"durable_index"`
	Behind        uint64 `json:"behind"`
	Pending       string `json:"pending"`
}

// roleNames are the roles as the table shows them.
var roleNames = map[string]string{"leader": "leader", "voter": "follower", "nonvoter": "non-voter", "outside": "outside"}

func newMembers(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "members",
		Short: "list the nodes of the cluster",
		Long: "List the servers of the cluster, how far each is, and what is to be done about it. A follower votes, a non-voter has the same frames and no vote;\n" +
			"outside are nodes that answer and do not belong to the cluster: new ones, removed ones, and those whose disk is new. VERSION is the highest cluster\n" +
			"version that a node's release supports; above the table is the one in force.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showCluster(cmd.Context(), c, cmd.OutOrStdout(), asJSON, func(w io.Writer, s *clusterStatus) error {
				fmt.Fprintf(w, "cluster version %d%s\n\n", s.ClusterVersion, s.raisable())
				return s.writeMembers(w)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	return cmd
}

func (s *clusterStatus) writeMembers(w io.Writer) error {
	t := newTable("NODE", "ROLE", "STATE", "VERSION#", "SERVER ID", "CLUSTER ADDRESS", "HTTP", "DURABLE#", "BEHIND#", "LAST CONTACT#")
	for _, m := range s.Members {
		state, durable, behind, contact := "-", "-", "-", "none"
		if m.Answers {
			state, durable, behind, contact = m.State, fmt.Sprint(m.DurableIndex), fmt.Sprint(m.Behind), fmt.Sprintf("%d ms ago", m.LastContactMS)
		}
		version := "-"
		if m.Versions > 0 {
			version = fmt.Sprint(m.Versions)
		}
		t.add(m.Node, roleNames[m.Role], state, version, m.Server, m.Raft, m.HTTP, durable, behind, contact)
	}
	if err := t.write(w); err != nil {
		return err
	}
	first := "\n"
	for _, m := range s.Members {
		if m.Pending == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s%s (%s): %s\n", first, m.Node, m.Server, clean(m.Pending)); err != nil {
			return err
		}
		first = ""
	}
	return nil
}

// raisable says how to end an upgrade that every node went through, "" when there is none.
func (s *clusterStatus) raisable() string {
	newest := math.MaxInt
	for _, m := range s.Members {
		if m.Role != "outside" {
			newest = min(newest, m.Versions)
		}
	}
	if newest <= s.ClusterVersion || newest == math.MaxInt { // the latter: no members
		return ""
	}
	return fmt.Sprintf("; every node supports %d: `gapless ctl cluster raise` takes it into use, and then no node can go back", newest)
}

func newJoin(c *client) *cobra.Command {
	var promote bool
	cmd := newChange(c, &cobra.Command{
		Use:   "join NODE ADDRESS",
		Short: "take a new node into the cluster",
		Long: "Take a node that was started on an empty directory into the cluster, as a non-voter: it gets every frame and has no vote. ADDRESS is the host:port of its\n" +
			"cluster port. Its peers must name nodes of the cluster, and itself. With --promote it votes as soon as it has caught up.",
		Args: cobra.ExactArgs(2),
	}, func(ctx context.Context, cmd *cobra.Command, w *changeWait, args []string) error {
		if err := w.change(ctx, c, "join", args[0], args[1]); err != nil || !promote {
			return err
		}
		return w.change(ctx, c, "promote", args[0], "")
	})
	cmd.Flags().BoolVar(&promote, "promote", false, "let the node vote as soon as it has caught up")
	return cmd
}

func newPromote(c *client) *cobra.Command {
	return newChange(c, &cobra.Command{
		Use:   "promote NODE",
		Short: "let a non-voter vote once it has caught up",
		Args:  cobra.ExactArgs(1),
	}, func(ctx context.Context, _ *cobra.Command, w *changeWait, args []string) error {
		return w.change(ctx, c, "promote", args[0], "")
	})
}

func newReplace(c *client) *cobra.Command {
	return newChange(c, &cobra.Command{
		Use:   "replace NODE [ADDRESS]",
		Short: "put a node's new disk in the place of its lost one",
		Long: "Put the disk on which a node was started anew in the place of the one it lost: the new one is added without a vote and catches up, the old one is\n" +
			"removed, and then the new one votes. Empty the node's directory and start the node first. ADDRESS is its cluster address where that is new, too.",
		Args: cobra.RangeArgs(1, 2),
	}, func(ctx context.Context, _ *cobra.Command, w *changeWait, args []string) error {
		return w.change(ctx, c, "replace", args[0], append(args[1:], "")[0])
	})
}

func newRemove(c *client) *cobra.Command {
	return newChange(c, &cobra.Command{
		Use:   "remove NODE",
		Short: "take a node out of the cluster",
		Long: "Take a node out of the cluster. It is refused where fewer than a quorum of the remaining voters answer and hold everything, and for the last voter.\n" +
			"A leader hands over first. The node's directory is left alone; stop the node afterwards.",
		Args: cobra.ExactArgs(1),
	}, func(ctx context.Context, _ *cobra.Command, w *changeWait, args []string) error {
		return w.change(ctx, c, "remove", args[0], "")
	})
}

// newChange completes a command that changes the membership.
func newChange(c *client, cmd *cobra.Command, run func(context.Context, *cobra.Command, *changeWait, []string) error) *cobra.Command {
	w := &changeWait{}
	cmd.Long += "\nAsked again after any failure, at any node, it goes on where it was."
	cmd.Flags().DurationVar(&w.limit, "wait", 10*time.Minute, "longest wait until it is done")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		w.out = cmd.OutOrStdout()
		ctx, cancel := context.WithTimeout(cmd.Context(), w.limit)
		defer cancel()
		return run(ctx, cmd, w, args)
	}
	return cmd
}

// changeWait repeats a change until it is done, and shows how it gets on.
type changeWait struct {
	limit time.Duration
	out   io.Writer
	said  string
}

// changeAnswer is how far a change got.
type changeAnswer struct {
	Did     []string `json:"did"`
	Done    bool     `json:"done"`
	Behind  uint64   `json:"behind"`
	Message string   `json:"message"`
}

func (w *changeWait) change(ctx context.Context, c *client, op, node, address string) error {
	body := map[string]string{}
	if address != "" {
		body["address"] = address
	}
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		var a changeAnswer
		var refused *apiError
		err := c.do(ctx, http.MethodPost, "/v1/cluster/members/"+url.PathEscape(node)+"/"+op, body, &a)
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusServiceUnavailable: // no leader at the moment, or its answer was lost
			a.Message = refused.Message
		case ctx.Err() != nil:
			a.Message = w.said
		case err != nil:
			return err
		case a.Behind > 0:
			a.Message += fmt.Sprintf(", %d entries behind", a.Behind)
		}
		if err := w.say(append(a.Did, a.Message)...); err != nil || a.Done {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%s %s is not done after %s: %s\nhint: run the command again, it goes on where it was", op, node, w.limit, a.Message)
		}
	}
}

// say prints lines, but for what was said last.
func (w *changeWait) say(lines ...string) error {
	for _, line := range lines {
		if line == w.said {
			continue
		}
		w.said = line
		if _, err := fmt.Fprintln(w.out, clean(line)); err != nil {
			return err
		}
	}
	return nil
}
