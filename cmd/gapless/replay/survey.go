package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// defaultSkew is the policy's ledger.skew_limit_ms unless somebody changed it.
const defaultSkew = 24 * time.Hour

// Survey is what a file would bring: everything is read and made into batches, nothing is sent.
type Survey struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"`
	Counts
	Batches  int             `json:"batches"`
	Devices  []*DeviceSurvey `json:"devices"` // by name
	Fields   []*FieldSurvey  `json:"fields"`  // by name
	Problems []BadRow        `json:"problems,omitempty"`
	Notes    []string        `json:"notes,omitempty"` // what a person should know before it is sent
}

// DeviceSurvey is one stream of a device.
type DeviceSurvey struct {
	Device     string    `json:"device"`
	Stream     string    `json:"stream"`
	Frames     int64     `json:"frames"`
	Numbered   int64     `json:"numbered"`
	Least      uint64    `json:"least"` // numbers, as the file has them
	Greatest   uint64    `json:"greatest"`
	Falls      int64     `json:"falls"`   // numbers lower than the one before: restarts or disorder
	Repeats    int64     `json:"repeats"` // numbers equal to the one before
	FirstTime  time.Time `json:"first_time,omitzero"`
	LastTime   time.Time `json:"last_time,omitzero"`
	Backwards  int64     `json:"backwards"` // times earlier than the one before
	last       uint64
	lastTimeNS int64
}

// FieldSurvey is one field over all devices.
type FieldSurvey struct {
	Field string           `json:"field"`
	Kinds map[string]int64 `json:"kinds"` // frames in which it is float, int, uint, bool, string, bytes
}

// surveyor gathers a Survey.
type surveyor struct {
	s       *Survey
	devices map[frame.StreamKey]*DeviceSurvey
	fields  map[string]*FieldSurvey
	noTime  int64
	far     int64 // times beyond defaultSkew
	now     time.Time
}

// Inspect reads a file as Run would. It needs no node.
func Inspect(ctx context.Context, name string, o *Options) (*Survey, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	f, err := openFile(name, o.Stdin, &o.Mapping)
	if err != nil {
		return nil, err
	}
	defer f.close()
	all := *o
	all.SkipBad = true // they are all listed
	if all.Mapping.NoSeq == "" {
		all.Mapping.NoSeq = noSeqReject
	}
	r, err := newReader(f, &all)
	if err != nil {
		return nil, err
	}
	v := &surveyor{s: &Survey{File: name}, devices: map[frame.StreamKey]*DeviceSurvey{}, fields: map[string]*FieldSurvey{}, now: time.Now()}
	if name != Stdin {
		v.s.SHA256 = f.sum
	}
	r.seen = v.see
	r.emit = func(b *batch) error {
		v.s.Batches++
		v.s.Bytes += int64(len(b.body))
		o.progress(Progress{Done: b.at, Total: f.size})
		return nil
	}
	if err := r.all(ctx); err != nil {
		return nil, err
	}
	v.finish(r)
	return v.s, nil
}

func (v *surveyor) see(it *item) {
	key := frame.StreamKey{Device: it.device, Stream: it.stream}
	d := v.devices[key]
	if d == nil {
		d = &DeviceSurvey{Device: it.device, Stream: it.stream}
		v.devices[key] = d
	}
	d.Frames++
	if !it.group.Unseq {
		d.number(it.frame.Seq)
	}
	if it.frame.NoTime {
		v.noTime++
	} else {
		d.instant(it.frame.TimeNS)
		if away := v.now.Sub(time.Unix(0, it.frame.TimeNS)); away > defaultSkew || away < -defaultSkew {
			v.far++
		}
	}
	for i := range it.frame.Fields {
		v.field(&it.frame.Fields[i])
	}
}

func (d *DeviceSurvey) number(n uint64) {
	switch {
	case d.Numbered == 0:
		d.Least, d.Greatest = n, n
	case n < d.last:
		d.Falls++
	case n == d.last:
		d.Repeats++
	}
	d.Least, d.Greatest, d.last = min(d.Least, n), max(d.Greatest, n), n
	d.Numbered++
}

func (d *DeviceSurvey) instant(ns int64) {
	at := time.Unix(0, ns).UTC()
	if d.FirstTime.IsZero() || at.Before(d.FirstTime) {
		d.FirstTime = at
	}
	if d.LastTime.IsZero() || at.After(d.LastTime) {
		d.LastTime = at
	}
	if ns < d.lastTimeNS && d.Frames > 1 {
		d.Backwards++
	}
	d.lastTimeNS = ns
}

func (v *surveyor) field(f *frame.Field) {
	s := v.fields[f.Name]
	if s == nil {
		s = &FieldSurvey{Field: f.Name, Kinds: map[string]int64{}}
		v.fields[f.Name] = s
	}
	s.Kinds[f.Value.Kind.String()]++
}

func (v *surveyor) finish(r *reader) {
	batchBytes := v.s.Bytes
	v.s.Counts, v.s.Problems = r.counts, r.problems
	v.s.Bytes = batchBytes
	for _, d := range v.devices {
		v.s.Devices = append(v.s.Devices, d)
	}
	slices.SortFunc(v.s.Devices, func(a, b *DeviceSurvey) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Stream, b.Stream))
	})
	for _, f := range v.fields {
		v.s.Fields = append(v.s.Fields, f)
	}
	slices.SortFunc(v.s.Fields, func(a, b *FieldSurvey) int { return cmp.Compare(a.Field, b.Field) })
	v.notes()
}

// notes says what is likely to be noticed too late.
func (v *surveyor) notes() {
	note := func(format string, args ...any) { v.s.Notes = append(v.s.Notes, fmt.Sprintf(format, args...)) }
	for _, f := range v.s.Fields {
		if odd := f.mixed(); odd != "" {
			note("field %q is %s: name its column in strings, hex or base64 if these are texts that look like numbers", f.Field, odd)
		}
	}
	if v.far > 0 {
		note("%d frames have times more than 24 h from now: unless the policy's ledger.skew_limit_ms allows that, they are marked skew and found "+
			"under the time of the import", v.far)
	}
	if v.noTime > 0 {
		note("%d frames have no device time: they are found under the time of the import", v.noTime)
	}
	var unnumbered, falls int64
	for _, d := range v.s.Devices {
		unnumbered += d.Frames - d.Numbered
		falls += d.Falls
	}
	if unnumbered > 0 {
		note("%d frames have no number: the server numbers them, and no gap can be told by number", unnumbered)
	}
	if falls > 0 && v.s.Counts.Frames > 0 {
		note("numbers fall %d times: restart_below and restart_drop say which falls are restarts, otherwise the cluster infers them", falls)
	}
}

// mixed words the kinds of a field that is text in some frames and something else in others; "" for one that is not.
func (f *FieldSurvey) mixed() string {
	text := f.Kinds["string"]
	var total int64
	for _, n := range f.Kinds {
		total += n
	}
	if text == 0 || text == total {
		return ""
	}
	return fmt.Sprintf("text in %d frames and not in %d", text, total-text)
}
