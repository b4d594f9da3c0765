//go:build unix

// How the proxy is told what to do: an order and its answer, each a line of
// JSON on a Unix socket, one order a connection.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	orderTime   = 5 * time.Second        // how long an order may take to arrive
	askPause    = 20 * time.Millisecond  // while one proxy takes over from another
	askPatience = 500 * time.Millisecond // and how long that may take
)

type order struct {
	Do      string        `json:"do"`
	To      string        `json:"to,omitempty"`
	Drain   time.Duration `json:"drain,omitempty"` // nanoseconds
	NoWait  bool          `json:"no_wait,omitempty"`
	Program string        `json:"program,omitempty"` // the tender that takes over
	PID     int           `json:"pid,omitempty"`
	Version string        `json:"version,omitempty"`
}

// refusal is the answer to an order that was not carried out.
type refusal struct {
	Reason string `json:"error"`
	Again  bool   `json:"again,omitempty"` // another process answers on the socket now
}

func (r refusal) Error() string {
	return r.Reason
}

// turned is the answer to switch and pause. The tally is empty when nobody
// waits for it.
type turned struct {
	Backend  string `json:"backend"`
	Previous string `json:"previous"`
	tally
	Seconds float64 `json:"seconds"`
}

// stopped is the answer to stop.
type stopped struct {
	Cut     int     `json:"cut"`
	Seconds float64 `json:"seconds"`
}

// upgraded is the answer to upgrade.
type upgraded struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// status is the answer to status.
type status struct {
	PID         int        `json:"pid"`
	Version     string     `json:"version"`
	Mode        string     `json:"mode"` // tcp, http
	Listen      []string   `json:"listen"`
	Backend     string     `json:"backend"` // empty: paused
	Since       time.Time  `json:"since"`
	Active      int        `json:"active"`
	Waiting     int        `json:"waiting"`
	Draining    []draining `json:"draining"`
	Served      int64      `json:"served"`
	Failed      int64      `json:"failed"`
	Predecessor *status    `json:"predecessor,omitempty"`
}

type draining struct {
	Backend string `json:"backend"`
	Active  int    `json:"active"`
}

// listenForOrders binds a fresh socket and then puts it in the place of the
// path in one step, so that the path always leads to somebody. In between it
// asks whether it may.
func listenForOrders(path string, may func() error) (net.Listener, error) {
	fresh := path + ".new"
	os.Remove(fresh)
	before := syscall.Umask(0o177)
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	syscall.Umask(before)
	if err != nil {
		return nil, err
	}
	if err = may(); err == nil {
		err = replace(fresh, path)
	}
	if err != nil {
		socket.Close()
		return nil, err
	}
	socket.SetUnlinkOnClose(false)
	return socket, nil
}

// ask gives an order, and returns its answer as it came.
func ask(socket string, o order) (json.RawMessage, error) {
	for began := time.Now(); ; time.Sleep(askPause) {
		answer, err := askOnce(socket, o, 0)
		if err == nil || !handsOver(err) || time.Since(began) > askPatience {
			return answer, err
		}
	}
}

// askOnce waits for the answer for as long as it takes when the time is zero.
func askOnce(socket string, o order, within time.Duration) (answer json.RawMessage, err error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if within > 0 {
		_ = conn.SetDeadline(time.Now().Add(within))
	}
	if err := json.NewEncoder(conn).Encode(o); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return nil, err
	}
	var refused refusal
	if err := json.Unmarshal(answer, &refused); err != nil {
		return nil, err
	}
	if refused.Reason != "" {
		return nil, refused
	}
	return answer, nil
}

// handsOver recognizes what a client is told, or sees when its connection was
// in the queue, while another process takes the socket over.
func handsOver(err error) bool {
	var refused refusal
	if errors.As(err, &refused) {
		return refused.Again
	}
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// obeyed carries an order out. Before its answer it may tell that it has begun.
type obeyed func(o order, begun func()) (answer any, err error)

// obeyEach answers orders until the listener is closed, and counts those under
// way.
func obeyEach(listener net.Listener, answering *atomic.Int64, obey obeyed) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			complain("cannot accept an order: %v", err)
			time.Sleep(acceptPause)
			continue
		}
		answering.Add(1)
		go func() {
			defer answering.Add(-1)
			obeyOne(conn, obey)
		}()
	}
}

func obeyOne(conn net.Conn, obey obeyed) {
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(orderTime))
	var o order
	if err := json.NewDecoder(conn).Decode(&o); err != nil {
		return
	}
	say := func(answer any) {
		if err := json.NewEncoder(conn).Encode(answer); err != nil {
			complain("cannot answer %s: %v", o.Do, err)
		}
	}
	answer, err := obey(o, func() { say(struct{}{}) })
	if err != nil {
		answer = refusal{Reason: err.Error(), Again: errors.Is(err, errHandedOver)}
	}
	say(answer)
}
