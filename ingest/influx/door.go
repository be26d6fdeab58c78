package influx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
)

// Listener is the name of this door in metrics, in balance B and in batches.
const Listener = "influx"

// None, as the name of a field, switches off what the field would do.
const None = "none"

// Options of a Door. The zero value has the defaults.
type Options struct {
	// DeviceTag lists tags, separated by commas: the first that a line has names its device. Default "device,host".
	DeviceTag string
	// SeqField is the field or tag whose value is the number of the frame, or None. Default "seq".
	SeqField string
	// EpochField is the field or tag whose value is the device's own epoch, or None. Default "epoch".
	EpochField string
	// DatabaseField is the field that keeps the name of the database or bucket. Default None.
	DatabaseField string
	// Version of the program, for /ping and /health.
	Version string
	// Ready says why the node takes no frames, nil when it does. Default: it always does.
	Ready func() error
}

func (o *Options) setDefaults() error {
	o.DeviceTag = cmp.Or(o.DeviceTag, "device,host")
	o.SeqField = cmp.Or(o.SeqField, "seq")
	o.EpochField = cmp.Or(o.EpochField, "epoch")
	o.DatabaseField = cmp.Or(o.DatabaseField, None)
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if _, err := splitTags(o.DeviceTag); err != nil {
		return fmt.Errorf("influx: line_device_tag: %w", err)
	}
	for _, field := range []string{o.SeqField, o.EpochField, o.DatabaseField} {
		if err := frame.ValidateName("field", field); err != nil {
			return fmt.Errorf("influx: line_seq_field, line_epoch_field or line_db_field: %w", err)
		}
	}
	if o.SeqField == o.EpochField && o.SeqField != None {
		return fmt.Errorf("influx: line_seq_field and line_epoch_field are both %q: give them different names", o.SeqField)
	}
	return nil
}

// Door serves writers of line protocol. Its handlers may run in any number of goroutines.
type Door struct {
	opt     Options
	ingest  *ingest.Handler
	readers sync.Pool // of *reader
}

// New makes a door beside another one of the same server, whose limits it shares.
func New(beside *ingest.Handler, opt Options) (*Door, error) {
	if err := opt.setDefaults(); err != nil {
		return nil, err
	}
	h, err := beside.Sibling(Listener)
	if err != nil {
		return nil, err
	}
	d := &Door{opt: opt, ingest: h}
	d.readers.New = func() any { return new(reader) }
	return d, nil
}

// Listener is the name under which Counters stand in balance B.
func (d *Door) Listener() string { return d.ingest.Listener() }

// Counters is balance B of this door. The unit is the line; comments and empty lines are none.
func (d *Door) Counters() *ingest.Counters { return d.ingest.Counters() }

// Routes are this door's handlers.
func (d *Door) Routes() []ingest.Route {
	v1, v2 := &version1, &version2
	return []ingest.Route{
		{Method: "POST", Path: "/write", Scope: auth.Write, Params: v1.parameters, Handle: d.write(v1), Credentials: v1.credentials, Fail: v1.fail},
		{Method: "POST", Path: "/query", Scope: auth.Write, Params: []string{"q"}, Handle: d.postQuery, Credentials: v1.credentials, Fail: v1.fail},
		{Method: "GET", Path: "/ping", Open: true, Handle: d.getPing},
		{Method: "POST", Path: "/api/v2/write", Scope: auth.Write, Params: v2.parameters, Handle: d.write(v2), Credentials: v2.credentials, Fail: v2.fail},
		{Method: "GET", Path: "/health", Open: true, Handle: d.getHealth},
	}
}

// maxDeviceTags bounds the list of tags that may name a device: each tag of each line is looked up in it.
const maxDeviceTags = 16

// splitTags reads a list of tags.
func splitTags(list string) ([]string, error) {
	tags := strings.Split(list, ",")
	if len(tags) > maxDeviceTags || slices.Contains(tags, "") {
		return nil, fmt.Errorf("%.100q is no list of 1 to %d tags: separate them with commas, without blanks", list, maxDeviceTags)
	}
	return tags, nil
}
