package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/raftfsm"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version of this binary and what it supports",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "gapless %s, cluster version %d, %s %s/%s\n",
				version, raftfsm.SupportedVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
