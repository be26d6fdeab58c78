package sign

import "fmt"

// SignatureError says why a signed text must not be believed. Fault is for programs, Text for people.
type SignatureError struct {
	Fault Fault
	Text  string
}

func (e *SignatureError) Error() string { return "sign: " + e.Text }

// Fault is what is wrong with a signed text.
type Fault string

// Faults.
const (
	FaultMalformed Fault = "malformed" // not a note, or its text is not what it has to be
	FaultOrigin    Fault = "origin"    // the checkpoint of another log
	FaultForeign   Fault = "foreign"   // no key that is trusted signed it
	FaultAltered   Fault = "altered"   // no trusted key's signature fits the text: the text was changed
	FaultMoved     Fault = "moved"     // some trusted keys' signatures fit the text and others do not: those are of another text
	FaultLog       Fault = "log"       // cosigned, but not signed in the name of the log
	FaultQuorum    Fault = "quorum"    // too few cosigned it
)

func refuse(f Fault, format string, args ...any) error {
	return &SignatureError{f, fmt.Sprintf(format, args...)}
}
