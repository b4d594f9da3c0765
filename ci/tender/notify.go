// The service manager's side channel, for programs that cannot speak it:
// the protocol of sd_notify(3) and sd_watchdog_enabled(3).
package main

import (
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notifier sends to $NOTIFY_SOCKET; without one it is silent.
type notifier struct {
	address  string
	watchdog time.Duration // zero: the manager expects no heartbeat
}

// newNotifier takes the variables out of the environment: the child must not
// speak for itself as well.
func newNotifier() *notifier {
	n := &notifier{
		address:  os.Getenv("NOTIFY_SOCKET"),
		watchdog: watchdogTime(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID"), os.Getpid()),
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(name)
	}
	return n
}

// watchdogTime is zero when the watchdog is off or meant for another process.
func watchdogTime(microseconds, owner string, pid int) time.Duration {
	if owner != "" && owner != strconv.Itoa(pid) {
		return 0
	}
	count, err := strconv.ParseInt(microseconds, 10, 64)
	if err != nil || count <= 0 || count > math.MaxInt64/int64(time.Microsecond) {
		return 0
	}
	return time.Duration(count) * time.Microsecond
}

func (n *notifier) status(text string) {
	n.send("STATUS=" + text)
}

// send dials anew each time: a socket that stays connected is dead after the
// manager has replaced its end.
func (n *notifier) send(fields ...string) {
	if n.address == "" {
		return
	}
	if err := n.deliver(fields); err != nil {
		complain("cannot notify: %v", err)
	}
}

func (n *notifier) deliver(fields []string) error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	// A manager with a full queue must not hold up signals and reaping.
	if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	// A line break inside a field would start another field.
	for i, field := range fields {
		fields[i] = strings.ReplaceAll(field, "\n", " ")
	}
	_, err = conn.Write([]byte(strings.Join(fields, "\n")))
	return err
}
