package verify

import (
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// Exit codes.
const (
	CodeComplete            = 0
	CodeCompleteBetweenSeen = 3
	CodeExplained           = 4
	CodeIncomplete          = 5
	CodeIndeterminate       = 6
	CodeTampered            = 10 // something is not what it says, or not where the proof leads
	CodeSignature           = 11 // the policy's quorum did not sign this
	CodeSegmentMissing      = 12 // frames are missing, and so are segments
	CodeRewritten           = 13 // the log does not continue an earlier checkpoint
	CodeUsage               = 64
	CodeInternal            = 70 // this program cannot tell
)

// Report is what came out.
type Report struct {
	Code        int    `json:"code"`
	Verdict     string `json:"verdict,omitempty"` // only when every check held
	Checks      []Line `json:"checks"`            // in the order in which they were made; only the last one can have failed
	CannotCheck []Line `json:"cannot_check"`
	Frame       *Frame `json:"frame,omitempty"`
	WordOf      string `json:"word_of,omitempty"` // the node on whose word alone the verdict stands: that it names all numbers in the scope's time

	Scope *certificate.Scope `json:"scope,omitempty"` // what the certificate says that it is about: proven when every check held
	AsOf  *certificate.AsOf  `json:"as_of,omitempty"` // likewise the moment that it speaks of

	About       string                   `json:"-"` // what the verdict is about, in words; "" without one, and for receipts
	Certificate *certificate.Certificate `json:"-"` // nil when it could not be read
}

// Line is one thing that was checked, or that nobody can check.
type Line struct {
	OK   bool   `json:"ok"`
	Name string `json:"name"`
	Text string `json:"text"`
}

var verdictCodes = map[string]int{
	ledger.Complete.String():            CodeComplete,
	ledger.CompleteBetweenSeen.String(): CodeCompleteBetweenSeen,
	ledger.Explained.String():           CodeExplained,
	ledger.Incomplete.String():          CodeIncomplete,
	ledger.Indeterminate.String():       CodeIndeterminate,
}

// failure is why a check failed, and the code of it.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

func tampered(format string, args ...any) error { return fail(CodeTampered, format, args...) }

// codeOf is the code of an error. One that no check gave is this program's.
func codeOf(err error) int {
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.code
	}
	return CodeInternal
}
