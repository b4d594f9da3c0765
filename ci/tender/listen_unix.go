//go:build unix

// Socket activation by the protocol of sd_listen_fds(3). LISTEN_PID must be
// the program's own pid, which is known only after the fork; so tender starts
// itself as a helper that sets it and becomes the program.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// standardFiles is the number of descriptors before the first handed-over one.
const standardFiles = 3

const listenExecVerb = "listen-exec"

var platformVerbs = map[string]func([]string) int{
	"proxy":        proxyVerb,
	"lock":         lockVerb,
	"fence":        fenceVerb,
	"swap":         swapVerb,
	listenExecVerb: listenExec,
	orphanExecVerb: orphanExec,
}

// inheritedFiles lists the descriptors for the child: the standard ones and
// the sockets, if they were handed to this very process.
func inheritedFiles() ([]uintptr, error) {
	files := []uintptr{0, 1, 2}
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return files, nil
	}
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || count < 0 {
		return nil, fmt.Errorf("LISTEN_FDS=%q is not a number of sockets", os.Getenv("LISTEN_FDS"))
	}
	for fd := standardFiles; fd < standardFiles+count; fd++ {
		var stat syscall.Stat_t
		if err := syscall.Fstat(fd, &stat); err != nil {
			return nil, fmt.Errorf("LISTEN_FDS=%d, but descriptor %d is not open", count, fd)
		}
		files = append(files, uintptr(fd))
	}
	return files, nil
}

func viaListenExec(path string, command []string) (program string, arguments []string, err error) {
	program, err = os.Executable()
	return program, append([]string{program, listenExecVerb, path}, command...), err
}

// listenExec becomes the program: args are its path and its argv.
func listenExec(args []string) int {
	if len(args) < 2 {
		return refuse(usage, fmt.Errorf("%s is for tender itself", listenExecVerb))
	}
	os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	// It names tender's process where LISTEN_PID could be a recycled number.
	os.Unsetenv("LISTEN_PIDFDID")
	err := syscall.Exec(args[0], args[1:], os.Environ())
	complain("execute %s: %v", args[0], err)
	return startFailure(err)
}

// closeHandedOver leaves the sockets to the child: one that closes its socket
// wants clients to be refused.
func closeHandedOver(files []uintptr) {
	for _, fd := range files[standardFiles:] {
		_ = syscall.Close(int(fd))
	}
}
