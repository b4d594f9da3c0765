//go:build unix

// Steps of holders that have the newest token, and of those that do not.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Tokens are not given twice when the counter is lost or damaged.
func TestLostCounter(t *testing.T) {
	for _, loss := range []func(path string) error{
		os.Remove,
		func(path string) error { return os.WriteFile(path, []byte("12x\n"), 0o600) },
		func(path string) error { return os.Truncate(path, 0) },
	} {
		path := filepath.Join(t.TempDir(), "lock")
		k := keep(t, path, "")
		first := k.token(t)
		k.beat.Close()
		k.end(t)
		if err := loss(path + ".fence"); err != nil {
			t.Fatal(err)
		}
		expect(t, "grows", true, keep(t, path, "").token(t) > first)
	}
}

// The newest token may act, also when nobody holds the lock any more; an older
// one and one that was never given may not.
func TestFence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	k := keep(t, path, "")
	first := k.token(t)
	code, stdout, _ := fence(t, path, first, "echo", "--token", "done")
	expect(t, "exit code", 0, code)
	expect(t, "stdout", "--token done\n", stdout)
	k.beat.Close()
	k.end(t)
	code, _, _ = fence(t, path, first)
	expect(t, "exit code after the end", 0, code)
	second := keep(t, path, "").token(t)
	for _, token := range []int64{first, second + 1} {
		code, stdout, stderr := fence(t, path, token, "echo", "done")
		expect(t, "exit code", 76, code)
		expect(t, "stdout", "", stdout)
		expectContains(t, fmt.Sprintf("token %d is not the newest, which is %d", token, second), stderr)
	}
	code, _, _ = fence(t, path, second, "sh", "-c", "exit 42")
	expect(t, "the command's exit code", 42, code)
	code, _, _ = fence(t, path, second, "shipways-no-such-command")
	expect(t, "not found", 127, code)
}

// A paused holder that wakes after its lock was taken cannot act any more.
func TestFenceOfPausedHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	paused := keep(t, path, "--ttl 200ms")
	token := paused.token(t)
	next := keep(t, path, "--wait 5s")
	next.token(t)
	code, _, _ := fence(t, path, token, "true")
	expect(t, "exit code", 76, code)
	expect(t, "exit code of the lock", 1, paused.end(t))
}

// Nobody gets a newer token while a step runs, not even when the holder and
// tender's own process are dead: the step itself holds the fence.
func TestFenceHoldsBackTheNext(t *testing.T) {
	folder := t.TempDir()
	path, begun, finish := filepath.Join(folder, "lock"), filepath.Join(folder, "begun"), filepath.Join(folder, "finish")
	k := keep(t, path, "")
	token := k.token(t)
	step := newProcess(t, "fence", "--file", path, "--token", strconv.FormatInt(token, 10), "--",
		"sh", "-c", `echo > "$0"; until [ -e "$1" ]; do sleep 0.02; done`, begun, finish)
	step.begin(t)
	eventually(t, "the step runs", func() bool { _, err := os.Stat(begun); return err == nil })
	_ = k.Process.Kill()
	k.end(t)
	next := keep(t, path, "--wait 5s")
	select {
	case <-next.answer:
		t.Error("a newer token was given during a step")
	case <-time.After(300 * time.Millisecond):
	}
	if err := os.WriteFile(finish, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, "grows", true, next.token(t) > token)
	expect(t, "exit code", 0, step.end(t))
}

// A step that does not end makes the lock busy, with its reason.
func TestFenceThatDoesNotEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	k := keep(t, path, "")
	token := k.token(t)
	step := newProcess(t, "fence", "--file", path, "--token", strconv.FormatInt(token, 10), "--", "sleep", "30")
	step.begin(t)
	eventually(t, "the step runs", func() bool {
		file, err := lockFile(path+".fence", syscall.LOCK_EX, time.Now())
		if err == nil {
			file.Close()
		}
		return err != nil
	})
	_ = k.Process.Kill()
	k.end(t)
	code, stdout, stderr := execute(t, "lock", "--file", path, "--holder", "next")
	expect(t, "exit code", 75, code)
	expectContains(t, `"holder":"release 7"`, stdout)
	expectContains(t, "busy with a step of the one before: release 7", stderr)
}
