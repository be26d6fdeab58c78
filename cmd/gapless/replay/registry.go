package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// registerAtOnce is how many devices one request tells the registry of.
const registerAtOnce = 1000

// Registry is what the registry of devices is told of every device of a file, before its first frame is sent. What is nil or 0 stays as it is there.
type Registry struct {
	Rule      *Rule `json:"rule,omitempty"`
	CadenceMS int64 `json:"cadence_ms,omitempty"`
}

// Rule is when a lower number means that a device's counter began again.
type Rule struct {
	RestartBelow *uint64 `json:"restart_below,omitempty"` // it is below this
	RestartDrop  *uint64 `json:"restart_drop,omitempty"`  // it fell by more than this
}

// IsZero reports whether there is nothing to tell.
func (g *Registry) IsZero() bool { return g.Rule == nil && g.CadenceMS == 0 }

// register tells the registry of the devices that appear in a batch for the first time.
func (c *connection) register(ctx context.Context, b *batch) error {
	if c.run.o.Registry.IsZero() {
		return nil
	}
	fresh := slices.DeleteFunc(slices.Clone(b.devices), func(device string) bool { return c.known[device] })
	slices.Sort(fresh)
	for some := range slices.Chunk(fresh, registerAtOnce) {
		if err := c.tell(ctx, some); err != nil {
			return err
		}
		for _, device := range some {
			c.known[device] = true
		}
	}
	return nil
}

// tell changes the entries of some devices.
func (c *connection) tell(ctx context.Context, devices []string) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body) // one object a line
	enc.SetEscapeHTML(false)
	for _, device := range devices {
		if err := enc.Encode(struct {
			Device string `json:"device"`
			*Registry
		}{device, &c.run.o.Registry}); err != nil {
			return fmt.Errorf("replay: registry: %w", err)
		}
	}
	var answer json.RawMessage
	r := &request{method: "POST", path: "/v1/devices?do=patch", contentType: "application/x-ndjson", body: body.Bytes()}
	if _, err := c.link.do(ctx, r, &answer); err != nil {
		return fmt.Errorf("replay: the registry does not take %d devices, from %q on, so no frame of theirs is sent: %w", len(devices), devices[0], err)
	}
	return nil
}
