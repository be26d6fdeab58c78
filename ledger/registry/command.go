package registry

import (
	"github.com/go-json-experiment/json"

	"github.com/gaplessdb/gapless/frame"
)

// Kinds of the registry's commands in the replicated log, and the version of their bodies that this program writes.
const (
	KindSet    uint16 = 80 // replaces entries
	KindPatch  uint16 = 81 // changes parts of entries, or makes them
	KindDelete uint16 = 82

	firstKind, lastKind uint16 = 80, 95

	CommandVersion uint8 = 1
)

// Limits of one command.
const (
	MaxDevices      = 10_000
	MaxCommandBytes = 1 << 20 // of its body
)

// maxByBytes bounds the name of who sent a command.
const maxByBytes = 1024

// Command is a change of some devices of one tenant: all of them or none.
type Command struct {
	Tenant  string   `json:"tenant"`
	By      string   `json:"by,omitzero"` // who sent it
	Devices []Change `json:"devices"`
}

// Encode is the body of version CommandVersion. An error is an *Error: the command is larger than a command may be.
func (c *Command) Encode() ([]byte, error) {
	body, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return nil, badJSON(err)
	}
	return body, checkSize(len(c.Devices), len(body))
}

// Encode is the bodies of as many commands as it takes to change all the devices, in order. An error is an *Error: a device comes twice, or is larger
// than a command may be.
func Encode(tenant, by string, devices []Change) (bodies [][]byte, err error) {
	all := Command{Tenant: tenant, By: by, Devices: devices}
	if err := all.distinct(); err != nil {
		return nil, err
	}
	size := 256 + 6*(len(tenant)+len(by)) // what a command has besides, escaped at worst
	first, bytes := 0, size
	for i := range devices {
		device, err := json.Marshal(&devices[i], json.Deterministic(true))
		if err != nil {
			return nil, badJSON(err)
		}
		if i-first == MaxDevices || i > first && bytes+len(device)+1 > MaxCommandBytes {
			if bodies, err = all.encodePart(bodies, first, i); err != nil {
				return nil, err
			}
			first, bytes = i, size
		}
		bytes += len(device) + 1
	}
	return all.encodePart(bodies, first, len(devices))
}

func (c *Command) encodePart(bodies [][]byte, first, end int) ([][]byte, error) {
	part := Command{Tenant: c.Tenant, By: c.By, Devices: c.Devices[first:end]}
	body, err := part.Encode()
	return append(bodies, body), err
}

func checkSize(devices, bytes int) error {
	if devices > MaxDevices || bytes > MaxCommandBytes {
		return refuse(CodeBadCommand, "send fewer devices at once",
			"%d devices in %d bytes, one command takes %d devices and %d bytes", devices, bytes, MaxDevices, MaxCommandBytes)
	}
	return nil
}

// ParseCommand reads a body strictly. An error is an *Error. It looks at the form; whether entries may be so is seen against the registry.
func ParseCommand(body []byte) (*Command, error) {
	if err := checkSize(0, len(body)); err != nil {
		return nil, err
	}
	c := new(Command)
	if err := json.Unmarshal(body, c, json.RejectUnknownMembers(true)); err != nil {
		return nil, badJSON(err)
	}
	if err := checkSize(len(c.Devices), len(body)); err != nil {
		return nil, err
	}
	if err := frame.ValidateName("tenant", c.Tenant); err != nil {
		return nil, refuseName("", err)
	}
	if len(c.By) > maxByBytes {
		return nil, refuse(CodeBadCommand, "use a shorter id", "by has %d bytes, the limit is %d", len(c.By), maxByBytes)
	}
	if len(c.Devices) == 0 {
		return nil, refuse(CodeBadCommand, "name at least one device", "the command has no devices")
	}
	return c, c.distinct()
}

// distinct refuses a device that comes twice: what it should be then is not said.
func (c *Command) distinct() error {
	seen := make(map[string]struct{}, len(c.Devices))
	for i := range c.Devices {
		device := c.Devices[i].Device
		if _, twice := seen[device]; twice {
			return refuse(CodeDuplicateDevice, "send each device once", "device %q comes twice", device)
		}
		seen[device] = struct{}{}
	}
	return nil
}
