package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/gaplessdb/gapless/proof/verify"
)

// maxAnswer is the largest file that is read for a receipt: an answer lists up to 10,000 rejected items.
const maxAnswer = 16 << 20

// runReceipt is `gapless verify --receipt`.
func (o *verifyOptions) runReceipt(cmd *cobra.Command, args []string) error {
	in, done, err := o.receiptInput(args)
	if err != nil {
		return err
	}
	defer done()
	return o.watch(cmd, func(progress func(what string, done, total int64)) verify.Report {
		in.Progress = progress
		return verify.RunReceipt(cmd.Context(), in)
	})
}

// receiptInput reads what the flags name. A certificate, or a bundle, is not needed.
func (o *verifyOptions) receiptInput(args []string) (in verify.ReceiptInput, done func(), err error) {
	done = func() {}
	switch {
	case o.receipt == "":
		return in, done, wrongUsage("--body needs --receipt")
	case len(args) == 1 || o.certificate != "":
		in.Input, done, err = o.input(args)
	case o.policy == "":
		return in, done, wrongUsage("--policy is missing: the keys that you trust")
	case o.segments != "" || o.frame != "" || len(o.since) > 0:
		return in, done, wrongUsage("--segments, --frame and --since need a certificate")
	default:
		in.Policy, err = policyFile(o.policy)
	}
	if err == nil {
		in.Receipt, err = receiptFile(o.receipt)
	}
	if err == nil && o.body != "" {
		var f *os.File
		if f, err = os.Open(o.body); err == nil {
			rest := done
			in.Body, done = f, func() { rest(); _ = f.Close() } // only read
		}
	}
	if err != nil {
		done()
	}
	return in, done, asUsage(err)
}

// receiptFile reads a receipt: the note, or the answer that has it.
func receiptFile(path string) ([]byte, error) {
	b, err := readUpTo(path, maxAnswer)
	if err != nil {
		return nil, err
	}
	if text := bytes.TrimSpace(b); len(text) == 0 || text[0] != '{' {
		return b, nil
	}
	var answer struct {
		Receipt string `json:"receipt"`
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if answer.Receipt == "" {
		return nil, fmt.Errorf("%s is an answer without a receipt: it was not asked for, or nothing was committed", path)
	}
	return []byte(answer.Receipt), nil
}
