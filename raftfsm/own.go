package raftfsm

import (
	"fmt"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// guardVersion is the cluster version from which apply refuses what others say of the store's own devices. Before, doors alone did, and a member that is
// at fault could forward a batch of any name. The proof needs that nobody does: a frame of DeviceLog that is no record moves the numbers of all that follow.
//
// It is also the one from which a watermark that is said again is as of then (ledger.Renew): a certificate of a time asks for that.
const guardVersion = 3

// own reports whether a device is one of the store's: no door takes such a name from a client.
func own(device string) bool { return strings.HasPrefix(device, "_") }

// ownDevice reports whether the limit of streams, which is meant for those of users, holds a device's back no more. Before cluster version 2 every release
// must refuse at the same place.
func (c *content) ownDevice(device string) bool { return c.members.Version() >= 2 && own(device) }

// guards reports whether only apply itself may say anything of a device.
func (c *content) guards(device string) bool {
	return own(device) && c.members.Version() >= guardVersion
}

// guardsStream is guards for a stream that a batch defines or has frames for. The evidence of conflicts with old frames is the one thing that apply cannot
// derive: the leader finds it, in segments (AddConflict). The server numbers it, so it disturbs nothing.
func (c *content) guardsStream(key frame.StreamKey, unseq bool) bool {
	return c.guards(key.Device) && !(unseq && key.Device == DeviceConflict && key.Stream == frame.DefaultStream)
}

// reserved reports whether the frames of a group are refused for the name of their device.
func (a *batchApply) reserved(g *frame.Group) bool {
	key, ok := a.state.ledger.Key(g.Stream)
	return a.undefined[g.Stream] || ok && a.state.guardsStream(key, g.Unseq)
}

// guardCommand refuses a command of the ledger that names one of the store's own devices, in the words of a door.
func (c *content) guardCommand(sec Section, body []byte) error {
	if sec != Section(c.ledger) {
		return nil
	}
	key, ok := c.ledger.Named(body)
	if !ok || !c.guards(key.Device) {
		return nil
	}
	return &ledger.CommandError{
		Code: ledger.CodeNameReserved, Message: fmt.Sprintf("device %q starts with '_', which is reserved for the store's own devices", key.Device),
		Hint: "choose a name that does not start with '_'",
	}
}
