//go:build unix

// What stands at the public port. It passes connections on as they are, or in
// HTTP each request on its own: only who knows where a request ends can take a
// kept-alive connection to another backend without losing one.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	acceptPause = 50 * time.Millisecond
	finishPause = 20 * time.Millisecond
	headerTime  = 30 * time.Second
	quietTime   = time.Second // what has nothing to say for so long is ended with the proxy
	// idleTime is longer than what clients and load balancers keep a connection:
	// the side that closes first is the one that can lose a request.
	idleTime = 5 * time.Minute
)

var errCut = errors.New("cut at the end of the drain")

type front struct {
	route     *route
	server    *http.Server // nil: connections are passed on as they are
	reverse   *httputil.ReverseProxy
	closing   atomic.Bool
	accepting sync.WaitGroup
	mu        sync.Mutex
	clients   map[net.Conn]phase
	served    atomic.Int64 // connections or requests that met a backend
	failed    atomic.Int64 // and those that got no answer
}

// phase is what a client's connection does, and since when.
type phase struct {
	state http.ConnState
	since time.Time
}

// stream is a connection whose two directions end separately.
type stream interface {
	net.Conn
	CloseWrite() error
}

func newFront(route *route, speaksHTTP, trustForwarded bool) *front {
	f := &front{route: route, clients: map[net.Conn]phase{}}
	if !speaksHTTP {
		return f
	}
	logger := log.New(os.Stderr, "tender: ", 0)
	f.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { rewrite(r, trustForwarded) },
		// A connection for each request: one from a pool may be closed by the
		// backend just when a request is written to it.
		Transport:     &http.Transport{DialContext: f.dial, DisableKeepAlives: true, DisableCompression: true},
		FlushInterval: -1,
		ErrorHandler:  f.fail,
		ErrorLog:      logger,
	}
	f.server = &http.Server{
		Handler:                      http.HandlerFunc(f.exchange),
		ReadHeaderTimeout:            headerTime,
		IdleTimeout:                  idleTime,
		ConnState:                    f.follow,
		ErrorLog:                     logger,
		DisableGeneralOptionsHandler: true,
	}
	return f
}

func (f *front) serve(listener net.Listener) {
	f.accepting.Go(func() { f.accept(listener) })
}

// accept returns when the listener is closed, and knows of every connection by
// then.
func (f *front) accept(listener net.Listener) {
	if f.server != nil {
		_ = f.server.Serve(listener)
		return
	}
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			complain("cannot accept: %v", err)
			time.Sleep(acceptPause)
			continue
		}
		f.follow(conn, http.StateActive)
		go func() {
			defer f.follow(conn, http.StateClosed)
			f.pass(conn.(stream))
		}()
	}
}

func (f *front) pass(client stream) {
	defer client.Close()
	v := f.route.visit(func() { client.Close() })
	defer v.leave()
	conn, err := v.connect(context.Background())
	if err != nil {
		f.failed.Add(1)
		complain("%s: %v", client.RemoteAddr(), err)
		return
	}
	defer conn.Close()
	f.served.Add(1)
	backend := conn.(stream)
	answered := make(chan struct{})
	go func() {
		relay(client, backend)
		close(answered)
	}()
	relay(backend, client)
	<-answered
}

// relay passes on the end of the stream as well, and of this direction only:
// the other one may go on for long.
func relay(to, from stream) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	_ = to.CloseWrite()
}

type visitKey struct{}

// exchange is one request with its answer, and what follows when it asks for
// another protocol.
func (f *front) exchange(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	v := f.route.visit(func() { cancel(errCut) })
	defer v.leave()
	if f.closing.Load() && r.Header.Get("Upgrade") == "" {
		w.Header().Set("Connection", "close")
	}
	f.reverse.ServeHTTP(w, r.WithContext(context.WithValue(ctx, visitKey{}, v)))
}

// dial ignores the address: the visit knows the backend of the moment.
func (f *front) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := ctx.Value(visitKey{}).(*visit).connect(ctx)
	if err == nil {
		f.served.Add(1)
	}
	return conn, err
}

func rewrite(r *httputil.ProxyRequest, trustForwarded bool) {
	r.Out.URL.Scheme, r.Out.URL.Host = "http", "backend"
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	if trustForwarded {
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	}
	r.SetXForwarded()
	if !trustForwarded {
		return
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values := r.In.Header[name]; values != nil {
			r.Out.Header[name] = values
		}
	}
}

// fail answers for a backend that did not.
func (f *front) fail(w http.ResponseWriter, r *http.Request, err error) {
	cut := errors.Is(context.Cause(r.Context()), errCut)
	if r.Context().Err() != nil && !cut {
		// The client has left and reads nothing any more.
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	f.failed.Add(1)
	status := http.StatusBadGateway
	if cut {
		err = errCut
	}
	if cut || errors.Is(err, errHeld) {
		status = http.StatusServiceUnavailable
	}
	complain("%s %q: %v", r.Method, r.URL.Path, err)
	http.Error(w, http.StatusText(status), status)
}

// follow leaves out what has become another protocol: it is a visit still.
func (f *front) follow(conn net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if state == http.StateHijacked || state == http.StateClosed {
		delete(f.clients, conn)
	} else {
		f.clients[conn] = phase{state: state, since: time.Now()}
	}
}

// finish waits for what is under way, and reports how much of it did not end in
// time. The answer to the next request tells a client to close its connection;
// one that is quiet is ended, but not when the port is another process's now.
// Shutdown of net/http would drop requests that have just been read.
func (f *front) finish(patience time.Duration, handedOver bool) (cut int) {
	f.closing.Store(true)
	f.accepting.Wait()
	for began := time.Now(); time.Since(began) < patience && f.busy(!handedOver); {
		time.Sleep(finishPause)
	}
	return f.route.load()
}

// busy reports whether anything is under way, and may end what is not: reading
// fails then where nothing has come.
func (f *front) busy(endIdle bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn, p := range f.clients {
		idle := p.state == http.StateIdle || p.state == http.StateNew
		if endIdle && idle && time.Since(p.since) > quietTime {
			_ = conn.SetReadDeadline(time.Now())
		}
	}
	return len(f.clients) > 0 || f.route.load() > 0
}

func (f *front) status() status {
	told := status{
		PID:      os.Getpid(),
		Version:  version,
		Mode:     "tcp",
		Listen:   []string{},
		Draining: []draining{},
		Served:   f.served.Load(),
		Failed:   f.failed.Load(),
	}
	if f.server != nil {
		told.Mode = "http"
	}
	f.route.describe(&told)
	return told
}
