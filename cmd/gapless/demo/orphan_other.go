//go:build !linux

package demo

import "syscall"

// processAttr has nothing to offer here: a demo that is killed leaves its nodes behind.
func processAttr() *syscall.SysProcAttr { return nil }
