package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gapless": main})
}

// TestScripts runs the transcripts in testdata/script against a node that answers from files: PUT /v1/policy from
// answers/v1/policy@PUT, GET /v1/gaps?cursor=c2 from answers/v1/gaps@GET@c2. A first line "status N" sets the status. What was asked is in $WORK/requests.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup: func(env *testscript.Env) error {
			node := httptest.NewServer(&cannedNode{dir: env.WorkDir})
			env.Defer(node.Close)
			env.Setenv("GAPLESS_URL", node.URL)
			env.Setenv("NO_COLOR", "1")
			return os.WriteFile(filepath.Join(env.WorkDir, "requests"), nil, 0o600)
		},
	})
}

// scriptCommands are what the scripts need beside gapless itself.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"addresses":  addresses,
	"eventually": eventually,
	"flip":       flipByte,
	"mksegment":  makeSegment,
	"mkwal":      makeWAL,
	"post":       post,
	"signal":     signalAll,
	"tokens":     tokens,
	"until":      until,
}

type cannedNode struct {
	dir string
	mu  sync.Mutex // protects the file of requests
}

func (n *cannedNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := n.log(r); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	name := filepath.Join(n.dir, "answers", filepath.FromSlash(r.URL.EscapedPath()))
	name += "@" + r.Method
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		name += "@" + cursor
	}
	answer, err := os.ReadFile(name)
	if err != nil {
		http.Error(w, "no answer prepared: "+name, http.StatusNotFound)
		return
	}
	body := string(answer)
	if first, rest, ok := strings.Cut(body, "\n"); ok && strings.HasPrefix(first, "status ") {
		if status, err := strconv.Atoi(strings.TrimPrefix(first, "status ")); err == nil {
			w.WriteHeader(status)
			body = rest
		}
	}
	fmt.Fprint(w, strings.TrimSuffix(body, "\n"))
}

// log appends what was asked: method, target, body and token.
func (n *cannedNode) log(r *http.Request) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(n.dir, "requests"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	line := strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, body, r.Header.Get("Authorization"))), " ")
	_, err = fmt.Fprintln(f, line)
	return err
}
