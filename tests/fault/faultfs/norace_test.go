//go:build linux && !race

package faultfs

const raced = false
