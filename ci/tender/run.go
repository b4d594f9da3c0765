// The run verb: what a container's PID 1 or a unit's main process has to do
// for a program that does not do it itself.
package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"time"
)

const runUsage = `usage: tender run [flags] -- COMMAND [ARG...]

Run COMMAND as its init: forward signals, reap every zombie, tell the service
manager over $NOTIFY_SOCKET. Exit with COMMAND's code, or 128+N when signal N
killed it; 126 when it cannot be executed, 127 when it is not found.

With --health URL: ready after the first healthy answer; after --retries failed
answers in a row the reason is printed, COMMAND is stopped, and the exit code
is 1, so that a restart policy acts.

  --health URL        the URL to ask; the flags below need it
  --status N          the HTTP status to expect (default 200)
  --body-contains S   a string that the body must contain
  --json KEY=VALUE    a value that the JSON body must hold; may be repeated
  --interval D        the pause between two questions (default 10s)
  --timeout D         how long one answer may take (default 5s)
  --start-period D    until the first healthy answer, failures count only after
                      this (default 30s)
  --retries N         failures in a row that are too many (default 3)
  --stop-timeout D    how long an unhealthy COMMAND may take to end after TERM
                      before KILL (default 10s)
`

type runOptions struct {
	check       check
	interval    time.Duration
	startPeriod time.Duration
	stopTimeout time.Duration
	retries     int
	command     []string
}

func (o runOptions) watchesHealth() bool {
	return o.check.url != ""
}

func runVerb(args []string) int {
	options, err := parseRun(args)
	if err != nil {
		return refuse(runUsage, err)
	}
	manager := newNotifier()
	signals := catchSignals()
	child, err := startChild(options.command)
	if err != nil {
		complain("%v", err)
		return startFailure(err)
	}
	return newSupervisor(options, manager, child, signals).watch()
}

func startFailure(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return exitNotFound
	}
	return exitCannotExecute
}

func parseRun(args []string) (runOptions, error) {
	var o runOptions
	flags := newFlagSet("run")
	o.check.addFlags(flags)
	flags.StringVar(&o.check.url, "health", "", "")
	flags.DurationVar(&o.interval, "interval", 10*time.Second, "")
	flags.DurationVar(&o.startPeriod, "start-period", 30*time.Second, "")
	flags.DurationVar(&o.stopTimeout, "stop-timeout", 10*time.Second, "")
	flags.IntVar(&o.retries, "retries", 3, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.command = flags.Args()
	if len(o.command) == 0 {
		return o, errors.New("run: a command is missing")
	}
	if !o.watchesHealth() {
		if flags.NFlag() > 0 {
			return o, errors.New("run: the other flags need --health")
		}
		return o, nil
	}
	return o, o.validate()
}

func (o runOptions) validate() error {
	if err := o.check.validate(); err != nil {
		return err
	}
	switch {
	case o.interval <= 0:
		return errors.New("--interval must be longer than zero")
	case o.startPeriod < 0:
		return errors.New("--start-period must not be negative")
	case o.stopTimeout < 0:
		return errors.New("--stop-timeout must not be negative")
	case o.retries < 1:
		return errors.New("--retries must be at least 1")
	}
	return nil
}
