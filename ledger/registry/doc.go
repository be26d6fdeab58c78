// Package registry is the section "devices" of the replicated state: what an operator says of a device, beside what its frames say.
//
// A registered device has labels (to select and group by), a type, an expected cadence, a default class for frames whose format has none, the first number of
// its epochs, and a rule that replaces parts of the policy for it. A device needs no entry to send frames, and an entry no frames.
//
// Commands set (replace), patch (merge; null takes away) and delete entries, up to MaxDevices of one tenant at once: all of them or none. A device may name the
// revision that it must have, so that of two changes at once one is refused. A revision is the count of commands that changed something, so
// no revision ever comes again, not even when a device is deleted and registered anew.
//
// Invariants
//
//   - Equal commands make equal registries, and equal registries equal checkpoint bytes (docs/format/devices.md): no clock, no random, no map order.
//   - The ledger has exactly the rules of the registered devices: after each command, and after a restore of either, in whichever order.
//   - Each change leaves a Snapshot: a pointer for every chunk of up to 512 devices. What a snapshot reads is never written again; a chunk that changes is
//     copied first. A frozen checkpoint is a snapshot, and so is what doors look into while commands are applied.
//   - The index of labels is derived: what it says follows from the entries, and it is in no checkpoint.
//
// One goroutine may change a Registry, and while it does nobody may read; otherwise any number of goroutines may read. What its methods return is the caller's.
package registry
