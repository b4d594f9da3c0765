//go:build unix

// Holders as real processes that let go, fall silent, and die.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keeper is a process that holds, or waits for, a lock.
type keeper struct {
	*process
	beat   io.WriteCloser
	answer chan string
}

func keep(t *testing.T, path string, flags string) *keeper {
	t.Helper()
	args := append([]string{"lock", "--file", path, "--holder", "release 7"}, strings.Fields(flags)...)
	k := &keeper{process: newProcess(t, args...), answer: make(chan string, 1)}
	k.Cmd.Stdout = nil
	stdin, err := k.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := k.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	k.beat = stdin
	k.begin(t)
	go func() {
		defer close(k.answer)
		buffer := make([]byte, 1024)
		if size, _ := stdout.Read(buffer); size > 0 {
			k.answer <- string(buffer[:size])
		}
	}()
	return k
}

// token waits for the lock.
func (k *keeper) token(t *testing.T) int64 {
	t.Helper()
	var got granted
	select {
	case answer := <-k.answer:
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatalf("%q: %v; %s", answer, err, &k.stderr)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no token")
	}
	return got.Token
}

func fence(t *testing.T, path string, token int64, command ...string) (code int, stdout, stderr string) {
	t.Helper()
	args := []string{"fence", "--file", path, "--token", strconv.FormatInt(token, 10)}
	if len(command) > 0 {
		args = append(append(args, "--"), command...)
	}
	return execute(t, args...)
}

// The lock is free when standard input ends, and each holder's token is above
// the one before.
func TestLockEndsWithInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var last int64
	for range 3 {
		k := keep(t, path, "")
		token := k.token(t)
		expect(t, "grows", true, token > last)
		last = token
		k.beat.Close()
		expect(t, "exit code", 0, k.end(t))
	}
	text, err := os.ReadFile(path)
	expect(t, "error", nil, err)
	expect(t, "nobody is named", "", string(text))
}

// Who finds it taken is told by whom and since when, and has a code of its own.
func TestLockBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	k := keep(t, path, "")
	token := k.token(t)
	code, stdout, stderr := execute(t, "lock", "--file", path, "--holder", "another")
	expect(t, "exit code", 75, code)
	var there holder
	if err := json.Unmarshal([]byte(stdout), &there); err != nil {
		t.Fatal(err)
	}
	expect(t, "holder", "release 7", there.Holder)
	expect(t, "pid", k.Process.Pid, there.PID)
	expect(t, "token", token, there.Token)
	expect(t, "since", true, time.Since(there.Since) < time.Minute)
	expectContains(t, "busy: release 7, since ", stderr)
}

// The lock of a holder that was killed is free at once.
func TestLockOfDeadHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	dead := keep(t, path, "")
	first := dead.token(t)
	waiting := keep(t, path, "--wait 5s")
	time.Sleep(50 * time.Millisecond)
	_ = dead.Process.Kill()
	began := time.Now()
	expect(t, "grows", true, waiting.token(t) > first)
	expect(t, "at once", true, time.Since(began) < time.Second)
	dead.end(t)
}

// Waiting has an end.
func TestLockWaitIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	keep(t, path, "").token(t)
	began := time.Now()
	code, _, _ := execute(t, "lock", "--file", path, "--holder", "x", "--wait", "200ms")
	expect(t, "exit code", 75, code)
	expect(t, "waited", true, time.Since(began) >= 200*time.Millisecond && time.Since(began) < 2*time.Second)
}

// A holder that is silent for its time loses the lock; each byte begins it anew.
func TestLockOfSilentHolder(t *testing.T) {
	k := keep(t, filepath.Join(t.TempDir(), "lock"), "--ttl 300ms")
	k.token(t)
	began := time.Now()
	for range 4 {
		time.Sleep(150 * time.Millisecond)
		fmt.Fprintln(k.beat)
	}
	expect(t, "exit code", 1, k.end(t))
	expect(t, "lived by its heartbeat", true, time.Since(began) >= 800*time.Millisecond)
	expectContains(t, "the holder was silent for 300ms", k.stderr.String())
}

// TERM, and HUP of a lost terminal, let go.
func TestLockEndsOnSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		k := keep(t, filepath.Join(t.TempDir(), "lock"), "--ttl 0s")
		k.token(t)
		// The token is printed a moment before the signals are caught.
		time.Sleep(50 * time.Millisecond)
		_ = k.Process.Signal(sig)
		expect(t, "exit code", 0, k.end(t))
	}
}

// A file that was removed while it was locked is another lock: its token is
// newer all the same.
func TestLockFileRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first := keep(t, path, "").token(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect(t, "grows", true, keep(t, path, "").token(t) > first)
	code, _, _ := fence(t, path, first)
	expect(t, "the first is fenced", 76, code)
}

// What cannot be is no lock and no token.
func TestLockAndFenceErrors(t *testing.T) {
	for _, c := range []struct {
		args   string
		code   int
		reason string
	}{
		{"lock --holder x", 2, "--file is missing"},
		{"lock --file f", 2, "--holder is missing"},
		{"lock --file f --holder x --wait -1s", 2, "--wait"},
		{"lock --file f --holder x --ttl -1s", 2, "--ttl"},
		{"lock --file f --holder x y", 2, `unexpected argument "y"`},
		{"lock --file /dev/null/f --holder x", 1, "not a directory"},
		{"fence --token 1", 2, "--file is missing"},
		{"fence --file f", 2, "--token is missing"},
		{"fence --file f --token x", 2, "token"},
		{"fence --file /no/lock --token 1 -- true", 1, "no such file"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, stdout, stderr := execute(t, strings.Fields(c.args)...)
			expect(t, "exit code", c.code, code)
			expect(t, "stdout", "", stdout)
			expectContains(t, c.reason, strings.SplitN(stderr, "\n", 2)[0])
		})
	}
}

// Several locks are held together, by one token that is newer than all of
// theirs; or none is, and who is in the way of which is said.
func TestLockSeveral(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made")
	one, two, three := filepath.Join(folder, "one"), filepath.Join(folder, "two"), filepath.Join(folder, "three")
	for range 3 {
		k := keep(t, two, "")
		k.token(t)
		k.beat.Close()
		k.end(t)
	}
	both := keep(t, two, "--file "+one+" --file "+two)
	token := both.token(t)
	for _, path := range []string{one, two} {
		code, _, _ := execute(t, "lock", "--file", path, "--holder", "x")
		expect(t, "both are busy", 75, code)
		code, _, _ = fence(t, path, token)
		expect(t, "both know the token", 0, code)
	}
	code, stdout, stderr := execute(t, "lock", "--file", three, "--file", two, "--file", folder+"/another", "--holder", "x")
	expect(t, "exit code", 75, code)
	expectContains(t, `"holder":"release 7"`, stdout)
	expectContains(t, two+" is busy: release 7, since ", stderr)
	keep(t, three, "").token(t)
	both.beat.Close()
	both.end(t)
	next := keep(t, one, "--file "+two)
	expect(t, "grows", true, next.token(t) > token)
	for _, path := range []string{one, two} {
		code, _, _ := fence(t, path, token)
		expect(t, "fenced from both", 76, code)
	}
}
