// Command tender goes where a shell and Python are not: it asks a service for
// its health, it runs a program as its init, and on a host it holds the public
// port, the lock and the link of a service while releases change.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// version is set by the release with -ldflags "-X main.version=...".
var version = "dev"

// The exit codes of tender itself; the last three follow the shell's custom.
const (
	exitOK            = 0
	exitUnhealthy     = 1
	exitFailed        = 1
	exitUsage         = 2
	exitBusy          = 75 // somebody else holds the lock
	exitFenced        = 76 // somebody else has held it since
	exitCannotExecute = 126
	exitNotFound      = 127
	exitSignalBase    = 128
)

const usage = `usage: tender probe URL [flags]
       tender run [flags] -- COMMAND [ARG...]
       tender proxy [switch | pause | status | upgrade | stop] flags
       tender lock --file PATH --holder TEXT [flags]
       tender fence --file PATH --token N [-- COMMAND [ARG...]]
       tender swap LINK TARGET
       tender --version | --help

probe  ask URL once; exit 0 when it is healthy, 1 when it is not
run    run COMMAND as its init: forward signals, reap, watch its health
proxy  hold a public port while the backends behind it change
lock   hold a lock for as long as standard input stays open
fence  run COMMAND only while nobody newer has the lock
swap   point a symbolic link elsewhere, in one step

Each verb lists its flags with --help. On Windows there are probe and run.
`

func main() {
	os.Exit(dispatch(os.Args[1:]))
}

func dispatch(args []string) int {
	if len(args) == 0 {
		return refuse(usage, errors.New("a verb is missing"))
	}
	if verb, known := platformVerbs[args[0]]; known {
		return verb(args[1:])
	}
	switch args[0] {
	case "probe":
		return probeVerb(args[1:])
	case "run":
		return runVerb(args[1:])
	case "--version", "-version":
		fmt.Println("tender", version)
		return exitOK
	case "--help", "-help", "-h":
		return refuse(usage, flag.ErrHelp)
	default:
		return refuse(usage, fmt.Errorf("unknown verb %q", args[0]))
	}
}

// refuse answers a command line that cannot be acted on. Help that was asked
// for is a result and goes to standard output.
func refuse(usage string, err error) int {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return exitOK
	}
	fmt.Fprintf(os.Stderr, "tender: %v\n\n%s", err, usage)
	return exitUsage
}

func complain(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "tender: "+format+"\n", values...)
}
