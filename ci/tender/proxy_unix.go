//go:build unix

// The proxy verb: it holds the public port of a host while releases change
// behind it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"
)

const proxyUsage = `usage: tender proxy --control SOCK --state FILE [flags]
       tender proxy switch --control SOCK --to IP:PORT [--drain D] [--no-wait]
       tender proxy pause --control SOCK [--drain D] [--no-wait]
       tender proxy status --control SOCK
       tender proxy upgrade --control SOCK [--drain D]
       tender proxy stop --control SOCK [--drain D]

Listen, and pass every connection to the backend of the moment.

  --control SOCK      the Unix socket on which orders come
  --state FILE        where the backend is remembered
  --listen ADDR       the address to listen on, such as :80, when the service
                      manager hands over no socket
  --to IP:PORT        the backend while FILE names none
  --http              pass on requests instead of connections, so that a kept
                      connection goes to a new backend with its next request
  --trust-forwarded   keep the Forwarded and X-Forwarded headers that come;
                      needs --http
  --hold D            how long a connection waits for a backend that answers
                      (default 30s)
  --drain D           how long what is under way may take to end after TERM
                      (default 30s)

switch   pass what comes from now on to another backend that answers, and
         return when the former one has nothing left to do
pause    let what comes wait, and return when the backend has nothing to do
status   tell what goes where
upgrade  let the tender of this command take over the port
stop     end it

Each prints one line of JSON. --drain says how long what is under way may take
before it is cut (default 30s); --no-wait returns without waiting for it.
`

type proxyOptions struct {
	listen         string
	control        string
	state          string
	to             string
	http           bool
	trustForwarded bool
	hold           time.Duration
	drain          time.Duration
}

var orders = []string{"switch", "pause", "status", "upgrade", "stop"}

func proxyVerb(args []string) int {
	if len(args) > 0 && slices.Contains(orders, args[0]) {
		return orderVerb(args[0], args[1:])
	}
	options, err := parseProxy(args)
	if err != nil {
		return refuse(proxyUsage, err)
	}
	return serve(options)
}

func parseProxy(args []string) (proxyOptions, error) {
	var o proxyOptions
	flags := newFlagSet("proxy")
	flags.StringVar(&o.listen, "listen", "", "")
	flags.StringVar(&o.control, "control", "", "")
	flags.StringVar(&o.state, "state", "", "")
	flags.StringVar(&o.to, "to", "", "")
	flags.BoolVar(&o.http, "http", false, "")
	flags.BoolVar(&o.trustForwarded, "trust-forwarded", false, "")
	flags.DurationVar(&o.hold, "hold", 30*time.Second, "")
	flags.DurationVar(&o.drain, "drain", 30*time.Second, "")
	if err := parseFlagsOnly(flags, args); err != nil {
		return o, err
	}
	return o, o.validate()
}

func (o proxyOptions) validate() error {
	switch {
	case o.control == "":
		return errors.New("proxy: --control is missing")
	case o.state == "":
		return errors.New("proxy: --state is missing")
	case o.trustForwarded && !o.http:
		return errors.New("--trust-forwarded needs --http")
	case o.hold < 0:
		return errors.New("--hold must not be negative")
	case o.drain < 0:
		return errors.New("--drain must not be negative")
	case o.to != "":
		return checkBackend(o.to)
	}
	return nil
}

func orderVerb(name string, args []string) int {
	socket, o, err := parseOrder(name, args)
	if err != nil {
		return refuse(proxyUsage, err)
	}
	answer, err := ask(socket, o)
	if err != nil {
		complain("%s: %v", name, err)
		return exitFailed
	}
	fmt.Println(string(answer))
	return exitOK
}

func parseOrder(name string, args []string) (socket string, o order, err error) {
	o.Do = name
	flags := newFlagSet(name)
	flags.StringVar(&socket, "control", "", "")
	if name != "status" {
		flags.DurationVar(&o.Drain, "drain", 30*time.Second, "")
	}
	if name == "switch" || name == "pause" {
		flags.BoolVar(&o.NoWait, "no-wait", false, "")
	}
	if name == "switch" {
		flags.StringVar(&o.To, "to", "", "")
	}
	if err := parseFlagsOnly(flags, args); err != nil {
		return socket, o, err
	}
	switch {
	case socket == "":
		err = fmt.Errorf("%s: --control is missing", name)
	case o.Drain < 0:
		err = errors.New("--drain must not be negative")
	case name == "switch":
		err = checkBackend(o.To)
	case name == "upgrade":
		o.Program, err = os.Executable()
	}
	return socket, o, err
}

// parseFlagsOnly takes nothing but flags.
func parseFlagsOnly(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", flags.Name(), flags.Arg(0))
	}
	return nil
}
