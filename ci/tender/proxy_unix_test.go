//go:build unix

// The proxy as a real process, connection by connection.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// The last switch is remembered over a death; --to is for the first start.
func TestProxyRemembers(t *testing.T) {
	a, b := echo(t, "a"), echo(t, "b")
	p := startProxy(t, "--to "+a)
	p.turn(t, b)
	_ = p.Process.Kill()
	p.end(t)
	second := newProxy(t, "--listen 127.0.0.1:0 --to "+a)
	second.Args = append(second.Args, "--state", p.state, "--control", p.control)
	second.control = p.control
	expect(t, "connection", "b: 1", dial(t, second.up(t).address).say("1"))
}

// A damaged state names no backend: the proxy starts, says so, and can be told.
func TestProxyWithDamagedState(t *testing.T) {
	for _, text := range []string{"", "{", `{"backend": "localhost:80"}`, `{"backend": "127.0.0.1:0"}`} {
		a := echo(t, "a")
		p := newProxy(t, "--listen 127.0.0.1:0")
		if err := os.WriteFile(p.state, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		p.up(t)
		expect(t, "backend", "", p.status(t).Backend)
		p.turn(t, a)
		expect(t, "connection", "a: 1", dial(t, p.address).say("1"))
		_ = p.Process.Signal(syscall.SIGTERM)
		p.end(t)
		expectContains(t, "is damaged", p.stderr.String())
	}
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

// The service manager's socket is used, and --listen is not needed.
func TestProxyOnHandedOverSocket(t *testing.T) {
	address, file := listening(t)
	p := newProxy(t, "--to "+echo(t, "a"))
	p.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, p.Path}, p.Args[1:]...)
	p.Path = "/bin/sh"
	p.ExtraFiles = []*os.File{file}
	p.Env = append(p.Env, "LISTEN_FDS=1")
	p.up(t)
	expect(t, "address", address, p.address)
	expect(t, "answer", "a: 1", dial(t, address).say("1"))
}

// READY is sent when the port is open; the status tells the backend.
func TestProxyIsReady(t *testing.T) {
	m := newManager(t, socketPath(t))
	a, b := echo(t, "a"), echo(t, "b")
	p := newProxy(t, "--listen 127.0.0.1:0 --to "+a)
	m.tell(p.process)
	p.up(t)
	expect(t, "message", "READY=1\nSTATUS=to "+a, m.next(5*time.Second))
	p.turn(t, b)
	expect(t, "message", "STATUS=to "+b, m.next(5*time.Second))
	_ = p.Process.Signal(syscall.SIGTERM)
	expect(t, "message", "STOPPING=1\nSTATUS=stopping", m.next(5*time.Second))
	expect(t, "exit code", 0, p.end(t))
}

// TERM closes the port, and lets what is under way end.
func TestProxyEndsOnTerm(t *testing.T) {
	p := newProxy(t, "--listen 127.0.0.1:0 --drain 5s --to "+echo(t, "a")).up(t)
	old := dial(t, p.address)
	old.say("1")
	_ = p.Process.Signal(syscall.SIGTERM)
	eventually(t, "new ones are refused", func() bool {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	expect(t, "old connection", "a: 2", old.say("2"))
	old.Close()
	expect(t, "exit code", 0, p.end(t))
	_, err := os.Stat(p.control)
	expect(t, "socket is gone", true, os.IsNotExist(err))
}

// Stop is answered at the end, with what was cut.
func TestProxyStop(t *testing.T) {
	p := startProxy(t, "--to "+echo(t, "a"))
	dial(t, p.address).say("1")
	var answer stopped
	p.told(t, &answer, "stop", "--drain", "50ms")
	expect(t, "cut", 1, answer.Cut)
	expect(t, "exit code", 0, p.end(t))
}

// Two on one control socket would each know half of the truth.
func TestProxyIsAlone(t *testing.T) {
	p := startProxy(t, "")
	second := newProxy(t, "--listen 127.0.0.1:0")
	second.Args = append(second.Args, "--control", p.control)
	second.begin(t)
	expect(t, "exit code", 1, second.end(t))
	expectContains(t, "another proxy answers here", second.stderr.String())
	expect(t, "the first answers", p.Process.Pid, p.status(t).PID)
}

// The control socket is its owner's.
func TestProxyControlIsPrivate(t *testing.T) {
	there, err := os.Stat(startProxy(t, "").control)
	expect(t, "error", nil, err)
	expect(t, "mode", 0o600, there.Mode().Perm())
}

// A command line that cannot be acted on exits 2 and says why.
func TestProxyUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, reason string }{
		{"", "--control is missing"},
		{"--control c", "--state is missing"},
		{"--control c --state s --to localhost:80", `"localhost:80" is not IP:PORT`},
		{"--control c --state s --trust-forwarded", "needs --http"},
		{"--control c --state s --hold -1s", "--hold"},
		{"--control c --state s --drain -1s", "--drain"},
		{"--control c --state s now", `unexpected argument "now"`},
		{"switch --control c", "is not IP:PORT"},
		{"switch --control c --to 127.0.0.1:0", "is not IP:PORT"},
		{"switch --to 127.0.0.1:80", "--control is missing"},
		{"pause --control c --to 127.0.0.1:80", "-to"},
		{"status --control c --drain 1s", "-drain"},
		{"stop --control c --drain -1s", "--drain"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, _, stderr := execute(t, append([]string{"proxy"}, strings.Fields(c.args)...)...)
			expect(t, "exit code", 2, code)
			expectContains(t, c.reason, strings.SplitN(stderr, "\n", 2)[0])
		})
	}
	code, _, stderr := execute(t, "proxy", "--control", "/tmp/c", "--state", filepath.Join(t.TempDir(), "s"))
	expect(t, "exit code", 1, code)
	expectContains(t, "no socket was handed over", stderr)
}
