package certificate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// refusing is a world one of whose answers is wrong.
type refusing struct {
	*world.World
	record   func(int64) ([]byte, error)
	strips   func(uint32) (certificate.Leaves, error)
	censusAt int64
	opened   []uint32 // of which strips were asked for
}

func (r *refusing) CensusAt() (int64, error) {
	if r.censusAt != 0 {
		return r.censusAt, nil
	}
	return r.World.CensusAt()
}

func (r *refusing) Record(i int64) ([]byte, error) {
	if r.record != nil {
		return r.record(i)
	}
	return r.World.Record(i)
}

func (r *refusing) Strips(n uint32) (certificate.Leaves, error) {
	r.opened = append(r.opened, n)
	if r.strips != nil {
		return r.strips(n)
	}
	return r.World.Strips(n)
}

// TestBuildRefuses asks for what cannot be certified, and certifies from a source with a fault: there is no certificate then.
func TestBuildRefuses(t *testing.T) {
	w := mill(t)
	fault := errors.New("the disk")
	prefix, ended := "mill", "mill\n"
	other := world.New(t, "plant-7")
	other.LieStrips = func(_ uint32, strips []content.Strip) []content.Strip {
		strips[0].Root[0]++
		if last := &strips[len(strips)-1]; last.Key.Device == "mill-08" {
			last.Runs, last.Frames = []ledger.Run{{First: 1, Last: 401}}, 401
		}
		return strips
	}
	work(other)
	for what, tt := range map[string]struct {
		req  certificate.Request
		src  refusing
		is   error
		text string
	}{
		"no scope":                   {certificate.Request{}, refusing{}, certificate.ErrScope, "tenant"},
		"since what never was":       {certificate.Request{Scope: devices("mill-07").Scope, Since: []int64{99}}, refusing{}, certificate.ErrScope, "size 99"},
		"more leaves than allowed":   {certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &prefix}, Bytes: 4}, refusing{}, certificate.ErrLimit, "more than 4 bytes"},
		"a record cannot be read":    {devices("mill-07"), refusing{record: func(int64) ([]byte, error) { return nil, fault }}, fault, ""},
		"a record is another's":      {devices("mill-07"), refusing{record: func(int64) ([]byte, error) { return w.Record(0) }}, nil, "by this node"},
		"a last record of no use":    {devices("mill-07"), refusing{record: func(int64) ([]byte, error) { return record.Encode(w.Noise()) }}, nil, "does not say where the newest CENSUS is"},
		"an older census":            {devices("mill-07"), refusing{censusAt: 1}, nil, "the newest CENSUS is record 3 by record 3, and record 1 by this node"},
		"a time not over":            {timed("mill-07", "2026-09-21T14:13:20Z", "2126-01-01T00:00:00Z"), refusing{}, certificate.ErrScope, "end it there, or take a certificate of now"},
		"a name with a line's end":   {certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &ended}}, refusing{}, certificate.ErrScope, "control character"},
		"strips cannot be read":      {devices("mill-07"), refusing{strips: func(uint32) (certificate.Leaves, error) { return nil, fault }}, fault, ""},
		"strips are of another one":  {devices("mill-07"), refusing{strips: func(uint32) (certificate.Leaves, error) { return w.Strips(2) }}, nil, "1200 frames that the census at"},
		"strips are the first one's": {devices("mill-07"), refusing{strips: func(uint32) (certificate.Leaves, error) { return w.Strips(1) }}, nil, "the log says"},
		"strips have another root":   {devices("mill-07"), refusing{strips: other.Strips}, nil, "the log says"},
		"strips have more frames":    {devices("mill-08"), refusing{strips: other.Strips}, nil, "ordinal 1 has 401 numbers of default/mill-08/0 epoch 1, the census calls only 400 more stored"},
	} {
		tt.src.World = w
		c, err := certificate.Build(t.Context(), &tt.src, tt.req)
		if c != nil || err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%s: %v", what, err)
		}
	}
	got := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"mill-08", "mill-07", "mill-08"}}})
	if fmt.Sprint(got.Scope.Devices) != "[mill-07 mill-08]" {
		t.Errorf("devices %v", got.Scope.Devices)
	}
}
