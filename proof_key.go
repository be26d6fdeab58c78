package gapless

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/proof/sign"
)

// A node's keys are in proof-<n>.key; the highest number is in use, and the only one there unless a rotation was cut off.
const (
	proofKeyPrefix = "proof-"
	proofKeySuffix = ".key"
)

func proofKeyFile(n int) string { return proofKeyPrefix + strconv.Itoa(n) + proofKeySuffix }

// openProofKey reads the key that this node signs with, or makes its first one.
func (n *Node) openProofKey() (sign.Key, error) {
	numbers, err := n.proofKeys()
	if err != nil {
		return sign.Key{}, err
	}
	if len(numbers) == 0 {
		return n.newProofKey(1)
	}
	return sign.Load(n.dir, proofKeyFile(numbers[len(numbers)-1]))
}

// proofKeys lists the numbers of the key files, ascending.
func (n *Node) proofKeys() (numbers []int, err error) {
	names, err := n.dir.List(".")
	if err != nil {
		return nil, fmt.Errorf("gapless: key files: %w", err)
	}
	for _, name := range names {
		digits := strings.TrimSuffix(strings.TrimPrefix(name, proofKeyPrefix), proofKeySuffix)
		if k, err := strconv.Atoi(digits); err == nil && name == proofKeyFile(k) {
			numbers = append(numbers, k)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func (n *Node) newProofKey(number int) (sign.Key, error) {
	key, err := sign.Generate(rand.Reader)
	if err != nil {
		return sign.Key{}, err
	}
	return key, key.Save(n.dir, proofKeyFile(number))
}

// rotateProofKey makes this node sign with a new key. The old one is destroyed: what it signed stays valid.
func (n *Node) rotateProofKey(by string) error {
	numbers, err := n.proofKeys()
	if err != nil {
		return err
	}
	next := 1
	if len(numbers) > 0 {
		next = numbers[len(numbers)-1] + 1
	}
	key, err := n.newProofKey(next)
	if err != nil {
		return err
	}
	n.sealer.Rekey(key, by)
	for _, old := range numbers {
		if err := n.dir.Remove(proofKeyFile(old)); err != nil {
			return fmt.Errorf("gapless: destroying an old key: %w", err)
		}
	}
	return n.dir.SyncDir(".")
}
