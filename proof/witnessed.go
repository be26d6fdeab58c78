package proof

import (
	"context"
	"errors"

	"github.com/gaplessdb/gapless/proof/sign"
)

// Witnessed makes the lines that an outside witness signed, verified and without "— ", part of a checkpoint. One that is not the newest any more
// needs them no more: no error.
func (s *Sealer) Witnessed(ctx context.Context, c sign.Checkpoint, lines []string) error {
	err := s.propose(ctx, KindWitness, witnessCommand{Size: c.Size, Root: hashText(c.Root), Signatures: lines})
	if refused := (*Refusal)(nil); errors.As(err, &refused) && refused.Code == CodeNotCurrent {
		return nil
	}
	return err
}
