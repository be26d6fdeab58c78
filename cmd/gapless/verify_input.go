package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
)

// maxPolicy is the largest policy file that is read.
const maxPolicy = 1 << 20

// input reads what the flags and the argument name. done lets go of it.
func (o *verifyOptions) input(args []string) (in verify.Input, done func(), err error) {
	done = func() {}
	if (len(args) == 1) == (o.certificate != "") {
		return in, done, wrongUsage("give a bundle, or --certificate")
	}
	if o.policy == "" {
		hint := ""
		if len(args) == 1 {
			hint = fmt.Sprintf(": tar xf %s %s writes what the cluster says of itself; compare its keys with those that you got on another way", args[0], certificate.BundlePolicy)
		}
		return in, done, wrongUsage("--policy is missing: the keys that you trust%s", hint)
	}
	in.Frame = o.frame
	if len(args) == 1 {
		done, err = o.bundle(&in, args[0])
	} else {
		in.Certificate, err = os.ReadFile(o.certificate)
	}
	if err == nil {
		in.Policy, err = policyFile(o.policy)
	}
	for _, path := range o.since {
		if err == nil {
			err = addSince(&in, path)
		}
	}
	if err == nil && o.segments != "" {
		in.Files, err = segmentDir(o.segments)
	}
	if err != nil {
		done()
	}
	return in, done, asUsage(err)
}

// bundle takes certificate and segments out of a bundle. The policy in it is nothing to trust.
func (o *verifyOptions) bundle(in *verify.Input, path string) (done func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return func() {}, err
	}
	done = func() { _ = f.Close() } // only read
	stat, err := f.Stat()
	if err != nil {
		return done, err
	}
	b, err := certificate.OpenBundle(f, stat.Size())
	if errors.Is(err, certificate.ErrBundle) {
		return done, &exitError{verify.CodeTampered, fmt.Errorf("%s: %w", path, err)}
	}
	if err != nil {
		return done, err
	}
	in.Certificate, in.Files, in.Bundled = b.Certificate, verify.Bundle(b), true
	c, err := certificate.Parse(b.Certificate) // a damaged one is for Run to name
	if err == nil && b.Checkpoint != nil && string(b.Checkpoint) != c.Proof.Checkpoint {
		return done, &exitError{verify.CodeTampered, fmt.Errorf("%s: its checkpoint is not that of its certificate", path)}
	}
	return done, nil
}

// addSince takes an earlier checkpoint, or the one in an earlier certificate or bundle.
func addSince(in *verify.Input, path string) error {
	b, err := sinceFile(path)
	if err != nil {
		return err
	}
	if text := bytes.TrimSpace(b); len(text) > 0 && text[0] == '{' {
		c, err := certificate.Parse(b)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		b = []byte(c.Proof.Checkpoint)
	}
	in.Since = append(in.Since, b)
	return nil
}

// sinceFile reads a checkpoint or a certificate; of a bundle the certificate, and not the segments behind it.
func sinceFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	head := make([]byte, len(tarMagic))
	if _, err := f.ReadAt(head, tarMagicAt); err != nil || string(head) != tarMagic { // shorter, or something else
		return io.ReadAll(f)
	}
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b, err := certificate.OpenBundle(f, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w: --since takes a checkpoint, a certificate or a whole bundle", path, err)
	}
	return b.Certificate, nil
}

// What the head of a tar file has, and where.
const (
	tarMagic   = "ustar"
	tarMagicAt = 257
)

func policyFile(path string) ([]byte, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if stat.Size() > maxPolicy {
		return nil, fmt.Errorf("%s has %d bytes, a policy has at most %d", path, stat.Size(), maxPolicy)
	}
	return os.ReadFile(path)
}
