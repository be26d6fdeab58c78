package influx

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ingest"
)

// TestQueryTakesNoEndlessBody sends a statement that does not end: it is refused after the first 64 KiB, and the connection with it.
func TestQueryTakesNoEndlessBody(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	conn, err := r.listen()()
	if err != nil {
		t.Fatal(err)
	}
	const most = 256 // chunks
	sent := make(chan int)
	go func() {
		n := 0
		_, err := fmt.Fprint(conn, "POST /query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
		for chunk := strings.Repeat("q", maxQueryBytes); err == nil && n < most; n++ {
			_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(chunk), chunk)
		}
		if err == nil {
			_, _ = fmt.Fprint(conn, "0\r\n\r\n")
		}
		sent <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
		t.Errorf("answer %d, the connection ends: %t", resp.StatusCode, resp.Close)
	}
	_ = resp.Body.Close()
	_ = conn.Close()
	if n := <-sent; n > most/4 {
		t.Errorf("%d KiB were read for a statement of 64 KiB", n*maxQueryBytes>>10)
	}
}
