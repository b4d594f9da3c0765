//go:build unix

// One tender takes the port over from another, with connections under way.
package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// upgrade lets another process take over, and sees to its end.
func (p *proxied) upgrade(t *testing.T, args ...string) (answer upgraded) {
	t.Helper()
	p.told(t, &answer, "upgrade", args...)
	t.Cleanup(func() { _, _ = ask(p.control, order{Do: "stop"}) })
	return answer
}

// The port stays open, the state is taken along, what is under way ends at its
// own pace, and then the old process is gone.
func TestUpgrade(t *testing.T) {
	a, b := echo(t, "a"), echo(t, "b")
	p := startProxy(t, "--to "+a)
	p.turn(t, b)
	old := dial(t, p.address)
	expect(t, "before", "b: 1", old.say("1"))
	answer := p.upgrade(t, "--drain", "5s")
	told := p.status(t)
	expect(t, "pid", answer.PID, told.PID)
	expect(t, "another process", true, answer.PID != p.Process.Pid)
	expect(t, "backend", b, told.Backend)
	expect(t, "predecessor", p.Process.Pid, told.Predecessor.PID)
	expect(t, "old connection", "b: 2", old.say("2"))
	expect(t, "new connection", "b: 3", dial(t, p.address).say("3"))
	old.Close()
	expect(t, "exit code", 0, p.end(t))
	expect(t, "no predecessor", true, p.status(t).Predecessor == nil)
	left, _ := filepath.Glob(p.control + ".*")
	expect(t, "sockets left", 0, len(left))
}

// A switch after an upgrade is the business of both: a connection that a client
// kept at the old process meets the new backend, and the drain is counted there
// too.
func TestUpgradeThenSwitch(t *testing.T) {
	b := page(t, named("b"))
	p := startProxy(t, "--http --to "+page(t, named("a")))
	c := caller{address: p.address}
	defer c.hangUp()
	_, text, _ := c.call(post, "")
	expect(t, "before", "a", text)
	p.upgrade(t, "--drain", "5s")
	p.turn(t, b)
	response, text, err := c.call(post, "")
	expect(t, "error", nil, err)
	expect(t, "after", "b", text)
	expect(t, "told to close", true, response.Close)
	expect(t, "exit code", 0, p.end(t))
}

// A websocket at the old process is drained by a switch of the new one.
func TestUpgradeThenCut(t *testing.T) {
	b := upgradable(t, "b")
	p := startProxy(t, "--http --to "+upgradable(t, "a"))
	old := openWebSocket(t, p.address)
	p.upgrade(t, "--drain", "5s")
	expect(t, "old connection", "a: 1\n", old.say("1\n"))
	expect(t, "cut", 1, p.turn(t, b, "--drain", "50ms").Cut)
	expect(t, "old connection", "EOF", old.say("2\n"))
	expect(t, "exit code", 0, p.end(t))
}

// The service manager is told which process is the main one now.
func TestUpgradeTellsManager(t *testing.T) {
	m := newManager(t, socketPath(t))
	p := newProxy(t, "--listen 127.0.0.1:0")
	m.tell(p.process)
	p.up(t)
	m.until(t, "READY=1")
	p.upgrade(t)
	m.until(t, "MAINPID=")
	m.until(t, "READY=1\nSTATUS=paused")
}

// A successor that does not come up changes nothing.
func TestUpgradeThatFails(t *testing.T) {
	p := startProxy(t, "--to "+echo(t, "a"))
	for program, reason := range map[string]string{
		"/bin/false":  "execute /bin/false: it ended with 1; this one goes on",
		"/no/program": "no such file",
		os.TempDir():  "permission denied",
	} {
		_, err := ask(p.control, order{Do: "upgrade", Program: program})
		if err == nil {
			t.Fatalf("%s has taken over", program)
		}
		expectContains(t, reason, err.Error())
		expect(t, "connection", "a: 1", dial(t, p.address).say("1"))
	}
	inTheWay := filepath.Join(p.control+".new", "there")
	if err := os.MkdirAll(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := p.order(t, "upgrade")
	expect(t, "exit code", 1, code)
	expectContains(t, "this one goes on", stderr)
	expect(t, "connection", "a: 1", dial(t, p.address).say("1"))
	if err := os.RemoveAll(p.control + ".new"); err != nil {
		t.Fatal(err)
	}
	_, err := askOnce(p.control, order{Do: "retire"}, 5*time.Second)
	expect(t, "nobody may retire it", true, err != nil)
	left, _ := filepath.Glob(p.control + ".*")
	expect(t, "sockets left", 0, len(left))
	p.upgrade(t)
	expect(t, "connection", "a: 1", dial(t, p.address).say("1"))
}
