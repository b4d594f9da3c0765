// Command pulse answers for the machine it runs on: it serves /health and /metrics, and checks such an endpoint from outside.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "dev"

const (
	exitOK    = 0
	exitFail  = 1 // the check says unhealthy, or the server could not run
	exitUsage = 2 // wrong arguments, environment or config file
)

const usage = `Usage:
  pulse serve [--addr HOST:PORT] [--log LEVEL] [--config FILE]
  pulse check [--timeout DURATION] URL
  pulse --version | --help

Environment: PULSE_ADDR, PULSE_LOG (debug, info, warn, error).
Flags win over the environment, the environment over the config file.
Exit codes: 0 done or healthy, 1 unhealthy or failed, 2 usage or config.
`

// terminal is what a command needs from the process around it.
type terminal struct {
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}

// run dispatches one command line and returns the exit code of the process.
func run(ctx context.Context, args []string, t terminal) int {
	flags := newFlags("pulse")
	flags.SetInterspersed(false) // what follows the command belongs to the command
	showVersion := flags.Bool("version", false, "print the version")
	if code, done := parse(flags, args, t); done {
		return code
	}
	if *showVersion {
		fmt.Fprintf(t.stdout, "pulse %s\n", version)
		return exitOK
	}
	rest := flags.Args()
	if len(rest) == 0 {
		return misuse(t, errors.New("a command is needed"))
	}
	switch rest[0] {
	case "serve":
		return serve(ctx, rest[1:], t)
	case "check":
		return check(ctx, rest[1:], t)
	}
	return misuse(t, fmt.Errorf("unknown command %q", rest[0]))
}

func newFlags(name string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.Usage = func() {}     // --help is printed by parse, to stdout
	flags.SetOutput(io.Discard) // errors are printed by misuse, once
	return flags
}

// parse reads args; done says that the command line is already answered, with code.
func parse(flags *pflag.FlagSet, args []string, t terminal) (code int, done bool) {
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(t.stdout, usage)
		return exitOK, true
	}
	if err != nil {
		return misuse(t, err), true
	}
	return exitOK, false
}

func misuse(t terminal, err error) int {
	fmt.Fprintf(t.stderr, "pulse: %v\n\n%s", err, usage)
	return exitUsage
}
