package query

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestSeriesAnswers holds answers of /v1/query against testdata/series.txt, which people can read.
func TestSeriesAnswers(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{})
	const minute = "from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:12Z"
	var got strings.Builder
	for _, query := range []string{
		"device=mill-07",
		"device=mill-07&fields=rpm&from=2026-11-21T10:00:04Z&to=2026-11-21T10:00:10Z&limit=2",
		"device=mill-07&agg=avg,max,count&step=PT4S&" + minute,
		"device=mill-07&agg=first,last,delta,rate,stddev,p50&step=6s&fill=null&" + minute,
		"device=mill-07&agg=sum&step=P1D&tz=Europe/Paris&from=-P1D&to=now",
		"agg=count,min&stream=*",
		"agg=count,first&stream=*&group=all",
		"agg=avg&group=site&step=PT10S&" + minute,
		"agg=avg&group=site&group=line&match=site%3Dberlin",
		"device=mill-07&fields=rpm&format=csv",
		"agg=count,last&stream=*&format=csv",
		"agg=avg&group=site&step=PT10S&format=csv&" + minute,
	} {
		status, kind, body := srv.do("t1", "/v1/query", query, "")
		if strings.HasPrefix(body, "{") {
			body = folded(t, body)
		}
		fmt.Fprintf(&got, "t1: GET /v1/query?%s\n%d %s\n%s\n\n", query, status, kind, body)
	}
	golden(t, "testdata/series.txt", got.String())
}

// folded is indented with lists of plain values in one line.
func folded(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	list := false
	for line := range strings.SplitSeq(indented(t, body), "\n") {
		text := strings.TrimLeft(line, " ")
		switch plain := !strings.ContainsAny(strings.Trim(text, `,`), "[]{}:") || text[0] == '"' && !strings.Contains(text, `": `); {
		case list && plain:
			out.WriteString(text)
			continue
		case list && strings.HasPrefix(text, "]"):
			out.WriteString(text + "\n")
			list = false
			continue
		case strings.HasSuffix(text, "["):
			out.WriteString(line)
			list = true
			continue
		case list: // a list of objects
			out.WriteString("\n")
			list = false
		}
		out.WriteString(line + "\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// seriesRefusals are questions asked wrongly.
var seriesRefusals = []struct {
	query         string
	status        int
	code          string
	message, hint string
}{
	{"aggregate=avg", 400, "unknown_parameter", "aggregate", "agg, group, fill"},
	{"agg=mean", 400, "bad_parameter", `agg="mean"`, "stddev"},
	{"agg=avg,", 400, "bad_parameter", `agg="avg,"`, "stddev"},
	{"agg=p101", 400, "bad_parameter", "p101", "p0 to p100"},
	{"device=a&device=", 400, "bad_parameter", "device", "name of a device"},
	{"device=a&prefix=b", 400, "bad_parameter", "prefix", "not together with device"},
	{"device=a&match=b%3Dc", 400, "bad_parameter", "match", "not together with device"},
	{"match=b", 400, "bad_parameter", "match", "label=value"},
	{"match=colour%3Dred", 404, "unknown_label", "colour", "labels in use"},
	{"agg=avg&group=colour", 404, "unknown_label", "colour", "labels in use"},
	{"agg=avg&group=site&group=site", 400, "bad_parameter", "group", "each once"},
	{"agg=avg&group=site,all", 400, "bad_parameter", `group="all"`, "names of labels"},
	{"group=all", 400, "bad_parameter", "group", "together with agg"},
	{"stream=", 400, "bad_parameter", "stream", "or *"},
	{"fields=", 400, "bad_parameter", "fields", "names of fields"},
	{"system=yes", 400, "bad_parameter", "system", "true or false"},
	{"from=yesterday", 400, "bad_parameter", `from="yesterday"`, "RFC 3339"},
	{"from=1795255200", 400, "bad_parameter", "1795255200", "with its unit"},
	{"from=", 400, "bad_parameter", "from", "left away"},
	{"from=now&to=-1h", 400, "bad_parameter", "to", "a time after from, which is 2026-11-21T10:00:10Z"},
	{"from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:00Z", 400, "bad_parameter", "to", "after from"},
	{"agg=avg&step=1m", 400, "bad_parameter", "from", "with step it is required"},
	{"agg=avg&step=1d&from=-1h", 400, "bad_parameter", "step", "P1D"},
	{"agg=avg&step=0s&from=-1h", 400, "bad_parameter", "step", "P1D"},
	{"step=1m&from=-1h", 400, "bad_parameter", "step", "together with agg"},
	{"fill=null", 400, "bad_parameter", "fill", "together with agg"},
	{"agg=avg&fill=zero", 400, "bad_parameter", "fill", "none, null"},
	{"agg=avg&tz=Mars", 400, "bad_parameter", "tz", "Europe/Paris"},
	{"agg=avg&limit=5", 400, "bad_parameter", "limit", "no pages"},
	{"agg=avg&cursor=x", 400, "bad_parameter", "cursor", "no pages"},
	{"agg=avg&from=-P500Y", 400, "bad_parameter", "-P500Y", "RFC 3339"},
	{"limit=0", 400, "bad_parameter", "limit", "above 0"},
	{"limit=51", 400, "bad_parameter", "limit", "from 1 to 50"},
	{"step=1m&step=2m", 400, "bad_parameter", "step", "given twice"},
	{"format=xml", 400, "bad_parameter", "format", "json, csv"},
	{"cursor=zzz", 400, "bad_cursor", "not one that an answer gave", "start again"},
	{"device=mill-07&cursor=FIRST", 400, "foreign_cursor", "other parameters", "repeat the parameters"},
	{"device=nobody&agg=avg", 404, "unknown_device", "nobody", "GET /v1/devices"},
	{"device=mill-07&stream=9&agg=avg", 404, "unknown_stream", "9", "lists its streams"},
	{"device=hall/3 <ü>&stream=main&fields=text,float&agg=count,avg", 400, "not_a_number", `field "text" of device "hall/3 <ü>"`,
		"count, first and last"},
	{"device=hall/3 <ü>&agg=avg", 404, "unknown_stream", `has no stream "0"`, "lists its streams"},
	{"device=hall/3 <ü>", 404, "unknown_stream", `has no stream "0"`, "lists its streams"},
	{"device=mill-07&agg=avg&require=complete", 409, "incomplete", "7 of 13 expected frames are stored", "gaps"},
	{"device=mill-07&require=complete", 409, "incomplete", "7 of 13 expected frames are stored", "gaps"},
	{"device=mill-07&agg=avg&consistency=strong", 400, "bad_parameter", "consistency", "linearizable"},
}

// TestSeriesRefusals asks wrongly in every way.
func TestSeriesRefusals(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{PageRows: 5, MaxPageRows: 50})
	first := srv.ok(t, "t1", "/v1/query", "device", "mill-07", "limit", "1", "fields", "rpm")
	for _, tt := range seriesRefusals {
		query := strings.ReplaceAll(tt.query, "FIRST", *first.Next)
		query = strings.ReplaceAll(query, "hall/3 <ü>", url.QueryEscape("hall/3 <ü>"))
		status, _, body := srv.do("t1", "/v1/query", query, "")
		a := decode(t, body)
		if status != tt.status || a.Error.Code != tt.code || !strings.Contains(a.Error.Message, tt.message) ||
			!strings.Contains(a.Error.Hint, tt.hint) || a.Error.Message == "" || a.Error.Hint == "" {
			t.Errorf("%s: %d %+v, want %d %s with %q and %q", query, status, a.Error, tt.status, tt.code, tt.message, tt.hint)
		}
	}
}
