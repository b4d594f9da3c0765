//go:build unix

// The process of the proxy: its sockets, what it does when it is told to, and
// its end.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// answerTime is how long the last answers may take after everything has ended.
const answerTime = time.Second

var errHandedOver = errors.New("another tender has taken over")

type server struct {
	options     proxyOptions
	manager     *notifier
	front       *front
	public      []net.Listener
	control     net.Listener
	predecessor predecessor
	succession  chan order   // the successor asks for the port
	answering   atomic.Int64 // orders under way
	changing    sync.Mutex   // one change at a time
	handedOver  bool         // guarded by changing, as is the next
	private     string       // the path of the socket for the successor
	ending      sync.Once
	ended       chan struct{}
	cut         int // valid when ended
}

func serve(o proxyOptions) int {
	// A reader of the messages that went away must not end the proxy.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	s, err := newServer(o)
	if err == nil {
		err = s.begin()
	}
	if err != nil {
		complain("%v", err)
		return exitFailed
	}
	return s.wait(signals)
}

func newServer(o proxyOptions) (*server, error) {
	s := &server{
		options:     o,
		manager:     newNotifier(),
		predecessor: takePredecessor(),
		succession:  make(chan order),
		ended:       make(chan struct{}),
	}
	backend, err := remembered(o.state, o.to)
	if err != nil {
		return nil, err
	}
	s.front = newFront(newRoute(backend, o.hold), o.http, o.trustForwarded)
	if s.public, err = publicSockets(o.listen); err != nil {
		return nil, err
	}
	return s, nil
}

// publicSockets are those that were handed over, else one of our own.
func publicSockets(address string) ([]net.Listener, error) {
	files, err := inheritedFiles()
	if err != nil {
		return nil, err
	}
	var sockets []net.Listener
	for _, fd := range files[standardFiles:] {
		file := os.NewFile(fd, "socket")
		socket, err := net.FileListener(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		sockets = append(sockets, socket)
	}
	if len(sockets) > 0 {
		return sockets, nil
	}
	if address == "" {
		return nil, errors.New("no socket was handed over, and there is no --listen")
	}
	socket, err := net.Listen("tcp", address)
	return []net.Listener{socket}, err
}

// begin takes the port over when another tender holds it, and serves. Whatever
// can fail comes before.
func (s *server) begin() (err error) {
	if s.predecessor.known() {
		s.control, err = listenForOrders(s.options.control, s.predecessor.retire)
	} else {
		s.control, err = listenForOrders(s.options.control, s.beAlone)
	}
	if err != nil {
		return err
	}
	for _, socket := range s.public {
		s.front.serve(socket)
	}
	s.answer(s.control)
	s.manager.send("READY=1", "STATUS="+s.summary())
	return nil
}

func (s *server) beAlone() error {
	if _, err := askOnce(s.options.control, order{Do: "status"}, orderTime); err != nil {
		return nil
	}
	return fmt.Errorf("%s: another proxy answers here", s.options.control)
}

func (s *server) wait(signals <-chan os.Signal) int {
	for told := false; ; {
		select {
		case <-signals:
			if told {
				complain("told twice to end")
				return exitFailed
			}
			told = true
			s.end(s.options.drain, false)
		case <-s.ended:
			s.sayGoodbye()
			return exitOK
		}
	}
}

// sayGoodbye lets whoever waits for an answer have it.
func (s *server) sayGoodbye() {
	s.changing.Lock()
	if s.private != "" {
		os.Remove(s.private)
	}
	s.changing.Unlock()
	if s.cut > 0 {
		complain("%d cut at the end", s.cut)
	}
	for began := time.Now(); s.answering.Load() > 0 && time.Since(began) < answerTime; {
		time.Sleep(finishPause)
	}
}

func (s *server) answer(socket net.Listener) {
	go obeyEach(socket, &s.answering, s.obey)
}

func (s *server) obey(o order, begun func()) (any, error) {
	switch o.Do {
	case "switch", "pause":
		return s.change(o)
	case "follow":
		ending := s.turn(o)
		begun()
		return ending.settle(), nil
	case "status":
		return s.status(), nil
	case "upgrade":
		return s.upgrade(o)
	case "retire":
		return s.retire(o)
	case "stop":
		return s.stop(o)
	}
	return nil, fmt.Errorf("tender %s knows no order %q", version, o.Do)
}

// change answers when the former backend has nothing left to do.
func (s *server) change(o order) (any, error) {
	began := time.Now()
	previous, ending, err := s.changeOver(o)
	if err != nil {
		return nil, err
	}
	answer := turned{Backend: o.To, Previous: previous}
	if o.NoWait {
		go ending.settle()
	} else {
		answer.tally = ending.settle()
	}
	answer.Seconds = time.Since(began).Seconds()
	return answer, nil
}

// changeOver remembers the backend before it is used: who asks after a crash in
// between finds the proxy where it was told to go.
func (s *server) changeOver(o order) (previous string, e ending, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.handedOver {
		return "", e, errHandedOver
	}
	if err := reachable(o.To); err != nil {
		return "", e, err
	}
	if err := remember(s.options.state, o.To); err != nil {
		return "", e, err
	}
	previous = s.front.route.address()
	e = s.turn(o)
	s.manager.status(s.summary())
	return previous, e, nil
}

// ending is what a turn has left to do, here and at the predecessor.
type ending struct {
	here  []*backend
	there *following
}

func (s *server) turn(o order) ending {
	return ending{here: s.front.route.turn(o.To, o.Drain), there: s.predecessor.follow(o)}
}

func (e ending) settle() (sum tally) {
	for _, former := range e.here {
		<-former.settled
		sum = sum.plus(former.ended)
	}
	return sum.plus(e.there.settle())
}

// reachable refuses a backend that nobody would get an answer from.
func reachable(address string) error {
	if address == "" {
		return nil
	}
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (s *server) status() status {
	told := s.front.status()
	for _, socket := range s.public {
		told.Listen = append(told.Listen, socket.Addr().String())
	}
	told.Predecessor = s.predecessor.status()
	return told
}

func (s *server) summary() string {
	if backend := s.front.route.address(); backend != "" {
		return "to " + backend
	}
	return "paused"
}

// stop answers when everything has ended; then the process does too.
func (s *server) stop(o order) (any, error) {
	s.changing.Lock()
	gone := s.handedOver
	s.changing.Unlock()
	if gone {
		return nil, errHandedOver
	}
	began := time.Now()
	s.end(o.Drain, false)
	<-s.ended
	return stopped{Cut: s.cut, Seconds: time.Since(began).Seconds()}, nil
}

// end closes the sockets, and lets what is under way take so long.
func (s *server) end(patience time.Duration, handedOver bool) {
	s.ending.Do(func() {
		if !handedOver {
			s.manager.send("STOPPING=1", "STATUS=stopping")
			os.Remove(s.options.control)
		}
		for _, socket := range append(s.public, s.control) {
			socket.Close()
		}
		go func() {
			s.cut = s.front.finish(patience, handedOver)
			close(s.ended)
		}()
	})
}
