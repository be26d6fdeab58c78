package registry

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// Name is the section's name in floors and metrics.
func (r *Registry) Name() string { return "devices" }

// Commands is the range of command kinds that Apply takes, both included; those without a meaning yet are not supported.
func (r *Registry) Commands() (first, last uint16) { return firstKind, lastKind }

// Supports reports whether Apply knows a command.
func (r *Registry) Supports(kind uint16, version uint8) bool {
	return kind >= KindSet && kind <= KindDelete && version == CommandVersion
}

// Since is the cluster version from which the section exists.
func (r *Registry) Since() int { return 2 }

// LimitBytes is the limit of a checkpoint's size.
func (r *Registry) LimitBytes() int64 { return limitBytes + 64<<10 }

// maxDetailBytes bounds what an audit frame has of a command's own words.
const maxDetailBytes = 64 << 10

// Audit describes the command that was just applied, whose body Apply has read: who changed what. It is false when nothing changed.
func (r *Registry) Audit(kind uint16, _ []byte) (tenant, action, subject, by string, detail []byte, ok bool) {
	c := r.applied
	if r.applied = nil; c == nil {
		return "", "", "", "", nil, false
	}
	action = map[uint16]string{KindSet: "device_set", KindPatch: "device_patch", KindDelete: "device_delete"}[kind]
	subject = c.Devices[0].Device
	if n := len(c.Devices); n > 1 {
		subject = fmt.Sprintf("%d devices", n)
	}
	return c.Tenant, action, subject, c.By, c.detail(), true
}

// detail is the devices as they were sent, or as many of them as an audit frame has room for.
func (c *Command) detail() []byte {
	b := []byte(`{"devices":[`)
	for i := range c.Devices {
		device, err := json.Marshal(&c.Devices[i], json.Deterministic(true))
		if left := len(c.Devices) - i; err != nil || len(b)+len(device) > maxDetailBytes {
			return fmt.Appendf(b, `],"omitted":%d}`, left)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, device...)
	}
	return append(b, "]}"...)
}
