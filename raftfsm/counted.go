//go:build !bug_merge_deletes_early

package raftfsm

// counted lists the manifests whose segments must stay, of those of the floors on this disk, the newest first: all of them.
func counted(manifests [][]byte) [][]byte { return manifests }
