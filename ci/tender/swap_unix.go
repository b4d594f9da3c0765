//go:build unix

// The swap verb: ln -sfn removes the link before it makes the new one, and
// mv -T is GNU's.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const swapUsage = `usage: tender swap LINK TARGET

Make the symbolic link LINK point to TARGET in one step: whoever looks finds the
old target or the new one, also after the power was cut. A relative TARGET is
seen from LINK's folder, and must exist.
`

func swapVerb(args []string) int {
	flags := newFlagSet("swap")
	err := flags.Parse(args)
	if err == nil && flags.NArg() != 2 {
		err = errors.New("swap: expected LINK and TARGET")
	}
	if err != nil {
		return refuse(swapUsage, err)
	}
	if err := swap(filepath.Clean(flags.Arg(0)), flags.Arg(1)); err != nil {
		complain("swap: %v", err)
		return exitFailed
	}
	return exitOK
}

func swap(link, target string) error {
	seen := target
	if !filepath.IsAbs(target) {
		seen = filepath.Join(filepath.Dir(link), target)
	}
	if _, err := os.Stat(seen); err != nil {
		return err
	}
	there, err := os.Lstat(link)
	if err == nil && there.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is not a symbolic link", link)
	}
	folder, err := os.Open(filepath.Dir(link))
	if err != nil {
		return err
	}
	defer folder.Close()
	// Two at once would rename each other's link.
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	fresh := link + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now, err := os.Readlink(link); err == nil && now == target {
		return folder.Sync()
	}
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return replace(fresh, link)
}
