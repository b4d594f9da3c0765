// What only Linux can show: adopted orphans, PID 1 in its own namespace, and a
// terminal that is handed on.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// An orphan becomes tender's child, and is buried when it ends.
func TestOrphansAreAdoptedAndReaped(t *testing.T) {
	orphan := filepath.Join(t.TempDir(), "orphan")
	p := newProcess(t, "run", "--", "sh", "-c", `(sleep 0.5 & echo $! > '`+orphan+`'); exec sleep 30`)
	p.begin(t)
	eventually(t, "the orphan runs", func() bool { return readPid(orphan) > 0 })
	status := fmt.Sprintf("/proc/%d/status", readPid(orphan))
	eventually(t, "tender has adopted it", func() bool {
		text, _ := os.ReadFile(status)
		return strings.Contains(string(text), fmt.Sprintf("\nPPid:\t%d\n", p.Process.Pid))
	})
	eventually(t, "no zombie is left", func() bool {
		_, err := os.Stat(status)
		return os.IsNotExist(err)
	})
	expect(t, "tender still runs", nil, syscall.Kill(p.Process.Pid, 0))
}

// As PID 1 tender forwards TERM, which the kernel would not deliver to a
// process that does not ask for it, and reaps.
func TestAsPidOne(t *testing.T) {
	command, waitUp := script(t,
		`trap 'exit 9' TERM; for i in 1 2 3; do (sleep 0.01 &); done; sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l; MARK_UP; while :; do sleep 0.02; done`)
	command[2] = "mount -t proc proc /proc; " + command[2]
	p := newProcess(t, append([]string{"run", "--"}, command...)...)
	p.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if err := p.Start(); err != nil {
		t.Skipf("no namespaces here: %v", err)
	}
	waitUp()
	_ = p.Process.Signal(syscall.SIGTERM)
	expect(t, "exit code", 9, p.end(t))
	expect(t, "zombies", "0\n", p.stdout.String())
}

// A child on a terminal can read from it: its group is put in the foreground.
func TestTerminalIsHandedOn(t *testing.T) {
	host, guest := openTerminal(t)
	p := newProcess(t, "run", "--", "sh", "-c", "read line; echo got $line >&2")
	p.Stdin = guest
	p.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.begin(t)
	if _, err := host.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	expect(t, "exit code", 0, p.end(t))
	expect(t, "stderr", "got hello\n", p.stderr.String())
}

// readPid is 0 until the file holds a process id.
func readPid(path string) int {
	text, _ := os.ReadFile(path)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func openTerminal(t *testing.T) (host, guest *os.File) {
	t.Helper()
	host, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { host.Close() })
	var number, unlocked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlocked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, host.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	guest, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guest.Close() })
	return host, guest
}

// The limit of open files that the Go runtime raises for itself is the child's
// old one.
func TestChildKeepsFileLimit(t *testing.T) {
	p := newProcess(t)
	p.Args = []string{"sh", "-c", "ulimit -S -n 200; exec '" + p.Path + "' run -- sh -c 'ulimit -n'"}
	p.Path = "/bin/sh"
	p.begin(t)
	expect(t, "exit code", 0, p.end(t))
	expect(t, "limit", "200", strings.TrimSpace(p.stdout.String()))
}
