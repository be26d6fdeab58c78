package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// load writes the file, when there is one, and loads it with the environment and the arguments.
func load(t *testing.T, file string, environ, args []string) (*loaded, error) {
	t.Helper()
	path := ""
	if file != "" {
		path = filepath.Join(t.TempDir(), "n.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	addFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return loadConfig(path, environ, flags)
}

func TestLaterSourcesWin(t *testing.T) {
	file := "node: n1\ndata: file\nheartbeat: 300ms\nmax_body_bytes: 2048\npeers: {n1: 'a:1', n2: 'b:2'}\n"
	environ := []string{
		"GAPLESS_DATA=env", "GAPLESS_MAX_BODY_BYTES=4096", "GAPLESS_INSECURE=true", "GAPLESS_PEERS=n1=c:1, n3=d:3",
		"GAPLESS_SERVICE_PORT=7400", "GAPLESS_CLUSTER=", "HOME=/",
	}
	l, err := load(t, file, environ, []string{"--data", "flag", "--fence_after", "5s"})
	if err != nil {
		t.Fatal(err)
	}
	want := struct {
		Node, Data, Cluster  string
		Heartbeat, Fence     time.Duration
		Body                 int
		Insecure             bool
		Peers                map[string]string
		DataFrom, FenceFrom  string
		PeersFrom, BodyFrom  string
		ClusterFrom, HeartFr string
	}{
		"n1", "flag", "gapless", 300 * time.Millisecond, 5 * time.Second, 4096, true, map[string]string{"n1": "c:1", "n3": "d:3"},
		"--data", "--fence-after", "GAPLESS_PEERS", "GAPLESS_MAX_BODY_BYTES", "", "file n.yaml",
	}
	got := want
	got.Node, got.Data, got.Cluster, got.Heartbeat, got.Fence = l.Node, l.Data, l.Cluster, l.Heartbeat, l.FenceAfter
	got.Body, got.Insecure, got.Peers = l.MaxBodyBytes, l.Insecure, l.Peers
	got.DataFrom, got.FenceFrom, got.PeersFrom = l.sources["data"], l.sources["fence_after"], l.sources["peers"]
	got.BodyFrom, got.ClusterFrom = l.sources["max_body_bytes"], l.sources["cluster"]
	kind, path, _ := strings.Cut(l.sources["heartbeat"], " ")
	got.HeartFr = kind + " " + filepath.Base(path)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPeersOnTheCommandLine(t *testing.T) {
	l, err := load(t, "", nil, []string{"--peer", "n1=a:1", "--peer", "n2=b:2", "--peers", "n3=c:3,n4=d:4"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"n1": "a:1", "n2": "b:2", "n3": "c:3", "n4": "d:4"}, l.Peers); diff != "" {
		t.Error(diff)
	}
}

// Witnesses are a list wherever they come from, and a later source replaces all of it.
func TestWitnessesFromEverySource(t *testing.T) {
	const a, b, c = "w.example/a+00000000+BAAA https://a.example/x,y", "b+11111111+BBBB http://b:1", "c+22222222+BCCC http://c"
	file := "witnesses:\n  - " + a + "\n  - '" + b + "'\n"
	for _, tt := range []struct {
		name, file    string
		environ, args []string
		want          []string
		from          string
	}{
		{"file", file, nil, nil, []string{a, b}, "file"},
		{"environment", file, []string{"GAPLESS_WITNESSES=" + b + ", " + c}, nil, []string{b, c}, "GAPLESS_WITNESSES"},
		{"flags", file, []string{"GAPLESS_WITNESSES=" + b}, []string{"--witness", a, "--witnesses", c}, []string{a, c}, "--witnesses"},
		{"nowhere", "", nil, nil, []string{}, ""},
	} {
		l, err := load(t, tt.file, tt.environ, tt.args)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, l.Witnesses); diff != "" || !strings.HasPrefix(l.sources["witnesses"], tt.from) {
			t.Errorf("%s: from %q: %s", tt.name, l.sources["witnesses"], diff)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct {
		name, file string
		environ    []string
		want       []string // parts of the error
	}{
		{"unknown key", "node: n1\nlisen: x\n", nil, []string{"n.yaml", `unknown key "lisen"`, "listen"}},
		{"not YAML", "node: [", nil, []string{"n.yaml"}},
		{"key twice", "node: a\nnode: b\n", nil, []string{"n.yaml", "already"}},
		{"duration without unit", "heartbeat: 5\n", nil, []string{"'heartbeat' 5 is not a duration", "250ms"}},
		{"duration without unit in the environment", "", []string{"GAPLESS_HEARTBEAT=5"}, []string{"heartbeat", "missing unit"}},
		{"word for a number", "max_body_bytes: many\n", nil, []string{"'max_body_bytes'", "int"}},
		{"word for a switch", "insecure: perhaps\n", nil, []string{"'insecure'", "bool"}},
		{"map for a text", "node: {a: b}\n", nil, []string{"'node'", "string"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, tt.environ, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	_, err := loadConfig(filepath.Join(t.TempDir(), "none.yaml"), nil, pflag.NewFlagSet("", pflag.ContinueOnError))
	if err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
}

// What --print-config prints is a file that gives the same configuration again.
func TestPrintedConfigurationReadsBack(t *testing.T) {
	l, err := load(t, "node: n1\ndata: 'a: b # c'\npeers: {n1: 'a:1'}\nwitnesses: ['w+0+BA http://w']\n", nil, []string{"--heartbeat", "1s", "--insecure"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := l.print(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "heartbeat: 1s # --heartbeat\n") || !strings.Contains(out.String(), "cluster: gapless # default\n") {
		t.Errorf("sources are missing in\n%s", out.String())
	}
	again, err := load(t, out.String(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings() {
		a, b := valueOf(l, s), valueOf(again, s)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
}

func valueOf(l *loaded, s setting) any {
	return reflect.ValueOf(l.Config).FieldByIndex(s.field).Interface()
}
