package verify

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/sign"
)

// maxLog bounds the sizes of logs: package tlog counts hashes in the same numbers.
const maxLog = merkle.MaxSize >> 2

func (r *run) signatures() (string, error) {
	text, err := r.believe(r.c.Proof.Checkpoint)
	if err == nil && r.signed.Origin != r.c.Origin {
		err = tampered("the certificate is of %q, its checkpoint of %q", r.c.Origin, r.signed.Origin)
	}
	return text, err
}

// believe takes a checkpoint for the log's if the policy's quorum signed it.
func (r *run) believe(note string) (string, error) {
	signed, err := r.policy.Check([]byte(note))
	if err != nil {
		return "", fail(CodeSignature, "the checkpoint: %w", err)
	}
	if signed.Size < 1 || signed.Size > maxLog {
		return "", tampered("a checkpoint of %d records", signed.Size)
	}
	r.signed = signed
	by := cmp.Or(strings.Join(signed.Names, ", "), "nobody")
	return fmt.Sprintf("checkpoint of %d records, root %s, cosigned by %s", signed.Size, signed.Root, by), nil
}

// history holds the log against the checkpoints that the caller kept, and then those in the certificate against the log.
func (r *run) history() (string, error) {
	for _, note := range r.in.Since {
		if err := r.follows(note); err != nil {
			return "", err
		}
	}
	for i, c := range r.c.Proof.Consistency {
		if i > 0 && r.c.Proof.Consistency[i-1].Size >= c.Size {
			return "", tampered("proof.consistency[%d] is not in order", i)
		}
		if err := r.consistent(&c); err != nil {
			return "", tampered("proof.consistency[%d]: %w", i, err)
		}
	}
	if len(r.in.Since) == 0 {
		return "", nil
	}
	text := fmt.Sprintf("the log continues %d earlier checkpoints", len(r.in.Since))
	if n := len(r.unsigned); n > 0 {
		text += fmt.Sprintf("; the signatures of %d of them are not the policy's: whoever gave them with --since vouches for them", n)
	}
	return text, nil
}

// follows holds the log against one checkpoint that the caller kept. The policy need not believe it: nodes are replaced, and whoever kept it himself knows
// what it said. What is broken or was changed is no checkpoint that anybody kept.
func (r *run) follows(note []byte) error {
	old, err := r.policy.Check(note)
	if err == nil {
		return r.continues(&old.Checkpoint)
	}
	var refused *sign.SignatureError
	if !errors.As(err, &refused) || refused.Fault != sign.FaultForeign && refused.Fault != sign.FaultQuorum && refused.Fault != sign.FaultLog {
		return fail(CodeSignature, "the earlier checkpoint: %w", err)
	}
	text, _, splitErr := sign.Split(note)
	c, parseErr := sign.ParseCheckpoint(text)
	if err := errors.Join(splitErr, parseErr); err != nil {
		return fail(CodeSignature, "the earlier checkpoint: %w", err)
	}
	if broken := r.continues(&c); broken != nil {
		return fail(CodeRewritten, "%w; its signatures are not the policy's (%v): whoever gave it with --since vouches for it, and who wants to accuse the cluster can make one", broken, err)
	}
	r.unsigned = append(r.unsigned, fmt.Sprintf("Who signed the earlier checkpoint of %d records: its signatures are not the policy's (%.300s). Whoever gave it with --since vouches for it: "+
		"from the same hand as the certificate it shows nothing.", c.Size, err))
	return nil
}

// continues reports whether the certificate's log begins with that of an earlier checkpoint. What it does not show to continue it may not.
func (r *run) continues(old *sign.Checkpoint) error {
	broken := func(format string, args ...any) error {
		return fail(CodeRewritten, "the earlier checkpoint of %d records, root %s: %s", old.Size, old.Root, fmt.Sprintf(format, args...))
	}
	switch {
	case old.Origin != r.signed.Origin:
		return broken("it is of %q, the certificate of %q", old.Origin, r.signed.Origin)
	case old.Size > r.signed.Size:
		return broken("the certificate's checkpoint is older, with %d records: it cannot show what came of it; ask for a new certificate", r.signed.Size)
	case old.Size == r.signed.Size && old.Root == r.signed.Root:
		return nil
	case old.Size == r.signed.Size:
		return broken("the certificate has root %s at the same size: two histories were signed", r.signed.Root)
	}
	for i := range r.c.Proof.Consistency {
		c := &r.c.Proof.Consistency[i]
		if c.Size != old.Size {
			continue
		}
		if c.Root != old.Root {
			return broken("the certificate's log had root %s then: two histories were signed", c.Root)
		}
		if err := r.consistent(c); err != nil {
			return broken("%v", err)
		}
		return nil
	}
	return broken("the certificate has no proof that its log continues it; ask for one since size %d", old.Size)
}

func (r *run) consistent(c *certificate.Consistency) error {
	if c.Size < 1 || c.Size > r.signed.Size {
		return fmt.Errorf("a log of %d records is no earlier one of %d", c.Size, r.signed.Size)
	}
	if err := tlog.CheckTree(c.Proof, r.signed.Size, r.signed.Root, c.Size, c.Root); err != nil {
		return fmt.Errorf("%d records with root %s do not lead to %d with root %s: %w", c.Size, c.Root, r.signed.Size, r.signed.Root, err)
	}
	return nil
}

// issuer checks that a node signed all that the certificate says.
func (r *run) issuer() (string, error) {
	w, node, err := r.policy.CheckWord([]byte(r.c.Proof.Issuer))
	if err != nil {
		return "", fail(CodeSignature, "the issuer's word: %w", err)
	}
	if w.Origin != r.c.Origin || w.SHA256 != r.sum {
		return "", tampered("%s issued a certificate of %s with SHA-256 %x, this one is of %s and has %x", node, w.Origin, w.SHA256, r.c.Origin, r.sum)
	}
	r.node = node
	return fmt.Sprintf("issued by %s on %s: its word stands for durability, uncertain times and the list of segments", node, r.c.Issued), nil
}
