//go:build unix

// run with real children: exit codes, signals, and giving up on the unhealthy.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// service is a health page that a test turns on and off.
type service struct {
	url     string
	healthy atomic.Bool
	asked   atomic.Int32
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !s.healthy.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		s.asked.Add(1)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// watched is a run whose times fit a test.
func watched(t *testing.T, s *service, flags string, command ...string) *process {
	t.Helper()
	args := append([]string{"run", "--health", s.url, "--interval", "20ms"}, strings.Fields(flags)...)
	return newProcess(t, append(append(args, "--"), command...)...)
}

// script is a shell child that says "up" in a file when its traps are set.
func script(t *testing.T, text string) (command []string, waitUp func()) {
	t.Helper()
	up := filepath.Join(t.TempDir(), "up")
	command = []string{"sh", "-c", strings.ReplaceAll(text, "MARK_UP", "echo > '"+up+"'")}
	return command, func() {
		t.Helper()
		eventually(t, "the child is up", func() bool { _, err := os.Stat(up); return err == nil })
	}
}

// The code of run is the child's, or the shell's custom for signals and failed starts.
func TestRunExitCodes(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte{0, 1, 2, 3}, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		expected int
		command  []string
	}{
		{"success", 0, []string{"true"}},
		{"own code", 42, []string{"sh", "-c", "exit 42"}},
		{"killed", 128 + 9, []string{"sh", "-c", "kill -KILL $$"}},
		{"not on PATH", 127, []string{"shipways-no-such-command"}},
		{"no such path", 127, []string{"/no/such/command"}},
		{"not executable", 126, []string{plain}},
		{"a directory", 126, []string{filepath.Dir(plain)}},
		{"not a program", 126, []string{garbage}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := execute(t, append([]string{"run", "--"}, c.command...)...)
			expect(t, "exit code", c.expected, code)
			expect(t, "says why", c.expected == 126 || c.expected == 127, stderr != "")
		})
	}
}

// The double dash is optional, and the child's own flags stay its own.
func TestRunCommandWithoutDash(t *testing.T) {
	code, stdout, _ := execute(t, "run", "echo", "--health", "x")
	expect(t, "exit code", 0, code)
	expect(t, "stdout", "--health x\n", stdout)
}

// Every signal that a service manager sends arrives, and the child decides.
func TestRunForwardsSignals(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGTERM: "TERM", syscall.SIGINT: "INT", syscall.SIGHUP: "HUP", syscall.SIGQUIT: "QUIT",
		syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2", syscall.SIGWINCH: "WINCH",
	} {
		t.Run(name, func(t *testing.T) {
			command, waitUp := script(t, fmt.Sprintf(`trap 'echo got %s; exit 7' %s; MARK_UP; while :; do sleep 0.02; done`, name, name))
			p := newProcess(t, append([]string{"run", "--"}, command...)...)
			p.begin(t)
			waitUp()
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			expect(t, "exit code", 7, p.end(t))
			expect(t, "stdout", "got "+name+"\n", p.stdout.String())
		})
	}
}

// TERM reaches the program behind a wrapper script that does not pass it on.
func TestRunStopsWholeGroup(t *testing.T) {
	command, waitUp := script(t, `sh -c 'trap "echo inner; exit 0" TERM; MARK_UP; while :; do sleep 0.02; done'; exit 5`)
	command[2] = "trap : TERM; " + command[2]
	p := newProcess(t, append([]string{"run", "--"}, command...)...)
	p.begin(t)
	waitUp()
	_ = p.Process.Signal(syscall.SIGTERM)
	expect(t, "exit code", 5, p.end(t))
	expect(t, "stdout", "inner\n", p.stdout.String())
}

// HUP asks the main process to reload and does not kill its helpers.
func TestRunSendsReloadToMainProcessOnly(t *testing.T) {
	command, waitUp := script(t, `trap 'echo reload' HUP; sh -c 'MARK_UP; sleep 0.5; exit 3' & wait; wait $!; exit $?`)
	p := newProcess(t, append([]string{"run", "--"}, command...)...)
	p.begin(t)
	waitUp()
	_ = p.Process.Signal(syscall.SIGHUP)
	expect(t, "exit code", 3, p.end(t))
	expect(t, "stdout", "reload\n", p.stdout.String())
}

// A signal that was ignored from the start (nohup) stays ignored.
func TestRunKeepsIgnoredSignal(t *testing.T) {
	command, waitUp := script(t, `MARK_UP; sleep 0.2; exit 4`)
	p := newProcess(t)
	p.Args = append([]string{"sh", "-c", `trap '' HUP; exec "$0" run -- "$@"`, p.Path}, command...)
	p.Path = "/bin/sh"
	p.begin(t)
	waitUp()
	_ = p.Process.Signal(syscall.SIGHUP)
	expect(t, "exit code", 4, p.end(t))
}

// A reader of the messages that goes away does not end the init.
func TestRunSurvivesClosedStderr(t *testing.T) {
	s := newService(t)
	p := watched(t, s, "--start-period 0s --retries 1000", "sh", "-c", "exec 2>/dev/null; trap 'exit 8' TERM; while :; do sleep 0.02; done")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Cmd.Stderr = writer
	p.begin(t)
	writer.Close()
	reader.Close()
	eventually(t, "several complaints", func() bool { return s.asked.Load() > 3 })
	_ = p.Process.Signal(syscall.SIGTERM)
	expect(t, "exit code", 8, p.end(t))
}

// After the first healthy answer, so many failures in a row end the child with
// the reason and exit code 1, whatever code the child itself ends with.
func TestRunGivesUpOnUnhealthy(t *testing.T) {
	s := newService(t)
	s.healthy.Store(true)
	command, waitUp := script(t, `trap 'echo asked to end; exit 0' TERM; MARK_UP; while :; do sleep 0.02; done`)
	p := watched(t, s, "--retries 3", command...)
	p.begin(t)
	waitUp()
	eventually(t, "a healthy answer", func() bool { return s.asked.Load() > 1 })
	s.healthy.Store(false)
	expect(t, "exit code", 1, p.end(t))
	expect(t, "stdout", "asked to end\n", p.stdout.String())
	for _, line := range []string{
		"unhealthy (1 of 3): status 503, expected 200\n",
		"unhealthy (2 of 3): status 503, expected 200\n",
		"unhealthy (3 of 3): status 503, expected 200; stopping\n",
	} {
		expectContains(t, line, p.stderr.String())
	}
}

// A child that was never healthy is given up after the start period, not before.
func TestRunGivesUpAfterStartPeriod(t *testing.T) {
	s := newService(t)
	p := watched(t, s, "--start-period 300ms --retries 2", "sleep", "30")
	began := time.Now()
	p.begin(t)
	expect(t, "exit code", 1, p.end(t))
	expect(t, "not before the start period", true, time.Since(began) >= 300*time.Millisecond)
	expect(t, "more failures than retries", true, s.asked.Load() > 2)
}

// inherited lets the child and its helpers hold a pipe; the result waits until
// the last of them is gone.
func inherited(t *testing.T, p *process) (waitGone func()) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	p.Cmd.Stdout = writer
	return func() {
		t.Helper()
		writer.Close()
		_ = reader.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := io.ReadAll(reader); err != nil {
			t.Errorf("a process was left behind: %v", err)
		}
	}
}

// An unhealthy child that ignores TERM is killed after the stop timeout, and so
// is its helper process.
func TestRunKillsWhatDoesNotStop(t *testing.T) {
	s := newService(t)
	p := watched(t, s, "--start-period 0s --retries 1 --stop-timeout 200ms",
		"sh", "-c", `trap "" TERM; sleep 30 & while :; do sleep 0.02; done`)
	waitGone := inherited(t, p)
	began := time.Now()
	p.begin(t)
	expect(t, "exit code", 1, p.end(t))
	expect(t, "waited", true, time.Since(began) >= 200*time.Millisecond)
	expectContains(t, "not ended within 200ms; killing it", p.stderr.String())
	waitGone()
}

// What an unhealthy child leaves when it ends on TERM is killed as well, so
// that its port is free for the next start.
func TestRunKillsWhatIsLeft(t *testing.T) {
	s := newService(t)
	p := watched(t, s, "--start-period 200ms --retries 1", "sh", "-c",
		`sh -c 'trap "" TERM; sleep 30' & trap 'exit 0' TERM; while :; do sleep 0.02; done`)
	waitGone := inherited(t, p)
	p.begin(t)
	expect(t, "exit code", 1, p.end(t))
	waitGone()
}

// After a signal that asks it to end, a program may refuse to answer, and takes
// the time that whoever stops it gives.
func TestRunDoesNotJudgeWhatEnds(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGTERM: "TERM", syscall.SIGINT: "INT", syscall.SIGQUIT: "QUIT",
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			s.healthy.Store(true)
			command, waitUp := script(t, fmt.Sprintf(`trap 'sleep 0.2; exit 3' %s; MARK_UP; while :; do sleep 0.02; done`, name))
			p := watched(t, s, "--retries 2 --stop-timeout 1ms", command...)
			p.begin(t)
			waitUp()
			eventually(t, "a healthy answer", func() bool { return s.asked.Load() > 1 })
			_ = p.Process.Signal(sig)
			s.healthy.Store(false)
			expect(t, "exit code", 3, p.end(t))
		})
	}
}

// A child that ends by itself decides the code, healthy or not.
func TestRunChildEndsByItself(t *testing.T) {
	s := newService(t)
	p := watched(t, s, "", "sh", "-c", "exit 6")
	p.begin(t)
	expect(t, "exit code", 6, p.end(t))
}
