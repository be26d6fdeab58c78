package raftfsm

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/hashicorp/raft"
)

func configurationOf(servers ...raft.ServerID) []byte {
	var c raft.Configuration
	for _, s := range servers {
		c.Servers = append(c.Servers, raft.Server{ID: s, Address: raft.ServerAddress(s + "@h:1")})
	}
	return raft.EncodeConfiguration(c)
}

func member(t *testing.T, node, server string) []byte {
	t.Helper()
	b, err := json.Marshal(Member{Node: node, Server: server, Raft: "h:1", Versions: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMembersFollowTheConfiguration: who leaves Raft's configuration is no member, and cannot become one by saying so.
func TestMembersFollowTheConfiguration(t *testing.T) {
	var m Members
	say := func(node, server string) error {
		_, err := m.Apply(1, 1, 0, KindMember, commandVersion, member(t, node, server))
		return err
	}
	nodes := func() (list []string) {
		for _, member := range m.All() {
			list = append(list, member.Server)
		}
		return list
	}
	if err := say("a", "a.1"); err != nil { // no configuration is known yet
		t.Fatal(err)
	}
	m.configure(configurationOf("c.1", "a.1", "b.1"))
	for _, server := range []string{"b.1", "c.1"} {
		if err := say(server[:1], server); err != nil {
			t.Fatal(err)
		}
	}
	m.configure(configurationOf("a.1", "b.1", "c.1", "c.2")) // c gets a new disk
	if err := say("c", "c.2"); err != nil {
		t.Fatal(err)
	}
	m.configure(configurationOf("a.1", "b.1", "c.2"))
	if want := []string{"a.1", "b.1", "c.2"}; !reflect.DeepEqual(nodes(), want) {
		t.Errorf("members %v, want %v", nodes(), want)
	}
	if err := say("c", "c.1"); err == nil {
		t.Error("a replaced disk registered again")
	}
	m.configure(configurationOf("a.1", "c.2"))
	if want := []string{"a.1", "c.2"}; !reflect.DeepEqual(nodes(), want) {
		t.Errorf("members %v, want %v", nodes(), want)
	}
	if err := say("b", "b.1"); err == nil {
		t.Error("a removed node registered again")
	}

	var written, again bytes.Buffer
	if err := m.Freeze()(&written); err != nil {
		t.Fatal(err)
	}
	var restored Members
	if err := restored.Restore(bytes.NewReader(written.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := restored.Freeze()(&again); err != nil || !bytes.Equal(written.Bytes(), again.Bytes()) {
		t.Errorf("restored %s, %v; want %s", again.Bytes(), err, written.Bytes())
	}
}

// TestFrozenMembersStay: what was frozen does not change with what comes after.
func TestFrozenMembersStay(t *testing.T) {
	var m Members
	m.configure(configurationOf("a.1", "b.1"))
	for _, server := range []string{"a.1", "b.1"} {
		if _, err := m.Apply(1, 1, 0, KindMember, commandVersion, member(t, server[:1], server)); err != nil {
			t.Fatal(err)
		}
	}
	var before, after bytes.Buffer
	write := m.Freeze()
	if err := write(&before); err != nil {
		t.Fatal(err)
	}
	m.configure(configurationOf("b.1", "c.1"))
	if _, err := m.Apply(2, 1, 0, KindMember, commandVersion, member(t, "c", "c.1")); err != nil {
		t.Fatal(err)
	}
	if err := write(&after); err != nil || !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Errorf("%s, %v; was %s", after.Bytes(), err, before.Bytes())
	}
}
