//go:build unix

// The proxy as a process: how it begins, what it remembers, how it ends.
package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

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

// upAt is started as by a service manager that holds the socket.
func (p *proxied) upAt(t *testing.T, file *os.File) *proxied {
	t.Helper()
	p.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, p.Path}, p.Args[1:]...)
	p.Path = "/bin/sh"
	p.ExtraFiles = []*os.File{file}
	p.Env = append(p.Env, "LISTEN_FDS=1")
	return p.up(t)
}

// The service manager's socket is used, and --listen is not needed.
func TestProxyOnHandedOverSocket(t *testing.T) {
	address, file := listening(t)
	p := newProxy(t, "--to "+echo(t, "a")).upAt(t, file)
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
