//go:build unix

// The link as others see it while it is swapped.
package main

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func releasesFolder(t *testing.T) (folder, link string) {
	t.Helper()
	folder = t.TempDir()
	for _, name := range []string{"releases/1", "releases/2"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder, filepath.Join(folder, "current")
}

// A link is made, and made to point elsewhere; nothing else is left.
func TestSwap(t *testing.T) {
	folder, link := releasesFolder(t)
	for _, target := range []string{"releases/1", "releases/2", "releases/2", filepath.Join(folder, "releases/1")} {
		code, _, stderr := execute(t, "swap", link+"/", target)
		expect(t, "exit code", 0, code)
		expect(t, "stderr", "", stderr)
		actual, err := os.Readlink(link)
		expect(t, "error", nil, err)
		expect(t, "target", target, actual)
	}
	left, _ := filepath.Glob(filepath.Join(folder, "*"))
	expect(t, "entries", 2, len(left))
}

// A link that leads there already stays: on a read-only disk that goes well, too.
func TestSwapToTheSame(t *testing.T) {
	_, link := releasesFolder(t)
	expect(t, "error", nil, swap(link, "releases/1"))
	before, err := os.Lstat(link)
	expect(t, "error", nil, err)
	expect(t, "error", nil, swap(link, "releases/1"))
	after, err := os.Lstat(link)
	expect(t, "error", nil, err)
	expect(t, "the same link", true, os.SameFile(before, after))
}

// Whoever looks finds a target at any time, and several at once leave one.
func TestSwapIsAtomic(t *testing.T) {
	folder, link := releasesFolder(t)
	targets := []string{"releases/1", "releases/2"}
	expect(t, "error", nil, swap(link, targets[0]))
	var done atomic.Bool
	var watching, swapping sync.WaitGroup
	watching.Go(func() {
		for !done.Load() {
			if _, err := os.Stat(link); err != nil {
				t.Errorf("somebody found no target: %v", err)
				return
			}
		}
	})
	for _, target := range targets {
		swapping.Go(func() {
			for range 100 {
				if err := swap(link, target); err != nil {
					t.Errorf("swap: %v", err)
				}
			}
		})
	}
	swapping.Wait()
	done.Store(true)
	watching.Wait()
	left, _ := filepath.Glob(filepath.Join(folder, "*"))
	expect(t, "entries", 2, len(left))
}

// What a swap that was killed has left is in nobody's way.
func TestSwapAfterDeath(t *testing.T) {
	_, link := releasesFolder(t)
	if err := os.Symlink("releases/1", link+".new"); err != nil {
		t.Fatal(err)
	}
	expect(t, "error", nil, swap(link, "releases/2"))
	_, err := os.Lstat(link + ".new")
	expect(t, "left", true, os.IsNotExist(err))
}

// A target that is not there and a link that is none are refused.
func TestSwapRefuses(t *testing.T) {
	folder, link := releasesFolder(t)
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		code   int
		reason string
	}{
		{nil, 2, "expected LINK and TARGET"},
		{[]string{link}, 2, "expected LINK and TARGET"},
		{[]string{link, "releases/3"}, 1, "no such file"},
		{[]string{file, "releases/1"}, 1, "is not a symbolic link"},
		{[]string{filepath.Join(folder, "releases"), "releases/1"}, 1, "is not a symbolic link"},
		{[]string{filepath.Join(folder, "no", "link"), "releases/1"}, 1, "no such file"},
	} {
		code, _, stderr := execute(t, append([]string{"swap"}, c.args...)...)
		expect(t, "exit code", c.code, code)
		expectContains(t, c.reason, stderr)
	}
	text, _ := os.ReadFile(file)
	expect(t, "the file", "kept", string(text))
}
