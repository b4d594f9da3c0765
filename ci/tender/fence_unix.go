//go:build unix

// The fence verb: a holder that was paused, and lost the lock meanwhile, must
// not finish what it had begun. Its token is not the newest any more.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const fenceUsage = `usage: tender fence --file PATH --token N [-- COMMAND [ARG...]]

Exit 76 unless N is the newest token of the lock PATH; else become COMMAND. As
long as COMMAND runs, nobody gets a newer token: keep it short, and let it leave
nothing running.
`

// tokenFormat has one width, so that a new token covers the old one.
const tokenFormat = "%019d\n"

func fenceVerb(args []string) int {
	path, token, command, err := parseFence(args)
	if err != nil {
		return refuse(fenceUsage, err)
	}
	file, err := lockFile(fencePath(path), syscall.LOCK_SH, time.Now().Add(stepTime))
	if err != nil {
		complain("fence: %v", err)
		return exitFailed
	}
	defer file.Close()
	newest, err := readToken(file)
	if err != nil {
		complain("fence: %v", err)
		return exitFailed
	}
	if token != newest {
		complain("fence: token %d is not the newest, which is %d", token, newest)
		return exitFenced
	}
	if len(command) == 0 {
		return exitOK
	}
	return become(command, file)
}

func parseFence(args []string) (path string, token int64, command []string, err error) {
	flags := newFlagSet("fence")
	flags.StringVar(&path, "file", "", "")
	flags.Int64Var(&token, "token", 0, "")
	if err = flags.Parse(args); err != nil {
		return path, token, nil, err
	}
	if path == "" {
		err = errors.New("fence: --file is missing")
	} else if token < 1 {
		err = errors.New("fence: --token is missing")
	}
	return path, token, flags.Args(), err
}

// become hands the lock of the file to the command: a duplicate of a descriptor
// outlives exec.
func become(command []string, file *os.File) int {
	path, err := exec.LookPath(command[0])
	if err == nil {
		_, err = syscall.Dup(int(file.Fd()))
	}
	if err == nil {
		err = syscall.Exec(path, command, os.Environ())
	}
	complain("execute %s: %v", command[0], err)
	return startFailure(err)
}

// fencePath is a file of its own: the lock's is locked as long as it is held.
func fencePath(path string) string {
	return path + ".fence"
}

// nextToken waits for steps under way. It is newer than every token of these
// locks. A counter that was lost begins at the clock, above what it can have
// been: no token may be given twice.
func nextToken(paths []string, until time.Time) (token int64, err error) {
	var fences []*os.File
	defer func() { closeAll(fences) }()
	for _, path := range paths {
		file, err := lockFile(fencePath(path), syscall.LOCK_EX, until)
		if errors.Is(err, errBusy) {
			return 0, &busyError{path: path, with: " with a step of the one before"}
		}
		if err != nil {
			return 0, err
		}
		fences = append(fences, file)
		newest, err := readToken(file)
		if err != nil {
			newest = time.Now().UnixMilli()
		}
		token = max(token, newest+1)
	}
	for _, file := range fences {
		if _, err = file.WriteAt(fmt.Appendf(nil, tokenFormat, token), 0); err != nil {
			return 0, err
		}
		if err = file.Sync(); err != nil {
			return 0, err
		}
	}
	return token, nil
}

func readToken(file *os.File) (int64, error) {
	buffer := make([]byte, 64)
	size, err := file.ReadAt(buffer, 0)
	if size == 0 {
		return 0, fmt.Errorf("%s holds no token: %w", file.Name(), err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(buffer[:size])), 10, 64)
}
