package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gz(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(body)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func zs(body []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err == nil {
		_, err = w.Write(body)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func TestPackedAndStreamedBodies(t *testing.T) {
	var lines bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&lines, "{\"device\":\"a\",\"seq\":%d,\"fields\":{\"x\":%d.5}}\n", i, i%7)
	}
	for _, stream := range []bool{false, true} {
		d := newDoor(t, doorOptions{stream: stream})
		for _, test := range []struct {
			name, encoding string
			body           []byte
			chunked        bool
		}{
			{"plain", "", lines.Bytes(), false},
			{"identity", "identity", lines.Bytes(), false},
			{"chunked", "", lines.Bytes(), true},
			{"gzip", "GZIP", gz(lines.Bytes()), false},
			{"gzip, chunked", "gzip", gz(lines.Bytes()), true},
			{"two gzip members", "gzip", append(gz(lines.Bytes()[:1000]), gz(lines.Bytes()[1000:])...), false},
			{"zstd", "zstd", zs(lines.Bytes()), false},
			{"zstd with its size", "zstd", encodeAll(lines.Bytes()), false},
			{"two zstd frames", "zstd", append(zs(lines.Bytes()[:1000]), encodeAll(lines.Bytes()[1000:])...), true},
		} {
			t.Run(fmt.Sprintf("%s, stream %v", test.name, stream), func(t *testing.T) {
				got := d.send(request{body: test.body, kind: lineJSON, chunked: test.chunked, headers: map[string]string{"Content-Encoding": test.encoding}})
				if got.status != 200 || got.answer.Accepted+got.answer.Duplicate != 20_000 {
					t.Errorf("%d %.300s", got.status, got.body)
				}
			})
		}
		if now := d.balance(); now.Received != 9*20_000 {
			t.Errorf("%+v", now)
		}
	}
}

func encodeAll(body []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(body, nil)
}

// The connection that carried a refused body must carry the next request: what is left of the body is not taken for one.
func TestRefusedStreamKeepsTheConnection(t *testing.T) {
	d := newDoor(t, doorOptions{stream: true, Options: Options{MaxBodyBytes: 1 << 20}})
	d.client.MaxConnsPerHost = 1
	for _, chunked := range []bool{false, true} {
		for _, size := range []int{100, 900_000, 3 << 20} {
			body := bytes.Repeat([]byte("POST /v1/frames HTTP/1.1\r\n\r\n"), size/28)
			if got := d.send(request{body: body, kind: "text/plain", chunked: chunked}); got.status != 415 {
				t.Errorf("%d bytes, chunked %v: %d %s", size, chunked, got.status, got.body)
			}
			if got := d.json(`{"device":"a","seq":1}`); got.status != 200 {
				t.Errorf("the request after it: %d %s", got.status, got.body)
			}
		}
	}
}

// An error of a stream is final: beyond the end of a body the next request begins, and beyond a fault nobody knows what does.
func TestSourceEndsForGood(t *testing.T) {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF} {
		src := source{stream: &endsOnce{end: end, rest: "POST /v1/frames"}}
		for range 2 {
			if n, err := src.Read(make([]byte, 10)); n != 0 || err != end {
				t.Errorf("%d bytes and %v after %v", n, err, end)
			}
		}
	}
}

// endsOnce fails once and then has more; fasthttp's stream of a chunked body is like that.
type endsOnce struct {
	end  error
	rest string
}

func (e *endsOnce) Read(p []byte) (int, error) {
	if err := e.end; err != nil {
		e.end = nil
		return 0, err
	}
	return copy(p, e.rest), nil
}
