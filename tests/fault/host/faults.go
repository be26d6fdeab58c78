//go:build linux

package host

import "fmt"

// Cut drops all that one host sends another, from now on. The other direction stays as it is.
func (w *World) Cut(from, to string) { w.Loss(from, to, 1) }

// Mend ends Cut and Loss from one host to another.
func (w *World) Mend(from, to string) { w.Loss(from, to, 0) }

// Loss drops a share of the packets that one host sends another, each on its own: 0 is none, 1 is all. It replaces what held before.
func (w *World) Loss(from, to string, share float64) {
	if !(share >= 0 && share <= 1) {
		panic(fmt.Sprintf("host: a loss of %v is not from 0 to 1", share))
	}
	w.wire.set(w.Host(from).number, w.Host(to).number, share)
}

// MendAll ends every Cut and Loss.
func (w *World) MendAll() {
	for from := range w.hosts {
		for to := range w.hosts {
			w.Mend(from, to)
		}
	}
}

// Dropped counts the packets from one host to another that Cut and Loss took, since the world began.
func (w *World) Dropped(from, to string) uint64 {
	return w.wire.dropped(w.Host(from).number, w.Host(to).number)
}
