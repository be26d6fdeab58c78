package wal

// turn is a lock that is held while the disk works. It is a channel and no mutex, so that whoever waits for it is seen to wait: in a
// testing/synctest bubble no time passes while somebody waits for a mutex, and a disk that stalls there would do so for ever.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// Lock waits for the turn and takes it.
func (t turn) Lock() { t <- struct{}{} }

// Unlock passes it on.
func (t turn) Unlock() { <-t }
