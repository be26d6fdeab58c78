package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newDevice(c *client) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "say what a device is: labels, type, cadence, class, first number, rule",
		Long: "The registry of devices. A device needs no entry to send frames, and an entry no frames.\n" +
			"Entries have the members labels.NAME, type, cadence_ms, class, first, rule.restart_below, rule.restart_drop,\n" +
			"rule.misorder_window and rule.protocol_zero.",
	}
	cmd.AddCommand(newDeviceGet(c), newDeviceChange(c, http.MethodPut), newDeviceChange(c, http.MethodPatch), newDeviceDelete(c), newDeviceImport(c))
	return cmd
}

func newDeviceGet(c *client) *cobra.Command {
	return &cobra.Command{
		Use:   "get DEVICE",
		Short: "print a device's entry",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var answer struct {
				Registry json.RawMessage `json:"registry"`
			}
			if err := c.get(cmd.Context(), devicePath(args[0], ""), nil, &answer); err != nil {
				return err
			}
			if len(answer.Registry) == 0 || string(answer.Registry) == "null" {
				return fmt.Errorf("device %q is not registered", args[0])
			}
			return writeIndented(cmd.OutOrStdout(), answer.Registry)
		},
	}
}

// newDeviceChange is set (PUT) and patch (PATCH).
func newDeviceChange(c *client, method string) *cobra.Command {
	use, short, long := "set", "replace a device's entry", "What is not named is absent afterwards."
	if method == http.MethodPatch {
		use, short, long = "patch", "change parts of a device's entry", "What is not named stays; null takes it away."
	}
	var path, expect string
	cmd := &cobra.Command{
		Use:   use + " DEVICE [NAME=VALUE... | -f FILE]",
		Short: short,
		Long:  short + ". " + long + "\nGive single members, or a file with all of them as a JSON object (- for standard input).",
		Example: "  gapless ctl device " + use + " mill-07 labels.site=graz labels.line=2 type=mill\n" +
			"  gapless ctl device " + use + " mill-07 rule.restart_drop=500 --expect 3",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			entry, err := deviceEntry(cmd, args[1:], path)
			if err != nil {
				return err
			}
			return changeDevice(cmd, c, method, args[0], expect, entry)
		},
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "members, as a JSON object")
	cmd.Flags().StringVar(&expect, "expect", "", "revision that the entry must have, 0 for none: else nothing changes")
	return cmd
}

// deviceEntry is the body of a change.
func deviceEntry(cmd *cobra.Command, members []string, path string) (any, error) {
	if path == "" {
		return deviceMembers(members)
	}
	if len(members) > 0 {
		return nil, fmt.Errorf("give either NAME=VALUE... or -f FILE")
	}
	b, err := readFileOr(path, cmd.InOrStdin())
	if err == nil && !json.Valid(b) {
		err = fmt.Errorf("%s is not JSON", path)
	}
	return json.RawMessage(b), err
}

// deviceMembers makes an object of NAME=VALUE. Labels, type and class are texts whatever they look like; null is null.
func deviceMembers(args []string) (map[string]any, error) {
	entry := map[string]any{}
	for _, arg := range args {
		path, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, fmt.Errorf("%q: give NAME=VALUE", arg)
		}
		name, inner, nested := strings.Cut(path, ".")
		var v any = value
		switch text := name == "labels" || name == "type" || name == "class"; {
		case value == "null":
			v = nil
		case !text && !json.Valid([]byte(value)):
			return nil, fmt.Errorf("%q: the value is a number, true, false or null", arg)
		case !text:
			v = json.RawMessage(value)
		}
		if !nested {
			entry[name] = v
			continue
		}
		members, _ := entry[name].(map[string]any)
		if members == nil {
			members = map[string]any{}
			entry[name] = members
		}
		members[inner] = v
	}
	return entry, nil
}

func newDeviceDelete(c *client) *cobra.Command {
	var expect string
	cmd := &cobra.Command{
		Use:   "delete DEVICE",
		Short: "delete a device's entry",
		Long:  "Delete a device's entry. Its frames stay, and what was decided under its rule.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeDevice(cmd, c, http.MethodDelete, args[0], expect, nil)
		},
	}
	cmd.Flags().StringVar(&expect, "expect", "", "revision that the entry must have: else nothing changes")
	return cmd
}

// changeDevice sends one change and prints the entry as it is now, or was.
func changeDevice(cmd *cobra.Command, c *client, method, device, expect string, entry any) error {
	path := devicePath(device, "")
	if expect != "" {
		if _, err := strconv.ParseUint(expect, 10, 64); err != nil {
			return fmt.Errorf("--expect %q is no revision", expect)
		}
		path += "?" + url.Values{"expect": {expect}}.Encode()
	}
	var answer struct {
		Device json.RawMessage `json:"device"`
	}
	if err := c.do(cmd.Context(), method, path, entry, &answer); err != nil {
		return err
	}
	return writeIndented(cmd.OutOrStdout(), answer.Device)
}
