//go:build unix

// The proxy as a real process, connection by connection.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// proxied is a proxy under test.
type proxied struct {
	*process
	control, state, address string
}

// newProxy is not begun. Its drain is short, so that a failing test ends.
func newProxy(t *testing.T, flags string) *proxied {
	t.Helper()
	folder := filepath.Dir(socketPath(t))
	p := &proxied{control: filepath.Join(folder, "control"), state: filepath.Join(folder, "state")}
	args := []string{"proxy", "--control", p.control, "--state", p.state, "--drain", "300ms"}
	p.process = newProcess(t, append(args, strings.Fields(flags)...)...)
	return p
}

func (p *proxied) up(t *testing.T) *proxied {
	t.Helper()
	p.begin(t)
	eventually(t, "the proxy answers", func() bool {
		_, err := askOnce(p.control, order{Do: "status"}, time.Second)
		return err == nil
	})
	p.address = p.status(t).Listen[0]
	return p
}

func startProxy(t *testing.T, flags string) *proxied {
	t.Helper()
	return newProxy(t, "--listen 127.0.0.1:0 "+flags).up(t)
}

func (p *proxied) status(t *testing.T) (told status) {
	t.Helper()
	p.told(t, &told, "status")
	return told
}

// told gives an order that has to succeed, on the command line.
func (p *proxied) told(t *testing.T, answer any, name string, args ...string) {
	t.Helper()
	code, stdout, stderr := p.order(t, name, args...)
	if code != 0 {
		t.Fatalf("%s: exit code %d: %s", name, code, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), answer); err != nil {
		t.Fatal(err)
	}
}

func (p *proxied) order(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return execute(t, append([]string{"proxy", name, "--control", p.control}, args...)...)
}

func (p *proxied) turn(t *testing.T, to string, args ...string) (answer turned) {
	t.Helper()
	p.told(t, &answer, "switch", append([]string{"--to", to}, args...)...)
	return answer
}

// echo is a backend that answers each line with its name and the line, and the
// end of the stream with a last word.
func echo(t *testing.T, name string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go echoEach(listener, name)
	return listener.Addr().String()
}

func echoEach(listener net.Listener, name string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buffer := make([]byte, 1024)
			for {
				size, err := conn.Read(buffer)
				if err != nil {
					fmt.Fprintf(conn, "%s: bye", name)
					return
				}
				fmt.Fprintf(conn, "%s: %s", name, buffer[:size])
			}
		}()
	}
}

// client is one connection of a test.
type client struct {
	*net.TCPConn
	t *testing.T
}

func dial(t *testing.T, address string) client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return client{conn.(*net.TCPConn), t}
}

func (c client) say(line string) (answer string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line); err != nil {
		return err.Error()
	}
	buffer := make([]byte, 1024)
	size, err := c.Read(buffer)
	if err != nil {
		return err.Error()
	}
	return string(buffer[:size])
}

// The end of one direction is passed on, and the other one goes on.
func TestProxyPassesHalfClose(t *testing.T) {
	p := startProxy(t, "--to "+echo(t, "a"))
	c := dial(t, p.address)
	expect(t, "answer", "a: hello", c.say("hello"))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(c)
	expect(t, "error", nil, err)
	expect(t, "rest", "a: bye", string(rest))
}

// A connection stays with its backend; one that comes after the switch has the
// new one, and the switch is answered when the old ones have ended.
func TestProxySwitch(t *testing.T) {
	a, b := echo(t, "a"), echo(t, "b")
	p := startProxy(t, "--to "+a)
	old := dial(t, p.address)
	expect(t, "before", "a: 1", old.say("1"))
	answered := make(chan turned, 1)
	go func() {
		defer close(answered)
		answered <- p.turn(t, b)
	}()
	eventually(t, "the turn", func() bool { return p.status(t).Backend == b })
	expect(t, "old connection", "a: 2", old.say("2"))
	expect(t, "new connection", "b: 3", dial(t, p.address).say("3"))
	expect(t, "draining", draining{Backend: a, Active: 1}, p.status(t).Draining[0])
	select {
	case <-answered:
		t.Error("answered before the old connection ended")
	case <-time.After(50 * time.Millisecond):
	}
	old.Close()
	answer := <-answered
	expect(t, "backend", b, answer.Backend)
	expect(t, "previous", a, answer.Previous)
	expect(t, "drained", 1, answer.Drained)
	expect(t, "cut", 0, answer.Cut)
}

// What does not end in the time of the drain is cut, and counted.
func TestProxyCutsAfterDrain(t *testing.T) {
	b := echo(t, "b")
	p := startProxy(t, "--to "+echo(t, "a"))
	old := dial(t, p.address)
	old.say("1")
	answer := p.turn(t, b, "--drain", "100ms")
	expect(t, "cut", 1, answer.Cut)
	expect(t, "drained", 0, answer.Drained)
	expect(t, "in time", true, answer.Seconds >= 0.1 && answer.Seconds < 2)
	expect(t, "old connection", "EOF", old.say("2"))
}

// Who does not wait is answered at once, and who asks again is told the end.
func TestProxySwitchWithoutWaiting(t *testing.T) {
	b := echo(t, "b")
	p := startProxy(t, "--to "+echo(t, "a"))
	old := dial(t, p.address)
	old.say("1")
	expect(t, "cut", 0, p.turn(t, b, "--drain", "300ms", "--no-wait").Cut)
	expect(t, "old connection", "a: 2", old.say("2"))
	again := p.turn(t, b)
	expect(t, "previous", b, again.Previous)
	expect(t, "cut", 1, again.Cut)
}

// A backend that does not answer is refused, and everything stays as it was.
func TestProxyRefusesDeadBackend(t *testing.T) {
	a := echo(t, "a")
	p := startProxy(t, "--to "+a)
	code, stdout, stderr := p.order(t, "switch", "--to", "127.0.0.1:1")
	expect(t, "exit code", 1, code)
	expect(t, "stdout", "", stdout)
	expectContains(t, "connection refused", stderr)
	expect(t, "backend", a, p.status(t).Backend)
	expect(t, "connection", "a: 1", dial(t, p.address).say("1"))
}

// While nobody listens at the backend a connection waits, and is answered when
// somebody does.
func TestProxyHolds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	p := startProxy(t, "--to "+address)
	c := dial(t, p.address)
	eventually(t, "it waits", func() bool { return p.status(t).Waiting == 1 })
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go echoEach(listener, "late")
	expect(t, "answer", "late: 1", c.say("1"))
}

// Waiting has an end.
func TestProxyHoldIsBounded(t *testing.T) {
	p := startProxy(t, "--to 127.0.0.1:1 --hold 100ms")
	began := time.Now()
	_, err := io.ReadAll(dial(t, p.address))
	expect(t, "error", nil, err)
	expect(t, "in time", true, time.Since(began) >= 100*time.Millisecond && time.Since(began) < 2*time.Second)
	expect(t, "failed", 1, p.status(t).Failed)
}

// A pause lets connections wait and the old ones end, and a switch ends it for
// those that wait, even when its drain has no time at all.
func TestProxyPause(t *testing.T) {
	a, b := echo(t, "a"), echo(t, "b")
	p := startProxy(t, "--to "+a)
	old := dial(t, p.address)
	old.say("1")
	var paused turned
	p.told(t, &paused, "pause", "--drain", "0s")
	expect(t, "backend", "", paused.Backend)
	expect(t, "cut", 1, paused.Cut)
	waiting := dial(t, p.address)
	eventually(t, "it waits", func() bool { return p.status(t).Waiting == 1 })
	resumed := p.turn(t, b, "--drain", "0s")
	expect(t, "cut", 0, resumed.Cut)
	expect(t, "answer", "b: 2", waiting.say("2"))
}
