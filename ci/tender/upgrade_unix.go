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
	successionTime  = 10 * time.Second
	successionPause = 50 * time.Millisecond

	orphanExecVerb = "orphan-exec"
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
	for late := time.After(successionTime); ; {
		select {
		case asked := <-s.succession:
			return asked, nil
		case <-time.After(successionPause):
			if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				return order{}, fmt.Errorf("%s ended before it asked for the port", program)
			}
		case <-late:
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return order{}, fmt.Errorf("%s did not ask for the port within %s", program, successionTime)
		}
	}
}

// start is a ForkExec of plain descriptors: os/exec would make the listening
// sockets blocking, for this process too. What it starts is gone when it
// returns, and the successor is its orphan.
func (s *server) start(program, path string) (pid int, err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	defer writer.Close()
	files := []uintptr{0, writer.Fd(), 2}
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
	arguments := append([]string{program, orphanExecVerb, program}, os.Args...)
	parent, err := syscall.ForkExec(program, arguments, &syscall.ProcAttr{Env: env, Files: files})
	if err != nil {
		return 0, err
	}
	writer.Close()
	return orphanOf(parent, reader)
}

// orphanOf reads the process id of the successor, and buries its parent.
func orphanOf(parent int, reader *os.File) (pid int, err error) {
	_ = reader.SetReadDeadline(time.Now().Add(successionTime))
	_, err = fmt.Fscan(reader, &pid)
	if err != nil {
		_ = syscall.Kill(parent, syscall.SIGKILL)
	}
	var status syscall.WaitStatus
	_, _ = syscall.Wait4(parent, &status, 0, nil)
	if code := exitCode(status); code != exitOK {
		return 0, fmt.Errorf("it ended with %d", code)
	}
	return pid, err
}

// orphanExec starts a successor and ends, so that the service manager becomes
// the parent: it does not notice the end of a main process that is not its own.
// args are those of listenExec; standard output is the predecessor's.
func orphanExec(args []string) int {
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || len(args) < 2 {
		return refuse(usage, fmt.Errorf("%s is for tender itself", orphanExecVerb))
	}
	files := []uintptr{0, 2, 2}
	for fd := standardFiles; fd < standardFiles+count; fd++ {
		files = append(files, uintptr(fd))
	}
	arguments := append([]string{args[0], listenExecVerb}, args...)
	pid, err := syscall.ForkExec(args[0], arguments, &syscall.ProcAttr{Env: os.Environ(), Files: files})
	if err != nil {
		complain("execute %s: %v", args[0], err)
		return startFailure(err)
	}
	fmt.Println(pid)
	return exitOK
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
