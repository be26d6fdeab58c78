package gapless

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
)

// TestBodiesAreNoRequests sends bodies that are requests themselves to paths that do not read them, or not to their end: the node must never
// answer what is inside of one. Whatever shares the connection, such as other clients of a proxy, would get that answer.
func TestBodiesAreNoRequests(t *testing.T) {
	token, path := writeToken(t, auth.All)
	n := startSingle(t, func(c *Config) { c.TokenFile, c.MaxBodyBytes = path, 64<<10 })
	inside := "GET /openapi.yaml HTTP/1.1\r\nHost: inside\r\n\r\n"
	for _, request := range []string{
		"POST /v1/frames",                                      // no token
		"POST /nope", "DELETE /v1/frames", "POST /v1/%zz/gaps", // no route
		"POST /v1/cluster/flush", "POST /v1/cluster/raise", "GET /v1/devices", "GET /v1/query", "GET /healthz",
		"DELETE /v1/devices/d", "DELETE /v1/consumers/c",
		"POST /v1/query?zz=1", "POST /v1/query?agg=avg&agg=", "POST /v1/query", "PUT /v1/consumers/c", "POST /v1/consumers/c/reset", "PUT /v1/policy",
		"POST /v1/cluster/transfer", "POST /v1/frames?zz=1", "PUT /v1/devices/d", "POST /query", "POST /write?zz=1", "POST /api/v2/write",
		"POST /v1/devices/d/seal", "POST /ping",
		"POST /v1/proof/seal", "POST /v1/proof/keys/rotate", "GET /tlog/checkpoint", "POST /v1/certificates", "POST /v1/certificates?format=xml",
	} {
		for _, size := range []int{100, 30 << 10, 3 << 20} {
			body := strings.Repeat(inside, size/len(inside)+20) // wherever a path stops reading, what follows is or becomes a request
			for _, sent := range []string{
				fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
				fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
			} {
				for _, authorization := range []string{"", "Authorization: Bearer " + token + "\r\n"} {
					head := request + " HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\n" + authorization
					for _, answer := range answersTo(t, n.HTTPAddr(), head+sent+"GET /ping HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n") {
						if strings.HasPrefix(answer, "200 OK openapi") || strings.Contains(answer, "could not be read") {
							t.Errorf("%s with a body of %d bytes: %.100s", request, len(body), answer)
						}
					}
				}
			}
		}
	}
}

// answersTo sends bytes on one connection and returns what it is answered.
func answersTo(t *testing.T, addr, sent string) (answers []string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, sent) // the node may end the connection before
	}()
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			conn.Close()
			<-written
			return answers
		}
		body, _ := io.ReadAll(resp.Body)
		answers = append(answers, resp.Status+" "+string(body))
	}
}
