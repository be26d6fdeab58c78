package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// proofKeys is a node's answer to GET /v1/proof/keys.
type proofKeys struct {
	Node      string     `json:"node"`
	VKey      string     `json:"vkey"`
	VKeyError string     `json:"vkey_error"`
	Keys      []proofKey `json:"keys"`
}

type proofKey struct {
	Node   string `json:"node"`
	Server string `json:"server"`
	VKey   string `json:"vkey"`
	Since  int64  `json:"since"`
	Until  int64  `json:"until"`
}

func newProofKey(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "the keys with which nodes sign",
		Long: "Each node signs the log of the proof with a key of its own, which it makes when it first has a vote and which never leaves its disk. A key that was\n" +
			"in use stays in the policy as long as its node votes: what it signed stays valid.",
	}
	cmd.AddCommand(newKeyList(c), newKeyRotate(c))
	return cmd
}

func newKeyList(c *client) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list every key that a node has signed with",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var answer json.RawMessage
			if err := c.get(cmd.Context(), "/v1/proof/keys", nil, &answer); err != nil {
				return err
			}
			if asJSON {
				return writeIndented(cmd.OutOrStdout(), answer)
			}
			var k proofKeys
			if err := json.Unmarshal(answer, &k); err != nil {
				return fmt.Errorf("/v1/proof/keys: %w", err)
			}
			return k.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the node's answer as JSON")
	return cmd
}

// write prints the keys, and behind them what is special about the newest one of the asked node. SINCE and UNTIL are places in the log.
func (k *proofKeys) write(w io.Writer) error {
	t := newTable("NODE", "STATE", "SINCE#", "UNTIL#", "SERVER", "KEY")
	for _, key := range k.Keys {
		state, until := "in use", "-"
		if key.Until > 0 {
			state, until = "ended", fmt.Sprint(key.Until)
		}
		t.add(key.Node, state, fmt.Sprint(key.Since), until, key.Server, key.VKey)
	}
	if err := t.write(w); err != nil {
		return err
	}
	if k.VKeyError != "" {
		_, err := fmt.Fprintf(w, "\n%s cannot read its newest key: %s\n", clean(k.Node), clean(k.VKeyError))
		return err
	}
	if k.inLog() {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s has a new key, which is not in the log yet: %s\n", clean(k.Node), clean(k.VKey))
	return err
}

// inLog reports whether the cluster knows the newest key of the asked node, or it has none.
func (k *proofKeys) inLog() bool {
	return k.VKey == "" || slices.ContainsFunc(k.Keys, func(key proofKey) bool { return key.VKey == k.VKey })
}

func newKeyRotate(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "make the node that is asked sign with a new key",
		Long: "Make the node that is asked (--url) sign with a new key. Once the log has that, signed with both, the old one is destroyed; should the node end before,\n" +
			"it goes on at its next start. What the old one signed stays valid; who verifies needs a policy with the new one (gapless ctl proof policy) for what is\n" +
			"signed from now on. One node after the other.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return rotateKey(cmd.Context(), c, cmd.OutOrStdout())
		},
	}
}

// rotateKey makes a node change its key, and waits until the log has the new one.
func rotateKey(ctx context.Context, c *client, w io.Writer) error {
	var k proofKeys
	if err := c.do(ctx, http.MethodPost, "/v1/proof/keys/rotate", nil, &k); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s has a new key: %s\n", clean(k.Node), clean(k.VKey))
	wanted := k.VKey
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !k.inLog() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("the log does not have it after %s, and the node signs with the one before; gapless ctl key list shows when it does", c.timeout)
		}
		if err := c.get(ctx, "/v1/proof/keys", nil, &k); err != nil && ctx.Err() == nil {
			return err
		}
		k.VKey = wanted // should another node answer, or one more change be under way
	}
	_, err := fmt.Fprintln(w, "it is in the log and in the policy: gapless ctl proof policy")
	return err
}
