package certificate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// refusing is a world one of whose answers is wrong.
type refusing struct {
	*world.World
	record func(int64) ([]byte, error)
	strips func(uint32) (certificate.Leaves, error)
}

func (r *refusing) Record(i int64) ([]byte, error) {
	if r.record != nil {
		return r.record(i)
	}
	return r.World.Record(i)
}

func (r *refusing) Strips(n uint32) (certificate.Leaves, error) {
	if r.strips != nil {
		return r.strips(n)
	}
	return r.World.Strips(n)
}

// TestBuildRefuses asks for what cannot be certified, and certifies from a source with a fault: there is no certificate then.
func TestBuildRefuses(t *testing.T) {
	w := mill(t)
	fault := errors.New("the disk")
	prefix := "mill"
	for what, tt := range map[string]struct {
		req  certificate.Request
		src  refusing
		is   error
		text string
	}{
		"no scope":                  {certificate.Request{}, refusing{}, certificate.ErrScope, "tenant"},
		"since what never was":      {certificate.Request{Scope: devices("mill-07").Scope, Since: []int64{99}}, refusing{}, certificate.ErrScope, "size 99"},
		"more leaves than allowed":  {certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &prefix}, Leaves: 4}, refusing{}, certificate.ErrScope, "more than 4 leaves"},
		"a record cannot be read":   {devices("mill-07"), refusing{record: func(int64) ([]byte, error) { return nil, fault }}, fault, ""},
		"a record is another's":     {devices("mill-07"), refusing{record: func(int64) ([]byte, error) { return w.Record(0) }}, nil, "is no CENSUS"},
		"strips cannot be read":     {devices("mill-07"), refusing{strips: func(uint32) (certificate.Leaves, error) { return nil, fault }}, fault, ""},
		"strips are of another one": {devices("mill-07"), refusing{strips: func(uint32) (certificate.Leaves, error) { return w.Strips(2) }}, nil, "the log says"},
	} {
		tt.src.World = w
		c, err := certificate.Build(&tt.src, tt.req)
		if c != nil || err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%s: %v", what, err)
		}
	}
	got := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"mill-08", "mill-07", "mill-08"}}, Leaves: 6})
	if fmt.Sprint(got.Scope.Devices) != "[mill-07 mill-08]" {
		t.Errorf("devices %v", got.Scope.Devices)
	}
}
