package certificate

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
)

// seen counts what decides which caveats a certificate needs.
type seen struct {
	epochs, openTail, openHead, inferred, ambiguous, unnumbered int
	guessed                                                     uint64 // numbers whose cause is not exact
}

func (s *seen) note(e *census.Epoch, st *census.Statement) {
	count := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	count(&s.epochs, true)
	count(&s.openTail, st.TailOpen)
	count(&s.openHead, e.Head != census.HeadDeclared && !st.HeadCut)
	count(&s.inferred, e.Source == ledger.SourceInferred)
	count(&s.ambiguous, e.Ambiguous || e.Probation)
	count(&s.unnumbered, e.Unnumbered)
	for name, n := range st.Causes {
		if cause, ok := frame.ParseCause(name); !ok || !cause.Exact() {
			s.guessed = plus(s.guessed, n)
		}
	}
}

// caveats is what a certificate of such streams does not prove. The order and the words are part of the format.
func caveats(scope *Scope, s *seen) []Caveat {
	list := []Caveat{}
	add := func(is bool, code, format string, args ...any) {
		if is {
			list = append(list, Caveat{code, fmt.Sprintf(format, args...)})
		}
	}
	add(true, "device_honesty", "Frames that a device never numbered, or numbered falsely.")
	add(true, "values", "That values and times are true: a broken sensor or a wrong clock is stored as it was sent.")
	add(true, "later", "Anything after the moment that this certificate speaks of.")
	add(s.openTail > 0, "tail", "That the last number seen was the last one sent, in %d of %d epochs: no device or successor said so%s.", s.openTail, s.epochs,
		map[bool]string{true: " when the time was over"}[len(scope.Time) > 0])
	add(s.openHead > 0, "head", "That the first number seen was the first one sent, in %d of %d epochs: the device did not say so.", s.openHead, s.epochs)
	add(s.inferred > 0, "inferred_epochs", "What was sent between the last frame before a restart and the restart, in %d of %d epochs: their beginning was inferred.", s.inferred, s.epochs)
	add(s.ambiguous > 0, "ambiguous", "How many numbers passed in a silence, in %d of %d epochs: the counter is too narrow for it, or one frame alone speaks for the epoch.",
		s.ambiguous, s.epochs)
	add(s.unnumbered > 0, "server_numbers", "What was sent and never arrived, in %d of %d epochs: the device gives no numbers, the server did.", s.unnumbered, s.epochs)
	add(s.guessed > 0, "causes", "Why numbers are missing, for %d of them: the cause is inferred, bounded or unknown.", s.guessed)
	add(len(scope.Match) > 0, "match", "That the devices listed are those with the labels: the issuing node says so.")
	add(len(scope.Time) > 0, "time", "Which numbers lie in the time: without the segments that is the word of the issuing node alone.")
	add(scope.CountsOnly, "frames", "The bytes of the frames: this certificate has counts only.")
	add(true, "issuer", "When this was issued, durability, uncertain times and segments: the issuing node says so and signed it.")
	add(true, "sender", "Who sent a frame, where the door it came through did not ask.")
	add(true, "quorum", "That no quorum of nodes lies together, before a checkpoint of theirs was kept elsewhere or a witness signed it.")
	add(true, "confidentiality", "That nobody else has seen the data.")
	return list
}
