package gapless

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest/influx"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// Config says where a node lives and what it may use locally. Nothing in it changes what is stored: that is policy, which is
// replicated. The zero value with Node and Data set is a one-voter cluster that listens on loopback.
type Config struct {
	Node          string            `yaml:"node" help:"name of this node, unique in the cluster (a-z, 0-9, '-')"`
	Cluster       string            `yaml:"cluster" help:"name of the cluster; a connection from another one is refused"`
	Data          string            `yaml:"data" help:"directory for everything this node keeps"`
	HTTP          string            `yaml:"http" help:"address of the HTTP API"`
	Listen        string            `yaml:"listen" help:"address of the cluster port (Raft, forwarding and pulls of segments)"`
	Advertise     string            `yaml:"advertise" help:"cluster address the other nodes reach this one at (default: its entry in peers, else listen)"`
	AdvertiseHTTP string            `yaml:"advertise_http" help:"HTTP address clients are sent to (default: http)"`
	Peers         map[string]string `yaml:"peers" help:"every node of the cluster as node=address, this one included; empty: a cluster of one"`
	TokenFile     string            `yaml:"token_file" help:"file of client tokens; without it only loopback may talk to the API"`
	ClusterCert   string            `yaml:"cluster_cert" help:"certificate of this node for the cluster port, PEM; with cluster_key and cluster_ca it is encrypted (gapless cert makes all three)"`
	ClusterKey    string            `yaml:"cluster_key" help:"private key of cluster_cert, PEM"`
	ClusterCA     string            `yaml:"cluster_ca" help:"certificate authority that signed every node's cluster_cert, PEM"`
	Insecure      bool              `yaml:"insecure" help:"allow clients without a token and a plaintext cluster port beyond loopback"`

	FenceAfter       time.Duration `yaml:"fence_after" help:"a write and sync of the log that takes longer ends the process"`
	Heartbeat        time.Duration `yaml:"heartbeat" help:"Raft heartbeat and election timeout; fail-over takes about 2.3 times as long"`
	AdmitAfter       time.Duration `yaml:"admit_after" help:"how long a starting node waits for members that do not answer, where those that do may not know its newest acknowledgements"`
	RequestTimeout   time.Duration `yaml:"request_timeout" help:"longest wait of one request for its commit or its answer"`
	HTTPMaxConns     int           `yaml:"http_max_connections" help:"HTTP connections at once; beyond it those without a request give way, and new ones wait; 0: half of what the limit of open files leaves, at most 16384"`
	MaxBodyBytes     int           `yaml:"max_body_bytes" help:"largest request body"`
	MaxUnpackedBytes int           `yaml:"max_unpacked_bytes" help:"largest request body after decompression"`
	MaxInflightBytes int64         `yaml:"max_inflight_bytes" help:"request bodies being worked on; beyond it the answer is 429"`
	MaxQueueBytes    int64         `yaml:"max_queue_bytes" help:"batches waiting on the leader for their commit; beyond it the answer is 429"`
	LineDeviceTag    string        `yaml:"line_device_tag" help:"tags of line protocol, separated by commas: the first that a line has names its device"`
	LineSeqField     string        `yaml:"line_seq_field" help:"field or tag of line protocol that is the number of its frame; none: there are no numbers"`
	LineEpochField   string        `yaml:"line_epoch_field" help:"field or tag of line protocol that is the device's own epoch; none: there are no epochs"`
	LineDBField      string        `yaml:"line_db_field" help:"field that keeps the name of the database or bucket that a line was written to; none: it is not kept"`
	CacheBytes       int64         `yaml:"cache_bytes" help:"memory for decoded blocks of segments"`
	LogKeepBytes     int64         `yaml:"log_keep_bytes" help:"log kept beyond what this node needs, so that a node that was away catches up without pulling segments"`
	LogFileBytes     int64         `yaml:"log_file_bytes" help:"size of one file of the log, 65536 to 1073741824; only a single larger write makes a longer one"`
	PullBytesPerSec  int64         `yaml:"pull_bytes_per_second" help:"limit on pulling segments from other nodes, 0 for none"`
	MergeBytesPerSec int64         `yaml:"merge_bytes_per_second" help:"limit on what merging segments writes, on what comparing them reads, and on what is read for a seal, each; while a flush is under way it is done an eighth of the time"`
	RetireAfter      time.Duration `yaml:"retire_after" help:"how long a segment that a merge replaced stays for queries that began before; longer than any of them may take"`
	Witnesses        []string      `yaml:"witnesses" help:"outside witnesses that cosign checkpoints, each as its verifier key, a blank and its address; the same on every node"`
	LogLevel         string        `yaml:"log_level" help:"debug, info, warn or error"`
	LogFormat        string        `yaml:"log_format" help:"text or json"`

	Version    string               `yaml:"-"` // shown by status; set by the command
	Logger     *slog.Logger         `yaml:"-"` // default slog.Default()
	Registerer *prometheus.Registry `yaml:"-"` // of this node alone; default: a new one
	OnFatal    func(error)          `yaml:"-"` // called once when the node must end (failed fsync, unknown command), from wherever that was met: it must not wait for Close; default: panic
	Clock      func() time.Time     `yaml:"-"` // wall clock, default time.Now
	Machine    Machine              `yaml:"-"` // default: the operating system
	Merging    Merging              `yaml:"-"` // default: that of package compact
}

// Defaults returns the configuration of a one-voter cluster on loopback, without Node and Data.
func Defaults() Config {
	return Config{
		Cluster:          "gapless",
		HTTP:             "127.0.0.1:7400",
		Listen:           "127.0.0.1:7500",
		FenceAfter:       2 * time.Second,
		Heartbeat:        250 * time.Millisecond,
		AdmitAfter:       10 * time.Second,
		RequestTimeout:   10 * time.Second,
		MaxBodyBytes:     16 << 20,
		MaxUnpackedBytes: 64 << 20,
		MaxInflightBytes: 64 << 20,
		MaxQueueBytes:    32 << 20,
		LineDeviceTag:    "device,host",
		LineSeqField:     "seq",
		LineEpochField:   "epoch",
		LineDBField:      influx.None,
		CacheBytes:       256 << 20,
		LogKeepBytes:     1 << 30,
		LogFileBytes:     64 << 20,
		MergeBytesPerSec: compact.DefaultBytesPerSecond,
		RetireAfter:      time.Minute,
		Witnesses:        []string{},
		LogLevel:         "info",
		LogFormat:        "text",
	}
}

// fill sets what was left empty from Defaults and from other fields.
func (c *Config) fill() {
	d := Defaults()
	setString := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	setString(&c.Cluster, d.Cluster)
	setString(&c.HTTP, d.HTTP)
	setString(&c.Listen, d.Listen)
	setString(&c.Advertise, c.Peers[c.Node])
	setString(&c.Advertise, c.Listen)
	setString(&c.AdvertiseHTTP, c.HTTP)
	setString(&c.LineDeviceTag, d.LineDeviceTag)
	setString(&c.LineSeqField, d.LineSeqField)
	setString(&c.LineEpochField, d.LineEpochField)
	setString(&c.LineDBField, d.LineDBField)
	setString(&c.LogLevel, d.LogLevel)
	setString(&c.LogFormat, d.LogFormat)
	setDefault(&c.FenceAfter, d.FenceAfter)
	setDefault(&c.Heartbeat, d.Heartbeat)
	setDefault(&c.AdmitAfter, d.AdmitAfter)
	setDefault(&c.RequestTimeout, d.RequestTimeout)
	setDefault(&c.MaxBodyBytes, d.MaxBodyBytes)
	setDefault(&c.MaxUnpackedBytes, d.MaxUnpackedBytes)
	setDefault(&c.MaxInflightBytes, d.MaxInflightBytes)
	setDefault(&c.MaxQueueBytes, d.MaxQueueBytes)
	setDefault(&c.CacheBytes, d.CacheBytes)
	setDefault(&c.LogKeepBytes, d.LogKeepBytes)
	setDefault(&c.LogFileBytes, d.LogFileBytes)
	setDefault(&c.MergeBytesPerSec, d.MergeBytesPerSec)
	setDefault(&c.RetireAfter, d.RetireAfter)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Machine.fill()
	if c.OnFatal == nil {
		c.OnFatal = func(err error) { panic(err) }
	}
}

func setDefault[T int | int64 | time.Duration](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

// Validate fills defaults and reports every reason why the node cannot start with this configuration.
func (c *Config) Validate() error {
	c.fill()
	var f mistakes
	c.checkWho(&f)
	c.checkReach(&f)
	c.checkLimits(&f)
	c.checkTimes(&f)
	c.checkClients(&f)
	return errors.Join(f...)
}

// mistakes is what is wrong with a configuration.
type mistakes []error

func (f *mistakes) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// take adds an error that says enough by itself.
func (f *mistakes) take(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

// checkWho checks which node of which cluster this is.
func (c *Config) checkWho(f *mistakes) {
	if !validNode(c.Node) {
		f.add("node %q: give a name of 1 to 64 characters from a-z, 0-9 and '-'", c.Node)
	}
	if c.Data == "" {
		f.add("data: give a directory for this node's files")
	}
	f.take(frame.ValidateName("cluster", c.Cluster))
	if len(c.Peers) > 0 && c.Peers[c.Node] == "" {
		f.add("peers: %s lacks this node %q; list every node, this one included", peerList(c.Peers), c.Node)
	}
}

// checkReach checks who may reach the node, and how.
func (c *Config) checkReach(f *mistakes) {
	if !IsLoopback(c.HTTP) && c.TokenFile == "" && !c.Insecure {
		f.add("http %s is reachable from beyond this machine: give token_file, or insecure if that is meant", c.HTTP)
	}
	if given := c.ClusterCert != "" || c.ClusterKey != "" || c.ClusterCA != ""; given && !c.encrypted() {
		f.add("cluster_cert %q, cluster_key %q and cluster_ca %q: give all three or none", c.ClusterCert, c.ClusterKey, c.ClusterCA)
	}
	if !IsLoopback(c.Listen) && !c.Insecure && !c.encrypted() {
		f.add("listen %s is reachable from beyond this machine: give cluster_cert, cluster_key and cluster_ca, or insecure if plaintext is meant", c.Listen)
	}
	for name, addr := range map[string]string{"advertise": c.Advertise, "advertise_http": c.AdvertiseHTTP} {
		if host, _, err := net.SplitHostPort(addr); err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
			f.add("%s %q is not an address that others can reach: give host:port", name, addr)
		}
	}
	_, err := c.outside()
	f.take(err)
}

// checkLimits checks sizes and rates.
func (c *Config) checkLimits(f *mistakes) {
	if c.MaxQueueBytes < 1<<20 || c.MaxInflightBytes < 1<<20 {
		f.add("max_queue_bytes %d and max_inflight_bytes %d must be at least 1048576", c.MaxQueueBytes, c.MaxInflightBytes)
	}
	if c.CacheBytes < 1<<20 || c.LogKeepBytes < 64<<10 || c.PullBytesPerSec < 0 {
		f.add("cache_bytes %d must be at least 1048576, log_keep_bytes %d at least 65536, pull_bytes_per_second %d not negative", c.CacheBytes, c.LogKeepBytes, c.PullBytesPerSec)
	}
	if c.LogFileBytes < 64<<10 || c.LogFileBytes > 1<<30 {
		f.add("log_file_bytes %d: give 65536 to 1073741824", c.LogFileBytes)
	}
	if c.MergeBytesPerSec < 1<<10 || c.RetireAfter < 0 {
		f.add("merge_bytes_per_second %d must be at least 1024, retire_after %s not negative", c.MergeBytesPerSec, c.RetireAfter)
	}
}

// checkTimes checks how long the node waits for what.
func (c *Config) checkTimes(f *mistakes) {
	if c.RequestTimeout < time.Second {
		f.add("request_timeout %s is shorter than 1s", c.RequestTimeout)
	}
	if c.AdmitAfter < time.Second {
		f.add("admit_after %s is shorter than 1s: a member that starts at the same time could not be heard", c.AdmitAfter)
	}
	if c.Heartbeat < 50*time.Millisecond || c.Heartbeat > 10*time.Second {
		f.add("heartbeat %s: give 50ms to 10s", c.Heartbeat)
	}
	if c.FenceAfter < c.Heartbeat {
		f.add("fence_after %s is shorter than heartbeat %s", c.FenceAfter, c.Heartbeat)
	}
}

// checkClients checks what one client may send, and how many there may be.
func (c *Config) checkClients(f *mistakes) {
	if c.MaxBodyBytes < 1<<10 || c.MaxUnpackedBytes < c.MaxBodyBytes {
		f.add("max_body_bytes %d must be at least 1024 and max_unpacked_bytes %d not below it", c.MaxBodyBytes, c.MaxUnpackedBytes)
	}
	if c.HTTPMaxConns < 0 || c.HTTPMaxConns > 1<<20 {
		f.add("http_max_connections %d: give 0 for as many as there is room for, or 1 to 1048576", c.HTTPMaxConns)
	} else if c.LogFileBytes > 0 {
		_, err := c.shareOpenFiles()
		f.take(err)
	}
}

// encrypted reports whether the cluster port speaks TLS.
func (c *Config) encrypted() bool {
	return c.ClusterCert != "" && c.ClusterKey != "" && c.ClusterCA != ""
}

// clusterTLS is what the cluster port encrypts with, nil when it does not.
func (c *Config) clusterTLS() *port.TLS {
	if !c.encrypted() {
		return nil
	}
	return &port.TLS{CertFile: c.ClusterCert, KeyFile: c.ClusterKey, CAFile: c.ClusterCA}
}

// IsLoopback reports whether a listen address is reachable from this machine only.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func validNode(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func peerList(peers map[string]string) string {
	names := make([]string, 0, len(peers))
	for name := range peers {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ",")
}
