package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "make tokens for clients",

		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }, // no node is asked, so its address is not looked at
	}
	cmd.AddCommand(newTokenNew())
	return cmd
}

func newTokenNew() *cobra.Command {
	var tenant, id, scope, path string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "make a token and its line for the token file",
		Long: "Make a token. The client gets the token; the line, which holds only its SHA-256, goes into the file that token_file names.\n" +
			"No node is asked. The token is stored nowhere: keep it where you keep secrets.",
		Example: "  gapless ctl token new --id mill-gateway --scope write\n  gapless ctl token new --id dashboard --scope read --append tokens.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			scopes, err := auth.ParseScopes(scope)
			if err != nil {
				return err
			}
			token, line, err := auth.NewToken(auth.Principal{Tenant: tenant, ID: id, Scopes: scopes})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if path == "" {
				_, err := fmt.Fprintf(out, "token: %s\nline:  %s\n", token, line)
				return err
			}
			if err := appendLine(path, line); err != nil {
				return err
			}
			_, err = fmt.Fprintln(out, token)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&tenant, "tenant", frame.DefaultTenant, "tenant the client works in")
	f.StringVar(&id, "id", "", "who the client is, for logs")
	f.StringVar(&scope, "scope", "read,write", "what it may do: read, write, admin, separated by commas")
	f.StringVar(&path, "append", "", "append the line to this file and print the token alone")
	if err := cmd.MarkFlagRequired("id"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// appendLine adds a line to a token file, which it creates readable by its owner only.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		var last [1]byte
		if _, err = f.ReadAt(last[:], size-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	if err == nil {
		_, err = f.WriteString(line + "\n")
	}
	return errors.Join(err, f.Sync(), f.Close())
}
