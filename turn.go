package gapless

import "context"

// turn is what one at a time may have, or a few, and what others wait for no longer than they want to: whoever has it may wait for other nodes meanwhile.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn, or for the end of ctx.
func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }
