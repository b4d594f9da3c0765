// The harness: tests run tender as a real process, which is this test binary
// under another name.
package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const actAs = "TENDER_TEST_ACT_AS"

// acts are the programs that the test binary can be.
var acts = map[string]func(){"tender": main}

func TestMain(m *testing.M) {
	if act, known := acts[os.Getenv(actAs)]; known {
		act()
		return
	}
	os.Exit(m.Run())
}

// process is a tender under test with what it has printed.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func newProcess(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...)}
	p.Env = append(os.Environ(), actAs+"=tender")
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	// What a failing test leaves behind must not hold it up.
	p.WaitDelay = time.Second
	t.Cleanup(func() {
		if p.Process != nil && p.ProcessState == nil {
			// TERM ends the child too.
			_ = p.Process.Signal(syscall.SIGTERM)
			p.end(t)
		}
	})
	return p
}

func (p *process) begin(t *testing.T) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

// end waits, but not forever, and returns the exit code.
func (p *process) end(t *testing.T) int {
	t.Helper()
	timer := time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
	_ = p.Wait()
	if !timer.Stop() {
		t.Errorf("tender did not end; stderr: %s", &p.stderr)
	}
	return p.ProcessState.ExitCode()
}

func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := newProcess(t, args...)
	p.begin(t)
	code = p.end(t)
	return code, p.stdout.String(), p.stderr.String()
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func expect[T comparable](t *testing.T, what string, expected, actual T) {
	t.Helper()
	if expected != actual {
		t.Errorf("%s: expected %v, got %v", what, expected, actual)
	}
}

func expectContains(t *testing.T, expected, actual string) {
	t.Helper()
	if !strings.Contains(actual, expected) {
		t.Errorf("expected %q in %q", expected, actual)
	}
}

// Version and help are results: standard output, exit 0.
func TestVersionAndHelp(t *testing.T) {
	code, stdout, _ := execute(t, "--version")
	expect(t, "exit code", 0, code)
	expect(t, "version", "tender "+version+"\n", stdout)
	for _, args := range [][]string{{"--help"}, {"probe", "--help"}, {"run", "-h"}} {
		code, stdout, stderr := execute(t, args...)
		expect(t, "exit code", 0, code)
		expectContains(t, "usage: tender", stdout)
		expect(t, "stderr", "", stderr)
	}
}

// A command line that cannot be acted on exits 2, says why, and shows the usage.
func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args   string
		reason string
	}{
		{"", "a verb is missing"},
		{"serve", `unknown verb "serve"`},
		{"probe", "a URL is missing"},
		{"probe localhost:80", "not an http or https URL"},
		{"probe http://a http://b", `unexpected argument "http://b"`},
		{"probe http://a --status ok", "status"},
		{"probe http://a --status 42", "not an HTTP status"},
		{"probe http://a --json status", "expected KEY=VALUE"},
		{"probe http://a --timeout 0s", "longer than zero"},
		{"probe http://a --colour", "-colour"},
		{"run", "a command is missing"},
		{"run --health http://a --", "a command is missing"},
		{"run --retries 2 -- true", "need --health"},
		{"run --health ftp://a -- true", "not an http or https URL"},
		{"run --health http://a --retries 0 -- true", "--retries"},
		{"run --health http://a --interval 0s -- true", "--interval"},
		{"run --health http://a --start-period -1s -- true", "--start-period"},
		{"run --health http://a --stop-timeout -1s -- true", "--stop-timeout"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			expect(t, "exit code", 2, code)
			expect(t, "stdout", "", stdout)
			lines := strings.Split(stderr, "\n")
			expectContains(t, c.reason, lines[0])
			expect(t, "shows the usage", true, slices.ContainsFunc(lines, func(line string) bool {
				return strings.HasPrefix(line, "usage: tender")
			}))
		})
	}
}
