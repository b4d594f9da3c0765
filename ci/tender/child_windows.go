// The child as Windows has it: no process group to signal, no orphans to reap,
// no sockets handed over. It can be started, waited for and killed.
package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

var platformVerbs map[string]func([]string) int

type child struct {
	process *os.Process
	changed <-chan os.Signal // closed when the process has ended
	code    int
}

func catchSignals() <-chan os.Signal {
	caught := make(chan os.Signal, 32)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	return caught
}

// startChild returns an error that wraps exec.ErrNotFound when there is no
// such command.
func startChild(command []string) (*child, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	process, err := os.StartProcess(path, command, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return nil, err
	}
	changed := make(chan os.Signal)
	c := &child{process: process, changed: changed}
	go func() {
		defer close(changed)
		c.code = exitCannotExecute
		if state, err := process.Wait(); err == nil {
			c.code = state.ExitCode()
		}
	}()
	return c, nil
}

// signal kills: Windows has no TERM. Ctrl-C has already reached every process
// of the console.
func (c *child) signal(sig os.Signal) error {
	if sig == os.Interrupt {
		return nil
	}
	return c.process.Kill()
}

// kill is without effect when the process has ended already, which is as good.
func (c *child) kill() {
	_ = c.process.Kill()
}

func (c *child) reap() (code int, ended bool) {
	return c.code, true
}
