//go:build bug_roots_unsigned

package proof

import "github.com/gaplessdb/gapless/proof/sign"

// Breaks: what a server counted it says itself. The log takes anybody's word for it.
func checkSigned(string, sign.RootsWord, string) error { return nil }
