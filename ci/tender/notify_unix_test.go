//go:build unix

// The service manager's side on a real datagram socket.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is a listening NOTIFY_SOCKET.
type manager struct {
	address string
	conn    *net.UnixConn
}

func newManager(t *testing.T, address string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{address: address, conn: conn}
}

// socketPath is short: the address of a Unix socket has about 100 bytes.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tender")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "notify")
}

// next is the next message, empty when there is none within the time.
func (m *manager) next(within time.Duration) string {
	buffer := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(within))
	size, err := m.conn.Read(buffer)
	if err != nil {
		return ""
	}
	return string(buffer[:size])
}

// until reads up to a message with the text and returns all that came before.
func (m *manager) until(t *testing.T, text string) (before []string) {
	t.Helper()
	for {
		message := m.next(5 * time.Second)
		if message == "" {
			t.Fatalf("no message with %q after %q", text, before)
		}
		if strings.Contains(message, text) {
			return before
		}
		before = append(before, message)
	}
}

func (m *manager) tell(p *process, more ...string) *process {
	p.Env = append(append(p.Env, "NOTIFY_SOCKET="+m.address), more...)
	return p
}

// READY is sent after the first healthy answer and not before, once.
func TestReadyOnlyAfterFirstHealthyAnswer(t *testing.T) {
	m := newManager(t, socketPath(t))
	s := newService(t)
	m.tell(watched(t, s, "", "sleep", "30")).begin(t)
	eventually(t, "unhealthy answers", func() bool { return s.asked.Load() > 3 })
	s.healthy.Store(true)
	before := m.until(t, "READY=1\nSTATUS=healthy")
	expect(t, "first message", "STATUS=starting", before[0])
	expectContains(t, "STATUS=not healthy yet: status 503", before[1])
	expect(t, "a second READY", "", m.next(200*time.Millisecond))
}

// Without a health URL a started program is a ready one; TERM says STOPPING.
func TestReadyWithoutHealthAndStopping(t *testing.T) {
	m := newManager(t, socketPath(t))
	p := m.tell(newProcess(t, "run", "--", "sleep", "30"))
	p.begin(t)
	expect(t, "message", "READY=1\nSTATUS=running", m.next(5*time.Second))
	_ = p.Process.Signal(syscall.SIGTERM)
	expect(t, "message", "STOPPING=1\nSTATUS=stopping", m.next(5*time.Second))
	expect(t, "exit code", 128+15, p.end(t))
}

// A program that cannot be started is never ready.
func TestNotReadyWithoutProgram(t *testing.T) {
	m := newManager(t, socketPath(t))
	p := m.tell(newProcess(t, "run", "--", "shipways-no-such-command"))
	p.begin(t)
	expect(t, "exit code", 127, p.end(t))
	expect(t, "message", "", m.next(50*time.Millisecond))
}

// The heartbeat comes while healthy and stops while not.
func TestWatchdogOnlyWhileHealthy(t *testing.T) {
	m := newManager(t, socketPath(t))
	s := newService(t)
	s.healthy.Store(true)
	m.tell(watched(t, s, "--retries 1000", "sleep", "30"), "WATCHDOG_USEC=60000").begin(t)
	before := m.until(t, "READY=1")
	for _, message := range before {
		expect(t, "heartbeat before READY", false, strings.Contains(message, "WATCHDOG"))
	}
	m.until(t, "WATCHDOG=1")
	m.until(t, "WATCHDOG=1")
	s.healthy.Store(false)
	m.until(t, "STATUS=unhealthy (1 of 1000)")
	for _, message := range m.until(t, "STATUS=unhealthy (9 of 1000)") {
		expect(t, "heartbeat while unhealthy", false, strings.Contains(message, "WATCHDOG"))
	}
}

// A recovery is told to the watchdog at once, which may have missed beats.
func TestWatchdogComesBackAtOnce(t *testing.T) {
	m := newManager(t, socketPath(t))
	s := newService(t)
	s.healthy.Store(true)
	m.tell(watched(t, s, "--retries 1000", "sleep", "30"), "WATCHDOG_USEC=60000000").begin(t)
	m.until(t, "READY=1")
	s.healthy.Store(false)
	m.until(t, "STATUS=unhealthy (1 of 1000)")
	s.healthy.Store(true)
	m.until(t, "STATUS=healthy")
	expect(t, "message", "WATCHDOG=1", m.next(5*time.Second))
}

// Giving up is announced with its reason.
func TestGivingUpIsAnnounced(t *testing.T) {
	m := newManager(t, socketPath(t))
	s := newService(t)
	p := m.tell(watched(t, s, "--start-period 0s --retries 1", "sleep", "30"))
	p.begin(t)
	m.until(t, "STOPPING=1\nSTATUS=unhealthy (1 of 1): status 503, expected 200; stopping")
	expect(t, "exit code", 1, p.end(t))
}

// The watchdog is tender's when WATCHDOG_PID is absent or its own pid.
func TestWatchdogTime(t *testing.T) {
	for _, c := range []struct {
		microseconds, owner string
		expected            time.Duration
	}{
		{"", "", 0},
		{"3000000", "", 3 * time.Second},
		{"3000000", "77", 3 * time.Second},
		{"3000000", "78", 0},
		{"0", "77", 0},
		{"-5", "77", 0},
		{"soon", "77", 0},
		{"18446744073709551615", "77", 0},
	} {
		t.Run(fmt.Sprintf("%s for %s", c.microseconds, c.owner), func(t *testing.T) {
			expect(t, "time", c.expected, watchdogTime(c.microseconds, c.owner, 77))
		})
	}
}

// The child does not see the socket and the watchdog: tender speaks for it.
func TestChildDoesNotSeeManager(t *testing.T) {
	m := newManager(t, socketPath(t))
	p := m.tell(newProcess(t, "run", "--", "env"), "WATCHDOG_USEC=60000", "WATCHDOG_PID=1", "STAYS=here")
	p.begin(t)
	expect(t, "exit code", 0, p.end(t))
	expectContains(t, "STAYS=here\n", p.stdout.String())
	for _, name := range []string{"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="} {
		expect(t, name, false, strings.Contains(p.stdout.String(), name))
	}
}

// A name with @ is an abstract socket of Linux.
func TestAbstractSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract sockets are Linux's")
	}
	m := newManager(t, fmt.Sprintf("@shipways-tender-test-%d", os.Getpid()))
	m.tell(newProcess(t, "run", "--", "sleep", "30")).begin(t)
	expect(t, "message", "READY=1\nSTATUS=running", m.next(5*time.Second))
}

// A manager that went away is reported and does not stop the program.
func TestManagerGoneIsNotFatal(t *testing.T) {
	p := newProcess(t, "run", "--", "true")
	p.Env = append(p.Env, "NOTIFY_SOCKET="+socketPath(t))
	p.begin(t)
	expect(t, "exit code", 0, p.end(t))
	expectContains(t, "cannot notify", p.stderr.String())
}
