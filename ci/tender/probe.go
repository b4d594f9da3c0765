// The probe verb and the flags that run shares with it: an image without a
// shell still needs a HEALTHCHECK command.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

const probeUsage = `usage: tender probe URL [flags]

Ask URL once, without following redirects.
Exit 0 when it is healthy, 1 with the reason on standard error when it is not.

  --status N          the HTTP status to expect (default 200)
  --body-contains S   a string that the body must contain
  --json KEY=VALUE    a value that the JSON body must hold; KEY may be dotted
                      (checks.database=up); may be repeated
  --timeout D         how long the whole answer may take (default 5s)
`

func probeVerb(args []string) int {
	c, err := parseProbe(args)
	if err != nil {
		return refuse(probeUsage, err)
	}
	if err := c.ask(); err != nil {
		complain("unhealthy: %v", err)
		return exitUnhealthy
	}
	return exitOK
}

// parseProbe takes flags on both sides of the URL.
func parseProbe(args []string) (check, error) {
	var c check
	flags := newFlagSet("probe")
	c.addFlags(flags)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() == 0 {
		return c, errors.New("probe: a URL is missing")
	}
	c.url = flags.Arg(0)
	if err := flags.Parse(flags.Args()[1:]); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("probe: unexpected argument %q", flags.Arg(0))
	}
	return c, c.validate()
}

// newFlagSet leaves the printing of errors and usage to refuse.
func newFlagSet(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func (c *check) addFlags(flags *flag.FlagSet) {
	flags.IntVar(&c.status, "status", 200, "")
	flags.StringVar(&c.bodyContains, "body-contains", "", "")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Second, "")
	flags.Func("json", "", func(text string) error {
		key, value, found := strings.Cut(text, "=")
		if !found || key == "" {
			return errors.New("expected KEY=VALUE")
		}
		c.json = append(c.json, member{key, value})
		return nil
	})
}

func (c *check) validate() error {
	parsed, err := url.Parse(c.url)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return fmt.Errorf("%q is not an http or https URL", c.url)
	}
	if c.status < 100 || c.status > 599 {
		return fmt.Errorf("--status %d is not an HTTP status", c.status)
	}
	if c.timeout <= 0 {
		return errors.New("--timeout must be longer than zero")
	}
	return nil
}
