package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/demo"
)

func newDemo() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "run three nodes and a simulated fleet, kill the leader, compare frame by frame",
		Long: "Start three nodes on this machine, send what a simulated fleet sends, kill the leader halfway, and compare what the nodes answer with\n" +
			"what the fleet did. Exit code 0: they agree frame by frame. 1: they do not. 2: the demo could not run.\n" +
			"With --stay there is no fleet: the cluster stays up until Ctrl-C.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out = cmd.OutOrStdout()
			if code := demo.Run(cmd.Context(), o); code != demo.ExitExact {
				return &exitError{code: code}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.Dir, "dir", "demo", "directory for all that the demo makes")
	f.BoolVar(&o.Stay, "stay", false, "only start the cluster, and leave it up")
	f.StringVar(&o.Break, "break", "", "make the fleet lie in one place, so that the comparison fails: drop, invent or tail (BREAK)")
	f.Uint64Var(&o.Seed, "seed", 1, "of everything the fleet draws")
	f.IntVar(&o.Devices, "devices", 56, "devices of the fleet")
	f.IntVar(&o.Frames, "frames", 120_000, "about how many numbers they use up")
	f.DurationVar(&o.Duration, "duration", 25*time.Second, "time the fleet takes to send them; negative: as fast as answers come")
	f.DurationVar(&o.Down, "down", 3*time.Second, "time the killed leader stays down")
	f.IntVar(&o.HTTPPort, "http-port", 7401, "HTTP port of the first node; the others follow")
	f.IntVar(&o.ClusterPort, "cluster-port", 7501, "cluster port of the first node; the others follow")
	return cmd
}
