//go:build unix

// The child as Unix has it: a process group, signals, and wait4 for it and for
// every orphan that tender inherits.
package main

import (
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"unsafe"
)

type child struct {
	pid     int // also the id of its process group
	changed <-chan os.Signal
}

// catchSignals must come before the start of the child, so that none is lost.
// An ignored one (nohup) stays ignored for both.
func catchSignals() <-chan os.Signal {
	caught := make(chan os.Signal, 32)
	for _, sig := range []os.Signal{
		syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
	} {
		if !signal.Ignored(sig) {
			signal.Notify(caught, sig)
		}
	}
	// A log reader that went away must not end the init.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return caught
}

// startChild returns an error that wraps fs.ErrNotExist or exec.ErrNotFound
// when there is no such command.
func startChild(command []string) (*child, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	files, err := inheritedFiles()
	if err != nil {
		return nil, err
	}
	program, arguments := path, command
	if len(files) > standardFiles {
		if program, arguments, err = viaListenExec(path, command); err != nil {
			return nil, err
		}
	}
	adoptOrphans()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGCHLD)
	// ForkExec and not os.StartProcess: reap does the waiting, and the sockets
	// stay plain descriptors.
	pid, err := syscall.ForkExec(program, arguments, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: files,
		Sys:   &syscall.SysProcAttr{Setpgid: true, Foreground: ownsTerminal(), Ctty: 0},
	})
	if err != nil {
		return nil, &fs.PathError{Op: "execute", Path: path, Err: err}
	}
	closeHandedOver(files)
	return &child{pid: pid, changed: changed}, nil
}

// ownsTerminal tells whether standard input is a terminal that tender may
// hand on; a child in the background could not read from it.
func ownsTerminal() bool {
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}

// signal tells the whole group to end, so that the program behind a wrapper
// script hears it too. The others are requests to the program alone (reload,
// reopen), and would kill a helper process that does not expect them.
func (c *child) signal(sig os.Signal) error {
	target := c.pid
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT:
		target = -c.pid
	}
	return syscall.Kill(target, sig.(syscall.Signal))
}

// kill finds nobody when the group has ended already, which is as good.
func (c *child) kill() {
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
}

// reap buries every dead process, and reports the code of the child once it
// is among them.
func (c *child) reap() (code int, ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return code, ended
		}
		if pid == c.pid {
			code, ended = exitCode(status), true
		}
	}
}

func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return exitSignalBase + int(status.Signal())
	}
	return status.ExitStatus()
}
