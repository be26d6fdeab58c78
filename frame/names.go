package frame

import (
	"math"
	"time"
	"unicode"
	"unicode/utf8"
)

// ValidateName checks a name that becomes part of the store: 1 to MaxNameBytes bytes of UTF-8 without control characters. Kind
// ("device", "field", ...) only words the error, an *InvalidError.
func ValidateName(kind, s string) error {
	return nameError(kind, s, nameProblem(s, MaxNameBytes), MaxNameBytes)
}

// ValidateClientName is ValidateName for names of tenants and devices that clients choose: a leading '_' is reserved for the
// store's own devices (`_dlq`, `_audit`, ...).
func ValidateClientName(kind, s string) error {
	if len(s) > 0 && s[0] == '_' {
		return invalid("name_reserved", "choose a name that does not start with '_'",
			"%s %q starts with '_', which is reserved for the store's own devices", kind, s)
	}
	return ValidateName(kind, s)
}

// ValidateEpoch checks a device's own epoch value: "" (none) or up to MaxEpochBytes bytes of UTF-8 without control characters.
func ValidateEpoch(s string) error {
	if s == "" {
		return nil
	}
	return nameError("epoch", s, nameProblem(s, MaxEpochBytes), MaxEpochBytes)
}

// Validate checks the three names of a key.
func (k StreamKey) Validate() error {
	if err := ValidateName("tenant", k.Tenant); err != nil {
		return err
	}
	if err := ValidateName("device", k.Device); err != nil {
		return err
	}
	return ValidateName("stream", k.Stream)
}

// WithDefaults fills in the default tenant and stream name where the key leaves them empty.
func (k StreamKey) WithDefaults() StreamKey {
	if k.Tenant == "" {
		k.Tenant = DefaultTenant
	}
	if k.Stream == "" {
		k.Stream = DefaultStream
	}
	return k
}

// UnixNS turns a device time into nanoseconds since the Unix epoch. The range of int64 ends in 1677 and 2262; a time beyond it is an
// *InvalidError, not a wrapped number.
func UnixNS(t time.Time) (int64, error) {
	const limit = math.MaxInt64 / 1_000_000_000 // whole seconds
	if s := t.Unix(); s >= -limit && s < limit {
		return s*1_000_000_000 + int64(t.Nanosecond()), nil
	}
	return 0, invalid("time_out_of_range", "send a time between the years 1678 and 2261, or none",
		"device time %s is outside the years 1678 to 2261", t.UTC().Format(time.RFC3339))
}

type nameFault uint8

const (
	nameOK nameFault = iota
	nameEmpty
	nameLong
	nameUTF8
	nameControl
)

func (f nameFault) String() string {
	return [...]string{"fine", "empty", "too long", "not UTF-8", "with a control character"}[f]
}

// nameProblem works on strings and on encoded bytes alike; ASCII takes one pass and no conversion.
func nameProblem[T string | []byte](s T, limit int) nameFault {
	if len(s) == 0 {
		return nameEmpty
	}
	if len(s) > limit {
		return nameLong
	}
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return wideNameProblem(string(s))
		}
		if s[i] < ' ' || s[i] == 0x7f {
			return nameControl
		}
	}
	return nameOK
}

func wideNameProblem(s string) nameFault {
	if !utf8.ValidString(s) {
		return nameUTF8
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return nameControl
		}
	}
	return nameOK
}

func nameError(kind, s string, fault nameFault, limit int) error {
	switch fault {
	case nameOK:
		return nil
	case nameEmpty:
		return invalid("name_empty", "send at least one character", "%s is empty", kind)
	case nameLong:
		return invalid("name_too_long", "use a shorter one", "%s has %d bytes, at most %d are allowed", kind, len(s), limit)
	case nameUTF8:
		return invalid("bad_utf8", "send names as UTF-8", "%s %q is not valid UTF-8", kind, s)
	default:
		return invalid("name_control", "remove control characters such as tabs and line ends", "%s %q has a control character", kind, s)
	}
}
