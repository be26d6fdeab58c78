package sim

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// world is three simulated computers and the network between them.
type world struct {
	drive.Scene
	plan      *schedule.Schedule
	net       *network.Network
	computers []*computer
	places    atomic.Int64 // that clients were given
}

func newWorld(s drive.Scene, plan *schedule.Schedule) (drive.World, error) {
	w := &world{Scene: s, plan: plan, net: network.New(plan.Seed)}
	for i := range plan.Nodes {
		w.computers = append(w.computers, newComputer(w, fmt.Sprintf("n%d", i+1), fmt.Sprintf("127.0.0.%d", i+1)))
	}
	return w, nil
}

func (w *world) Computers() (list []drive.Computer) {
	for _, c := range w.computers {
		list = append(list, c)
	}
	return list
}

func (w *world) Network() drive.Network { return links{w} }

// Dialer gives every place an address of its own.
func (w *world) Dialer(string) drive.Dial {
	return w.net.Host(fmt.Sprintf("127.0.1.%d", w.places.Add(1))).Dial
}

// links is the network between the computers.
type links struct{ *world }

func (l links) ip(i int) string { return l.computers[i].ip }

func (l links) Cut(from, to int)                { l.net.Cut(l.ip(from), l.ip(to)) }
func (l links) Mend(from, to int)               { l.net.Mend(l.ip(from), l.ip(to)) }
func (l links) SetLoss(from, to int, p float64) { l.net.SetLoss(l.ip(from), l.ip(to), p) }
func (l links) Held(from, to int) int64         { return l.net.Held(l.ip(from), l.ip(to)) }
func (l links) Lost(from, to int) int64         { return l.net.Lost(l.ip(from), l.ip(to)) }
func (l links) Delayed(from, to int) int64      { return l.net.Delayed(l.ip(from), l.ip(to)) }
func (l links) Calm()                           { l.net.Calm() }

func (l links) SetDelay(from, to int, longer time.Duration) {
	if longer == 0 {
		l.net.SetDelay(l.ip(from), l.ip(to), network.DefaultDelay, network.DefaultJitter)
		return
	}
	long := network.DefaultDelay + longer
	l.net.SetDelay(l.ip(from), l.ip(to), long, long/2)
}
