package raftfsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestPolicyLimits: the ends of each range are taken, and what lies one beyond them is refused with the name of the setting.
func TestPolicyLimits(t *testing.T) {
	for _, tt := range []struct {
		setting   string
		body      string // with %d for the value
		low, high int64
	}{
		{"flush_bytes", `{"flush_bytes":%d}`, minFlushBytes, maxFlushBytes},
		{"idempotency_keys", `{"idempotency_keys":%d}`, 1, 1 << 24},
		{"recorder_per_tick", `{"recorder_per_tick":%d}`, 1, 1 << 20},
		{"window_ms", `{"merge":{"window_ms":%d}}`, 1000, 10 * 365 * 24 * 3_600_000},
		{"fan_in", `{"merge":{"fan_in":%d}}`, 2, 64},
		{"max_bytes", `{"merge":{"max_bytes":%d}}`, 64 << 10, 1 << 40},
	} {
		for _, value := range []int64{tt.low, tt.high, tt.low - 1, tt.high + 1, -1} {
			if value == 0 { // the default
				continue
			}
			_, err := ParsePolicy(fmt.Appendf(nil, tt.body, value))
			var refused *RefusedError
			switch within := value >= tt.low && value <= tt.high; {
			case within && err != nil:
				t.Errorf("%s %d: %v", tt.setting, value, err)
			case !within && (!errors.As(err, &refused) || refused.Code != "bad_policy" || !strings.Contains(refused.Message, tt.setting)):
				t.Errorf("%s %d: %v, want it refused", tt.setting, value, err)
			}
		}
	}
}

// TestRaiseIsOneVersionAtATime: what each version adds is looked at by every node on the way.
func TestRaiseIsOneVersionAtATime(t *testing.T) {
	r := newReplica(t)
	r.configure("n1.x")
	r.command(KindMember, Member{Node: "n1", Server: "n1.x", Versions: SupportedVersion + 5})
	was := r.state.members.Version()
	for _, to := range []int{was + 2, was, was - 1} {
		if res := r.command(KindRaise, map[string]int{"version": to}); res.Err == nil || r.state.members.Version() != was {
			t.Errorf("from %d to %d: %v, it is %d now", was, to, res.Err, r.state.members.Version())
		}
	}
}
