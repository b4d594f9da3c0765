//go:build unix

// One tender takes the port over from another: the old one starts the new one
// with its listening sockets, so that the port is never closed, and then ends
// what it has begun.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// predecessorVariable names the socket of the one that hands over.
	predecessorVariable = "TENDER_PREDECESSOR"
	// successionTime is how long a new tender may take to ask for the port.
	successionTime = 10 * time.Second
)

// predecessor is the tender that held the port before. A turn is its business
// too: connections that clients keep still ask it.
type predecessor struct {
	socket string // empty: there was none
}

func takePredecessor() predecessor {
	defer os.Unsetenv(predecessorVariable)
	return predecessor{socket: os.Getenv(predecessorVariable)}
}

func (p predecessor) known() bool {
	return p.socket != ""
}

func (p predecessor) retire() error {
	_, err := askOnce(p.socket, order{Do: "retire", PID: os.Getpid(), Version: version}, orderTime)
	return err
}

// follow makes the predecessor turn as well, and returns when it has.
func (p predecessor) follow(o order) *following {
	if !p.known() {
		return nil
	}
	conn, err := net.Dial("unix", p.socket)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			os.Remove(p.socket)
		}
		return nil
	}
	f := &following{conn: conn, answers: json.NewDecoder(conn)}
	_ = conn.SetDeadline(time.Now().Add(orderTime))
	err = json.NewEncoder(conn).Encode(order{Do: "follow", To: o.To, Drain: o.Drain})
	if err == nil {
		err = f.answers.Decode(&struct{}{})
	}
	if err != nil {
		conn.Close()
		return nil
	}
	_ = conn.SetDeadline(time.Time{})
	return f
}

// following is a turn at the predecessor, which does not end before it has
// told the tally.
type following struct {
	conn    net.Conn
	answers *json.Decoder
}

// settle is empty when there is no predecessor any more: it has nothing to do.
func (f *following) settle() (ended tally) {
	if f != nil {
		defer f.conn.Close()
		_ = f.answers.Decode(&ended)
	}
	return ended
}

// status is nil when the predecessor has ended.
func (p predecessor) status() *status {
	if !p.known() {
		return nil
	}
	var told status
	text, err := askOnce(p.socket, order{Do: "status"}, orderTime)
	if err != nil || json.Unmarshal(text, &told) != nil {
		return nil
	}
	return &told
}

// upgrade answers when the successor has the port. When it does not come so
// far, this one goes on.
func (s *server) upgrade(o order) (any, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.handedOver {
		return nil, errHandedOver
	}
	path := fmt.Sprintf("%s.%d", s.options.control, os.Getpid())
	socket, err := listenForOrders(path, func() error { return nil })
	if err != nil {
		return nil, err
	}
	s.answer(socket)
	asked, err := s.succeed(o.Program, path)
	if err != nil {
		socket.Close()
		os.Remove(path)
		return nil, fmt.Errorf("%w; this one goes on", err)
	}
	s.handedOver, s.private = true, path
	s.manager.send("MAINPID=" + strconv.Itoa(asked.PID))
	s.end(o.Drain, true)
	return upgraded{PID: asked.PID, Version: asked.Version}, nil
}

// retire is the successor's: it is ready to listen.
func (s *server) retire(o order) (any, error) {
	select {
	case s.succession <- o:
		return struct{}{}, nil
	case <-time.After(answerTime):
		return nil, errors.New("no upgrade is under way")
	}
}

// succeed starts the successor, and returns what it asks.
func (s *server) succeed(program, path string) (order, error) {
	pid, err := s.start(program, path)
	if err != nil {
		return order{}, fmt.Errorf("execute %s: %w", program, err)
	}
	ended := make(chan int, 1)
	go func() {
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(pid, &status, 0, nil)
		ended <- exitCode(status)
	}()
	select {
	case asked := <-s.succession:
		return asked, nil
	case code := <-ended:
		return order{}, fmt.Errorf("%s ended with %d", program, code)
	case <-time.After(successionTime):
		_ = syscall.Kill(pid, syscall.SIGKILL)
		return order{}, fmt.Errorf("%s did not ask for the port within %s", program, successionTime)
	}
}

// start is a ForkExec of plain descriptors: os/exec would make the listening
// sockets blocking, for this process too.
func (s *server) start(program, path string) (pid int, err error) {
	files := []uintptr{0, 1, 2}
	defer func() { closeHandedOver(files) }()
	for _, socket := range s.public {
		fd, err := duplicate(socket.(syscall.Conn))
		if err != nil {
			return 0, err
		}
		files = append(files, fd)
	}
	env := []string{
		predecessorVariable + "=" + path,
		"LISTEN_FDS=" + strconv.Itoa(len(s.public)),
		"NOTIFY_SOCKET=" + s.manager.address,
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LISTEN_") {
			env = append(env, variable)
		}
	}
	arguments := append([]string{program, listenExecVerb, program}, os.Args...)
	return syscall.ForkExec(program, arguments, &syscall.ProcAttr{Env: env, Files: files})
}

func duplicate(socket syscall.Conn) (fd uintptr, err error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(original uintptr) {
		var copied int
		copied, err = syscall.Dup(int(original))
		fd = uintptr(copied)
		syscall.CloseOnExec(copied)
	})
	return fd, errors.Join(err, failed)
}
