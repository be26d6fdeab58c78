package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newPolicy(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "read and change the replicated settings",
	}
	cmd.AddCommand(newPolicyGet(c), newPolicySet(c), newPolicyHistory(c))
	return cmd
}

func newPolicyGet(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "get",
		Short: "print the policy in force",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var policy json.RawMessage
			if err := c.get(cmd.Context(), "/v1/policy", nil, &policy); err != nil {
				return err
			}
			return writeIndented(cmd.OutOrStdout(), policy)
		},
	}
}

func newPolicySet(c *client) *cobra.Command {
	var path, note string
	cmd := &cobra.Command{
		Use:     "set NAME=VALUE... | -f FILE",
		Short:   "change the policy on all nodes",
		Long:    "Change single values, or replace the whole policy with a file (- for standard input) that started as the output of get.\nOf two changes at once one is refused: each names the revision it replaces.",
		Example: "  gapless ctl policy set ledger.grace_ms=20000 --note 'slow network'\n  gapless ctl policy get > p.json && $EDITOR p.json && gapless ctl policy set -f p.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (path == "") == (len(args) == 0) {
				return fmt.Errorf("give either NAME=VALUE... or -f FILE")
			}
			var policy any
			if path != "" {
				b, err := readFileOr(path, cmd.InOrStdin())
				if err != nil {
					return err
				}
				if err := json.Unmarshal(b, &policy); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				policy = json.RawMessage(b)
			} else {
				members := map[string]json.RawMessage{}
				if err := c.get(cmd.Context(), "/v1/policy", nil, &members); err != nil {
					return err
				}
				for _, arg := range args {
					if err := setMember(members, arg); err != nil {
						return err
					}
				}
				policy = members
			}
			target := "/v1/policy"
			if note != "" {
				target += "?" + url.Values{"note": {note}}.Encode()
			}
			var now json.RawMessage
			if err := c.do(cmd.Context(), http.MethodPut, target, policy, &now); err != nil {
				return err
			}
			return writeIndented(cmd.OutOrStdout(), now)
		},
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "policy to put in force, as JSON")
	cmd.Flags().StringVar(&note, "note", "", "why, for the history")
	return cmd
}

// setMember replaces one member that exists, named by its path: a.b=value. The value is JSON, or a string without quotes.
func setMember(members map[string]json.RawMessage, arg string) error {
	path, value, ok := strings.Cut(arg, "=")
	if !ok {
		return fmt.Errorf("%q: give NAME=VALUE", arg)
	}
	name, rest, nested := strings.Cut(path, ".")
	old, ok := members[name]
	if !ok {
		return fmt.Errorf("the policy has no %q; it has %s", name, strings.Join(names(members), ", "))
	}
	if nested {
		inner := map[string]json.RawMessage{}
		if err := json.Unmarshal(old, &inner); err != nil {
			return fmt.Errorf("%q has no members: it is %s", name, old)
		}
		if err := setMember(inner, rest+"="+value); err != nil {
			return err
		}
		b, err := json.Marshal(inner)
		members[name] = b
		return err
	}
	if !json.Valid([]byte(value)) {
		b, err := json.Marshal(value)
		if err != nil {
			return err
		}
		value = string(b)
	}
	members[name] = json.RawMessage(value)
	return nil
}

func names(members map[string]json.RawMessage) []string {
	list := make([]string, 0, len(members))
	for name := range members {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func readFileOr(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(path)
}

func writeIndented(w io.Writer, doc json.RawMessage) error {
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}
