//go:build unix

// Socket activation end to end: a real socket through tender to the child.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
)

func init() { acts["listener"] = serveHandedOverSocket }

// serveHandedOverSocket is the child: it answers one client on descriptor 3
// with what sd_listen_fds(3) would look at.
func serveHandedOverSocket() {
	listener, err := net.FileListener(os.NewFile(3, os.Getenv("LISTEN_FDNAMES")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	conn, err := listener.Accept()
	if err != nil {
		os.Exit(1)
	}
	mine := os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
	_, stale := os.LookupEnv("LISTEN_PIDFDID")
	fmt.Fprintf(conn, "mine=%t stale=%t fds=%s names=%s",
		mine, stale, os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"))
	conn.Close()
}

// activated starts tender through a shell that, like a service manager, sets
// LISTEN_PID to the pid that tender will have.
func activated(t *testing.T, command string, files ...*os.File) *process {
	t.Helper()
	p := newProcess(t)
	p.Args = []string{"sh", "-c", "LISTEN_PID=$$ exec '" + p.Path + "' run -- " + command}
	self := p.Path
	p.Path = "/bin/sh"
	p.ExtraFiles = files
	p.Env = append(p.Env, "SELF="+self, "LISTEN_PIDFDID=1", "LISTEN_FDNAMES=web")
	return p
}

func listening(t *testing.T) (address string, file *os.File) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err = listener.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return listener.Addr().String(), file
}

// The child gets the socket as descriptor 3 and LISTEN_PID as its own pid.
func TestSocketsAreHandedOver(t *testing.T) {
	address, file := listening(t)
	p := activated(t, "env "+actAs+"=listener \"$SELF\"", file)
	p.Env = append(p.Env, "LISTEN_FDS=1")
	p.begin(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "answer", "mine=true stale=false fds=1 names=web", string(answer))
	expect(t, "exit code", 0, p.end(t))
}

// A child that closes its socket makes clients be refused: tender keeps none.
func TestSocketsAreNotKept(t *testing.T) {
	address, file := listening(t)
	p := activated(t, `sh -c 'exec 3<&-; sleep 30'`, file)
	p.Env = append(p.Env, "LISTEN_FDS=1")
	p.begin(t)
	file.Close()
	eventually(t, "clients are refused", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// A start that fails after the fork has the same codes as one before it.
func TestSocketsAndFailedStart(t *testing.T) {
	_, file := listening(t)
	garbage := t.TempDir() + "/garbage"
	if err := os.WriteFile(garbage, []byte{0, 1, 2, 3}, 0o755); err != nil {
		t.Fatal(err)
	}
	p := activated(t, garbage, file)
	p.Env = append(p.Env, "LISTEN_FDS=1")
	p.begin(t)
	expect(t, "exit code", 126, p.end(t))
	expectContains(t, "execute "+garbage, p.stderr.String())
}

// A promise of sockets that are not there is an error, not a surprise later.
func TestSocketsThatAreNotOpen(t *testing.T) {
	for _, count := range []string{"2000000000", "-1", "many"} {
		_, file := listening(t)
		p := activated(t, "true", file)
		p.Env = append(p.Env, "LISTEN_FDS="+count)
		p.begin(t)
		expect(t, "exit code", 126, p.end(t))
		expectContains(t, "LISTEN_FDS=", p.stderr.String())
	}
}

// Variables that are meant for another process are left as they are.
func TestSocketsOfAnotherProcess(t *testing.T) {
	p := newProcess(t, "run", "--", "sh", "-c", "echo $LISTEN_PID $LISTEN_FDS")
	p.Env = append(p.Env, "LISTEN_PID=1", "LISTEN_FDS=1")
	p.begin(t)
	expect(t, "exit code", 0, p.end(t))
	expect(t, "stdout", "1 1\n", p.stdout.String())
}
