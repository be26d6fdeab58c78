package gapless

import (
	"strings"
	"testing"
	"time"
)

func TestConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*Config)
		want string // part of the error, "" for none
	}{
		{"smallest", func(c *Config) {}, ""},
		{"no node", func(c *Config) { c.Node = "" }, "node"},
		{"node with slash", func(c *Config) { c.Node = "../n1" }, "node"},
		{"no data", func(c *Config) { c.Data = "" }, "data"},
		{"peers without this node", func(c *Config) { c.Peers = map[string]string{"n2": "127.0.0.1:1"} }, "lacks this node"},
		{"http open to the world", func(c *Config) { c.HTTP = "0.0.0.0:7400" }, "token_file"},
		{"http open to the world with tokens", func(c *Config) { c.HTTP, c.TokenFile, c.AdvertiseHTTP = "0.0.0.0:7400", "tokens", "h:7400" }, ""},
		{"http address that nobody can reach", func(c *Config) { c.HTTP, c.TokenFile = "0.0.0.0:7400", "tokens" }, "advertise_http"},
		{"http open to the world, meant", func(c *Config) { c.HTTP, c.Insecure, c.AdvertiseHTTP = "0.0.0.0:7400", true, "h:7400" }, ""},
		{"cluster port open to the world", func(c *Config) { c.Listen = "10.0.0.1:7500" }, "cluster_cert"},
		{"encrypted cluster port", func(c *Config) {
			c.Listen, c.ClusterCert, c.ClusterKey, c.ClusterCA = "10.0.0.1:7500", "n.crt", "n.key", "ca.crt"
		}, ""},
		{"a key is missing", func(c *Config) { c.ClusterCert, c.ClusterCA = "n.crt", "ca.crt" }, "all three"},
		{"no cache", func(c *Config) { c.CacheBytes = 1 }, "cache_bytes"},
		{"no log kept", func(c *Config) { c.LogKeepBytes = 64<<10 - 1 }, "log_keep_bytes"},
		{"smallest log files", func(c *Config) { c.LogFileBytes = 64 << 10 }, ""},
		{"log files too small", func(c *Config) { c.LogFileBytes = 64<<10 - 1 }, "log_file_bytes 65535"},
		{"largest log files", func(c *Config) { c.LogFileBytes = 1 << 30 }, ""},
		{"log files too large", func(c *Config) { c.LogFileBytes = 1<<30 + 1 }, "log_file_bytes 1073741825"},
		{"negative log files", func(c *Config) { c.LogFileBytes = -1 }, "log_file_bytes -1"},
		{"hasty heartbeat", func(c *Config) { c.Heartbeat = time.Millisecond }, "heartbeat"},
		{"fence below heartbeat", func(c *Config) { c.FenceAfter = 100 * time.Millisecond }, "fence_after"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Config{Node: "n1", Data: "data", Machine: Machine{OpenFiles: 1 << 20}}
			tc.edit(&c)
			err := c.Validate()
			if tc.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want an error about %s", err, tc.want)
			}
		})
	}
}

func TestIsLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "localhost:1": true,
		"0.0.0.0:1": false, ":1": false, "10.0.0.1:1": false, "example.com:1": false, "nonsense": false,
	} {
		if IsLoopback(addr) != want {
			t.Errorf("IsLoopback(%q) = %v", addr, !want)
		}
	}
}
