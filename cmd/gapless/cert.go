package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/cmd/gapless/cert"
)

// How long what `gapless cert` makes lasts.
const (
	caDays   = 3650
	nodeDays = 365
)

func newCert() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cert",
		Short: "make certificates for the cluster port",
		Long: "Make a CA and certificates with which nodes encrypt the cluster port and know each other.\n" +
			"No node is asked. Use your own CA instead if you have one: a node's certificate needs the node's name among its DNS names,\n" +
			"and client and server use.",
	}
	cmd.AddCommand(newCertCA(), newCertNode())
	return cmd
}

func newCertCA() *cobra.Command {
	var dir, name string
	var days int
	cmd := &cobra.Command{
		Use:   "ca --out DIR",
		Short: "make a CA",
		Long: "Make a CA: DIR/ca.pem, which every node gets, and DIR/ca.key, which signs. Whoever has the key can make nodes of the cluster:\n" +
			"keep it off the nodes. Existing files are not written over.",
		Example: "  gapless cert ca --out ca",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := cert.CreateCA(dir, name, days)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", path)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "out", "", "directory for the files; it is made")
	f.StringVar(&name, "name", "gapless cluster CA", "common name of the CA, for people who look at it")
	f.IntVar(&days, "days", caDays, "days until it expires")
	require(cmd, "out")
	return cmd
}

func newCertNode() *cobra.Command {
	var ca, dir string
	var hosts []string
	var days int
	cmd := &cobra.Command{
		Use:   "node NAME --ca DIR --out DIR",
		Short: "make a node's certificate",
		Long: "Make the certificate NAME.pem and key NAME.key of node NAME (its setting `node`), signed by the CA in --ca, and put ca.pem beside them.\n" +
			"It prints the node's settings. Existing files are not written over: to renew a certificate make it in another directory, and move\n" +
			"key and certificate over the old ones. A running node takes them from there by itself.",
		Example: "  for n in n1 n2 n3; do gapless cert node $n --ca ca --out $n; done",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := cert.CreateNode(ca, dir, args[0], hosts, days)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "# expires %s\ncluster_cert: %s\ncluster_key: %s\ncluster_ca: %s\n",
				files.Expires.UTC().Format(time.DateOnly), filepath.ToSlash(files.Cert), filepath.ToSlash(files.Key), filepath.ToSlash(files.CA))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&ca, "ca", "", "directory of the CA, from `gapless cert ca`")
	f.StringVar(&dir, "out", "", "directory for the files; it is made")
	f.StringSliceVar(&hosts, "host", nil, "further name for the certificate: an IP address, or a domain name with a dot; the cluster port needs none")
	f.IntVar(&days, "days", nodeDays, "days until it expires")
	require(cmd, "ca", "out")
	return cmd
}

func require(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
}
