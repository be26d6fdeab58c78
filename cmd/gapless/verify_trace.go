package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/proof/verify"
)

// maxTrace is the largest trace that is read: a group has 64 frames of 1 MiB, in base64, and the frame stands beside it.
const maxTrace = 128 << 20

// runTrace is `gapless verify --trace`.
func (o *verifyOptions) runTrace(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 0 || o.certificate != "" || o.segments != "" || o.frame != "" || len(o.since) > 0 || o.receipt != "" || o.body != "":
		return wrongUsage("--trace stands alone: give --policy with it, and no certificate, segments, frame, earlier checkpoint or receipt")
	case o.policy == "":
		return wrongUsage("--policy is missing: the keys that you trust")
	}
	var in verify.TraceInput
	var err error
	if in.Policy, err = policyFile(o.policy); err != nil {
		return asUsage(err)
	}
	if in.Trace, err = readUpTo(o.trace, maxTrace); err != nil {
		return asUsage(err)
	}
	report := verify.RunTrace(cmd.Context(), in)
	return o.print(cmd.OutOrStdout(), &report)
}

// readUpTo reads a file of a bounded size.
func readUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, nil
}
