package floor

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// Header says which floor a file is. Everything in it is the same on every node.
type Header struct {
	Cluster            string // id of the cluster, at most 255 bytes
	Partition          uint32
	History            uint64
	Index, Term        uint64 // of the entry at the floor, both at least 1
	ConfigurationIndex uint64 // of the entry the configuration came with, at most Index
	Configuration      []byte // raft.EncodeConfiguration, as of Index
}

const (
	headerFixedSize  = 44
	maxCluster       = 255
	maxHeader        = 1 << 20
	maxConfiguration = maxHeader - headerFixedSize - 1 - maxCluster
)

// append writes
//
//	index u64 | term u64 | history u64 | configuration index u64 | partition u32 | configuration length u32 |
//	cluster length u32 | cluster | configuration
func (h *Header) append(dst []byte) []byte {
	for _, v := range [...]uint64{h.Index, h.Term, h.History, h.ConfigurationIndex} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	for _, v := range [...]int{int(h.Partition), len(h.Configuration), len(h.Cluster)} {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
	}
	dst = append(dst, h.Cluster...)
	return append(dst, h.Configuration...)
}

// parseHeader reads what append wrote. The header shares no memory with b.
func parseHeader(b []byte) (h Header, err error) {
	if len(b) < headerFixedSize {
		return h, fmt.Errorf("a header of %d bytes", len(b))
	}
	h.Index = binary.LittleEndian.Uint64(b)
	h.Term = binary.LittleEndian.Uint64(b[8:])
	h.History = binary.LittleEndian.Uint64(b[16:])
	h.ConfigurationIndex = binary.LittleEndian.Uint64(b[24:])
	h.Partition = binary.LittleEndian.Uint32(b[32:])
	configuration, cluster := int64(binary.LittleEndian.Uint32(b[36:])), int64(binary.LittleEndian.Uint32(b[40:]))
	if rest := b[headerFixedSize:]; int64(len(rest)) != configuration+cluster {
		return h, fmt.Errorf("%d bytes for a cluster of %d and a configuration of %d", len(rest), cluster, configuration)
	}
	h.Cluster = string(b[headerFixedSize:][:cluster])
	h.Configuration = append(h.Configuration, b[headerFixedSize+cluster:]...)
	_, err = h.check()
	return h, err
}

// check holds a header against the limits and returns its configuration.
func (h *Header) check() (raft.Configuration, error) {
	switch {
	case h.Index == 0 || h.Term == 0:
		return raft.Configuration{}, fmt.Errorf("index %d of term %d", h.Index, h.Term)
	case h.ConfigurationIndex > h.Index:
		return raft.Configuration{}, fmt.Errorf("configuration of index %d above index %d", h.ConfigurationIndex, h.Index)
	case len(h.Cluster) > maxCluster:
		return raft.Configuration{}, fmt.Errorf("cluster id of %d bytes, at most %d are allowed", len(h.Cluster), maxCluster)
	case len(h.Configuration) > maxConfiguration:
		return raft.Configuration{}, fmt.Errorf("configuration of %d bytes, at most %d are allowed", len(h.Configuration), maxConfiguration)
	}
	return decodeConfiguration(h.Configuration)
}

// decodeConfiguration is raft.DecodeConfiguration for bytes that may be anything: the library panics on those it does not like.
func decodeConfiguration(b []byte) (c raft.Configuration, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("configuration of %d bytes: %v", len(b), r)
		}
	}()
	if len(b) == 0 {
		return c, errors.New("no configuration")
	}
	return raft.DecodeConfiguration(b), nil
}
