package replay

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// paced reads a recording at a rate or speed and returns when each batch went out and how many frames it had.
func paced(t *testing.T, o *Options, text string) (said []string) {
	t.Helper()
	m := &o.Mapping
	f, err := openFile(Stdin, strings.NewReader(text), m)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newReader(f, o)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	r.emit = func(b *batch) error {
		if err := r.pace.wait(t.Context(), b.frames); err != nil {
			return err
		}
		said = append(said, fmt.Sprintf("%v: %d", time.Since(begun), b.frames))
		return nil
	}
	if err := r.all(t.Context()); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := Defaults()
		o := &Options{Mapping: m, Batch: 1000, Rate: 200}
		got := strings.Join(paced(t, o, fleetCSV(1, 50)), ", ")
		if want := "0s: 20, 100ms: 20, 200ms: 10"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// At 60 times the speed, six seconds of the recording last one pulse.
func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := Defaults()
		m.Time, m.TimeFormat = "at", "s"
		o := &Options{Mapping: m, Batch: 1000, Speed: 60}
		text := "device,at\nd,100\nd,101\nd,105.9\nd,106\nd,104\nd,160\n"
		got := strings.Join(paced(t, o, text), ", ")
		if want := "0s: 3, 100ms: 2, 1s: 1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
