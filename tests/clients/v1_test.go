package clients

import (
	"strings"
	"testing"
	"time"

	client "github.com/influxdata/influxdb1-client/v2"

	"github.com/gaplessdb/gapless/tests/clients/node"
)

// point1 is a point for the library of version 1: the device and one field as tags. It has no unsigned type.
func point1(t *testing.T, p node.Point) *client.Point {
	t.Helper()
	tags, fields := map[string]string{"device": p.Device}, map[string]any{}
	for name, v := range p.Fields {
		switch v := v.(type) {
		case string:
			if name == "hall" {
				tags[name] = v
				continue
			}
		case uint64:
			delete(p.Fields, name)
			continue
		}
		fields[name] = v
	}
	if p.Numbered {
		fields["seq"], fields["epoch"] = int64(p.Seq), p.Epoch
	}
	out, err := client.NewPoint(p.Stream, tags, fields, p.Time)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVersion1(t *testing.T) {
	n := node.Start(t)
	for _, encoding := range []client.ContentEncoding{client.DefaultEncoding, client.GzipEncoding} {
		writer, err := client.NewHTTPClient(client.HTTPConfig{Addr: n.URL, Username: "telegraf", Password: n.Token, WriteEncoding: encoding})
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		if _, version, err := writer.Ping(time.Second); err != nil || !strings.HasPrefix(version, "1.8.10+gapless") {
			t.Errorf("ping: %q, %v", version, err)
		}
		answer, err := writer.Query(client.NewQuery("CREATE DATABASE plant", "", ""))
		if err != nil || answer.Error() != nil || len(answer.Results) != 1 {
			t.Errorf("create database: %+v, %v", answer, err)
		}
		batch, err := client.NewBatchPoints(client.BatchPointsConfig{Database: "plant", RetentionPolicy: "autogen", Precision: "ms", WriteConsistency: "any"})
		if err != nil {
			t.Fatal(err)
		}
		all := node.Point{Device: "mill, 8=x" + string(encoding), Stream: "all kinds, of=values", Time: start, Fields: values()}
		list := append(points("mill-07"+string(encoding), 1, 50), all)
		for _, p := range list {
			batch.AddPoint(point1(t, p))
		}
		if err := writer.Write(batch); err != nil {
			t.Fatal(err)
		}
		n.Check(t, list)
	}
}

func TestVersion1Refusals(t *testing.T) {
	n := node.Start(t)
	for _, test := range []struct{ user, password, want string }{
		{"telegraf", "wrong", `{"error":"bad_token: `},
		{"", "", `{"error":"no_token: `},
		{"telegraf", n.Token, `{"error":"partial write: line 2: `},
	} {
		writer, err := client.NewHTTPClient(client.HTTPConfig{Addr: n.URL, Username: test.user, Password: test.password})
		if err != nil {
			t.Fatal(err)
		}
		batch, err := client.NewBatchPoints(client.BatchPointsConfig{Database: "plant"})
		if err != nil {
			t.Fatal(err)
		}
		batch.AddPoint(point1(t, points("a", 1, 1)[0]))
		reserved := points("a", 2, 1)[0]
		reserved.Stream = "_internal"
		batch.AddPoint(point1(t, reserved))
		if err := writer.Write(batch); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v", test.password, err)
		}
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
	}
	n.Check(t, points("a", 1, 1))
}
