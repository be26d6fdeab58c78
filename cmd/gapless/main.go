// Command gapless is the server, the terminal and the demo of gapless in one binary. It parses flags, files and environment and calls
// package gapless; it holds no logic of the store.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// version is set by the build (see the Makefile).
var version = "unknown"

// Exit codes beyond 0 and 1.
const (
	exitFatal = 70 // serve ended itself because going on could lose or damage data
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// exitError ends the program with a code and, when it has one, a message.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{1, err}
	}
	if exit.err != nil {
		fmt.Fprintln(errOut, "gapless:", strings.TrimPrefix(exit.err.Error(), "gapless: "))
	}
	return exit.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "gapless",
		Short:   "telemetry you can prove is complete",
		Version: version,
		Long: "gapless commits numbered frames from devices on three nodes and knows which are missing, and why.\n" +
			"Start with `gapless demo`, or with `gapless serve --node n1 --data ./n1`.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newDemo(), newGaps(), newTrace(), newQuery(), newSeries(), newReplay(), newExport(), newTail(), newCtl(), newCertify(), newVerify(), newDump(), newBench(), newCert(), newVersion())
	return root
}
