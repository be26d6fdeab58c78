package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gaplessdb/gapless/tests/ports"
)

// addresses NAME... sets each name to an address on loopback that was free a moment ago.
func addresses(ts *testscript.TestScript, _ bool, args []string) {
	addrs, err := ports.Free(len(args))
	ts.Check(err)
	for i, name := range args {
		ts.Setenv(name, addrs[i])
	}
}

// eventually ADDRESS/PATH STATUS [TOKEN] asks until the answer has that status.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, "http://"+args[0], nil)
	ts.Check(err)
	if len(args) > 2 {
		req.Header.Set("Authorization", "Bearer "+args[2])
	}
	deadline, again := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for last := ""; ; {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			last = err.Error()
		} else {
			ts.Check(resp.Body.Close())
			if last = strconv.Itoa(resp.StatusCode); last == args[1] {
				return
			}
		}
		select {
		case <-again.C:
		case <-deadline:
			ts.Fatalf("GET %s: %s, want %s", args[0], last, args[1])
		}
	}
}

// until PATTERN COMMAND... runs a command until its output matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	deadline, again := time.After(30*time.Second), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			ts.Fatalf("no %q in the output of %q: %v", args[0], args[1:], err)
		}
	}
}

// signalAll NAME sends HUP or TERM to what runs in the background.
func signalAll(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}[args[0]]
	for _, cmd := range ts.BackgroundCmds() {
		if cmd.ProcessState == nil {
			ts.Check(cmd.Process.Signal(sig))
		}
	}
}

// post ADDRESS/PATH FILE sends a JSON document and prints the answer, whose status must be 200, or must not with !.
func post(ts *testscript.TestScript, neg bool, args []string) {
	body, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	resp, err := http.Post("http://"+args[0], "application/json", bytes.NewReader(body))
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", resp.StatusCode, answer)
	if (resp.StatusCode == http.StatusOK) == neg {
		ts.Fatalf("status %d: %s", resp.StatusCode, answer)
	}
}

// tokens FILE NAME sets a variable to the token that a file holds.
func tokens(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[1], strings.TrimSpace(ts.ReadFile(args[0])))
}
