package oracles

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// stored is a frame as GET /v1/frames shows it.
type stored struct {
	Seq    uint64
	Epoch  int
	Time   string
	Fields map[string]json.RawMessage
	Raw    string
}

// frames reads all frames of a device, from one node after the other.
func (w *world) frames(t *testing.T, device, rest string) (list []stored) {
	t.Helper()
	cursor := ""
	for i := 0; ; i++ {
		path := "/v1/frames?limit=10000&consistency=linearizable&device=" + url.QueryEscape(device) + rest
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		page, next := w.page(t, w.Nodes[i%len(w.Nodes)].HTTP+path)
		list = append(list, page...)
		if cursor = next; cursor == "" {
			return list
		}
	}
}

func (w *world) page(t *testing.T, url string) (list []stored, next string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte(`"as_of":`)) {
			var end struct{ Next string }
			if err := json.Unmarshal(lines.Bytes(), &end); err != nil {
				t.Fatal(err)
			}
			return list, end.Next
		}
		var f stored
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
		list = append(list, f)
	}
	t.Fatalf("%s: the answer has no last line: %v", url, lines.Err())
	return nil, ""
}
