package column

import "fmt"

// MaxValues is the most values that a column holds. An encoder panics beyond it: blocks are cut before.
const MaxValues = 4096

// Encoding is the layout of a payload, by the number that files keep.
type Encoding uint8

// The fast set. Numbers are for ever: append, never renumber. 64 to 127 belong to the dense set.
const (
	IntConst  Encoding = 1 // one value for all
	IntFrame  Encoding = 2 // frame of reference: distances from a reference
	IntDelta  Encoding = 3 // differences of neighbours
	IntDelta2 Encoding = 4 // differences of differences
	IntRuns   Encoding = 5 // values and how often each repeats
	IntDict   Encoding = 6 // the distinct values in ascending order, and codes

	FloatConst     Encoding = 16 // one bit pattern for all
	FloatDecimal   Encoding = 17 // integers / 10^scale, exceptions patched
	FloatDecimal32 Encoding = 18 // the same, rounded to float32 first: a float32 that was widened
	FloatNear      Encoding = 19 // as FloatDecimal, and each value's distance from there in units in the last place
	FloatNear32    Encoding = 20 // as FloatDecimal32, and that distance
	FloatOrdered   Encoding = 21 // the bits as integers that sort like the numbers
	FloatDict      Encoding = 22 // the distinct values in ascending order, encoded as one of the others, and codes

	BoolConst  Encoding = 32 // one value for all
	BoolBitmap Encoding = 33 // one bit each
	BoolRuns   Encoding = 34 // the first value and lengths of runs

	BytesConst Encoding = 48 // one value for all
	BytesPlain Encoding = 49 // lengths, then everything in a row
	BytesDict  Encoding = 50 // the distinct values in order of appearance, and codes
)

// What each kind of column may be encoded as.
var (
	intEncodings   = []Encoding{IntConst, IntFrame, IntDelta, IntDelta2, IntRuns, IntDict}
	floatEncodings = []Encoding{FloatConst, FloatDecimal, FloatDecimal32, FloatNear, FloatNear32, FloatOrdered, FloatDict}
	boolEncodings  = []Encoding{BoolConst, BoolBitmap, BoolRuns}
	bytesEncodings = []Encoding{BytesConst, BytesPlain, BytesDict}
)

var encodingNames = map[Encoding]string{
	IntConst: "int-const", IntFrame: "int-frame", IntDelta: "int-delta", IntDelta2: "int-delta2", IntRuns: "int-runs", IntDict: "int-dict",
	FloatConst: "float-const", FloatDecimal: "float-decimal", FloatDecimal32: "float-decimal32", FloatNear: "float-near",
	FloatNear32: "float-near32", FloatOrdered: "float-ordered", FloatDict: "float-dict",
	BoolConst: "bool-const", BoolBitmap: "bool-bitmap", BoolRuns: "bool-runs",
	BytesConst: "bytes-const", BytesPlain: "bytes-plain", BytesDict: "bytes-dict",
}

// String is the encoding's name in messages and dumps.
func (e Encoding) String() string {
	if name, ok := encodingNames[e]; ok {
		return name
	}
	return fmt.Sprintf("encoding-%d", uint8(e))
}

// Codec is what a payload was compressed with, by the number that files keep.
type Codec uint8

// The codecs.
const (
	CodecNone   Codec = 0
	CodecSnappy Codec = 1
)

// Chunk says how a column's bytes are to be read. A block keeps it beside them.
type Chunk struct {
	Encoding Encoding
	Codec    Codec
}

// Float is one value of a float column: its bits, which count, and a decimal form as the hint that makes it small.
// The hint says that the value is the float64 nearest to Mantissa / 10^Scale; a wrong one costs room and changes nothing.
type Float struct {
	Bits     uint64 // math.Float64bits
	Mantissa int64
	Scale    uint8
	Decimal  bool // Mantissa and Scale are set
}

// Hint is what a decoded float column knows about the decimal form of its values.
type Hint struct {
	Decimal bool // most values are a multiple of 1 / 10^Scale
	Scale   uint8
}
