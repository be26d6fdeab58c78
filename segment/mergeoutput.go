package segment

import (
	"bytes"
	"fmt"
	"path"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
)

// mergeOutput is a segment that a merge writes.
type mergeOutput struct {
	made Output
	temp *tempFile
	w    *Writer
	runs []ledger.Run // scratch
}

// output finds the segment of a window, or of the rest, and begins it if there is none.
func (m *merger) output(window int64, rest bool) (*mergeOutput, error) {
	i := slices.IndexFunc(m.outputs, func(o *mergeOutput) bool { return o.made.Rest == rest && (rest || o.made.Window == window) })
	if i >= 0 {
		return m.outputs[i], nil
	}
	temp, err := createTemp(m.fs, path.Join(m.dir, fmt.Sprintf("%s-%02d%s", m.temp, len(m.outputs), TempExtension)), m.opt.Limit)
	if err != nil {
		return nil, err
	}
	o := &mergeOutput{made: Output{Window: window, Rest: rest}, temp: temp, w: NewWriter(temp.out, m.opt.Options)}
	m.outputs = append(m.outputs, o)
	return o, nil
}

// begin makes sure that the writer is at the epoch.
func (o *mergeOutput) begin(key []byte, ordinal uint32) {
	if w := o.w; !w.begun || w.ordinal != ordinal || !bytes.Equal(w.key, key) {
		w.begin(key, ordinal)
	}
}

// finish ends the file, which then is durable and was read back, but has no name yet.
func (o *mergeOutput) finish(width int64) (err error) {
	if o.made.Info, err = o.w.Finish(); err != nil {
		return err
	}
	o.made.Window = Window(o.made.Info.FirstNS, width)
	return o.temp.finish(o.made.Info)
}
