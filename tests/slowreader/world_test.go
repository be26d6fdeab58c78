package slowreader

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// smallPlant is a small cluster with devices of every verdict, in three ordinals, between two other tenants.
func smallPlant(t *testing.T) (w *world.World, older [][]byte) {
	w, one, nine := world.New(t, "slow"), uint64(1), uint64(9)
	for _, tenant := range []string{"alpha", "default", "zulu"} {
		w.Send(world.Batch{Tenant: tenant, Device: "mill-1", Epoch: "a", First: &one, Seqs: world.Seqs(1, 150)})
		w.Send(world.Batch{Tenant: tenant, Device: "mill-2", Seqs: world.Seqs(30, 90, 41)})
	}
	w.Send(world.Batch{Device: "mill-1", Stream: "fast", Epoch: "a", First: &nine, Seqs: world.Seqs(9, 20)})
	w.Send(world.Batch{Device: "press", Epoch: "a", First: &one, Seqs: world.Seqs(1, 80, 20, 33, 34), NoTime: true})
	w.Send(world.Batch{Device: "press-2", Unseq: true, Seqs: world.Seqs(1, 7)})
	w.Send(world.Batch{Device: "_own", Seqs: world.Seqs(1, 5)})
	w.Settle()
	w.Cut()
	older = append(older, w.Note)
	w.Send(world.Batch{Device: "mill-3", Epoch: "b", First: &one, Seqs: world.Seqs(1, 99, 50, 51)})
	w.Lost(ledger.DeclareLost{Subject: world.On("default", "mill-3", "b"), From: 50, To: 51, Reason: "ring <full> & \"old\"  "})
	w.Send(world.Batch{Device: "press", Epoch: "a", Seqs: []uint64{33}})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "mill-3", "b"), Next: 100})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "press", "a"), Next: 86})
	w.Settle()
	w.Cut()
	older = append(older, w.Note)
	w.End(ledger.Seal{Subject: world.On("default", "mill-1", "a"), Last: 150})
	w.Send(world.Batch{Device: "mill-3", Epoch: "c", First: &one, Seqs: world.Seqs(1, 30, 12)})
	w.Cut()
	return w, older
}

// papersOf is a certificate with everything that a world has.
func papersOf(t *testing.T, w *world.World, c *certificate.Certificate) papers {
	t.Helper()
	p := papers{certificate: w.Encode(c), policy: w.Policy(), files: map[string][]byte{}}
	for _, name := range w.Segments() {
		p.files[strings.TrimSuffix(filepath.Base(name), ".gseg")] = bytesOf(t, w.FS, world.SegmentDir+"/"+filepath.Base(name))
	}
	return p
}

// randomScope is what somebody may ask for.
func randomScope(rnd *rand.Rand) (s certificate.Scope) {
	s.Tenant = []string{"default", "default", "zulu", "nobody"}[rnd.IntN(4)]
	if rnd.IntN(6) == 0 { // the better verdicts
		s.Tenant, s.Devices, s.Epochs = "default", []string{[]string{"mill-1", "mill-3"}[rnd.IntN(2)]}, []uint32{1}
		return s
	}
	pick := func(list ...string) *string { return &list[rnd.IntN(len(list))] }
	if rnd.IntN(2) == 0 {
		s.Prefix = pick("", "m", "mill-", "press", "_", "x", "mill-3")
	} else {
		for _, d := range []string{"_own", "mill-1", "mill-2", "mill-3", "nobody", "press", "press-2"} {
			if rnd.IntN(3) == 0 {
				s.Devices = append(s.Devices, d)
			}
		}
		if s.Devices == nil {
			s.Devices = []string{"mill-3"}
		}
		if rnd.IntN(4) == 0 {
			s.Match = []string{"hall=1"}
		}
	}
	if rnd.IntN(4) == 0 {
		s.Stream = pick("0", "fast", "slow")
	}
	if rnd.IntN(4) == 0 {
		s.Epochs = [][]uint32{{1}, {2}, {1, 2}}[rnd.IntN(3)]
	}
	s.CountsOnly = rnd.IntN(8) == 0
	switch rnd.IntN(3) {
	case 0:
		s.Seq = []uint64{rnd.Uint64N(60), 60 + rnd.Uint64N(60)}
		if rnd.IntN(4) == 0 {
			s.Seq[1] = math.MaxUint64
		}
	case 1:
		from := rnd.IntN(4000)
		s.CountsOnly = false // nobody could check that
		at := func(ms int) string { return fmt.Sprintf("%d", ms) }
		s.Time = []string{at(from), at(from + 1 + rnd.IntN(4000))} // made a time by whoever knows the world's clock
	}
	return s
}

// certify makes a certificate of a scope whose times are milliseconds behind the world's first frame.
func certify(w *world.World, rnd *rand.Rand, startMS int64, since []int64) *certificate.Certificate {
	s := randomScope(rnd)
	for i, text := range s.Time {
		var ms int64
		_, _ = fmt.Sscan(text, &ms)
		s.Time[i] = timeText(startMS + ms)
	}
	return w.Certify(certificate.Request{Scope: s, Since: since})
}

// forge changes one value somewhere below v, and says where.
func forge(rnd *rand.Rand, v reflect.Value, path string) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
			return path + "+ "
		}
		return forge(rnd, v.Elem(), path)
	case reflect.Struct:
		i := rnd.IntN(v.NumField())
		return forge(rnd, v.Field(i), path+"."+v.Type().Field(i).Name)
	case reflect.Array:
		v.Index(rnd.IntN(v.Len())).SetUint(rnd.Uint64N(256))
	case reflect.Slice:
		n := v.Len()
		if n == 0 {
			return path + "(empty) "
		}
		i, j := rnd.IntN(n), rnd.IntN(n)
		switch rnd.IntN(6) {
		case 0:
			v.Set(reflect.AppendSlice(v.Slice(0, i), v.Slice(i+1, n)))
			return path + "-one "
		case 1:
			v.Set(reflect.Append(v, v.Index(i)))
			return path + "+one "
		case 2:
			reflect.Swapper(v.Interface())(i, j)
			return path + "<> "
		}
		return forge(rnd, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	case reflect.Map:
		for _, key := range v.MapKeys() {
			v.SetMapIndex(key, reflect.ValueOf(v.MapIndex(key).Uint()+1))
			break
		}
	case reflect.String:
		text := v.String()
		v.SetString([]string{text + "x", strings.TrimSuffix(text, "l"), strings.Replace(text, "1", "2", 1), "", strings.ToUpper(text)}[rnd.IntN(5)])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(max(0, v.Int()+rnd.Int64N(5)-2))
	case reflect.Uint64, reflect.Uint32, reflect.Uint8:
		v.SetUint(v.Uint() ^ 1<<rnd.IntN(7))
	}
	return path + " "
}
