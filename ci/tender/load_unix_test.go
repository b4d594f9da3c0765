//go:build unix

// Releases under load. The clients repeat nothing, and each backend is torn
// down without mercy as soon as the proxy says that it has nothing left to do.
package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// releases is a service that is deployed again and again.
type releases struct {
	p       *proxied
	serving *http.Server
	latest  atomic.Int64 // the release that serves since its switch was answered
	begun   int64
}

// begin starts the next release at the address, which may leave the port open.
func (r *releases) begin(t *testing.T, address string) (at string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r.begun++
	name := strconv.FormatInt(r.begun, 10)
	r.serving = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(rand.N(3 * time.Millisecond))
		fmt.Fprint(w, name)
	})}
	go func(server *http.Server) { _ = server.Serve(listener) }(r.serving)
	return listener.Addr().String()
}

// deploy starts a release beside the one that serves, and switches.
func (r *releases) deploy(t *testing.T) {
	t.Helper()
	former := r.serving
	r.turn(t, order{Do: "switch", To: r.begin(t, "127.0.0.1:0"), Drain: 5 * time.Second})
	r.latest.Store(r.begun)
	if former != nil {
		former.Close()
	}
}

// recreate ends the release that serves before it starts the next one.
func (r *releases) recreate(t *testing.T) {
	t.Helper()
	r.turn(t, order{Do: "pause", Drain: 5 * time.Second})
	r.serving.Close()
	time.Sleep(20 * time.Millisecond)
	r.turn(t, order{Do: "switch", To: r.begin(t, "127.0.0.1:0"), Drain: 5 * time.Second})
	r.latest.Store(r.begun)
}

func (r *releases) turn(t *testing.T, o order) {
	t.Helper()
	if _, err := ask(r.p.control, o); err != nil {
		t.Fatal(err)
	}
}

func (r *releases) upgrade(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.turn(t, order{Do: "upgrade", Program: self, Drain: 2 * time.Second})
}

// load calls without a break until it is told to end.
type load struct {
	ending atomic.Bool
	calls  atomic.Int64
	failed atomic.Int64
	group  sync.WaitGroup
	sample atomic.Value // one of the failures
}

func (l *load) run(r *releases, keeps bool) {
	c := caller{address: r.p.address}
	l.group.Go(func() {
		for ; !l.ending.Load(); time.Sleep(time.Millisecond) {
			l.calls.Add(1)
			if err := l.callOnce(&c, r.latest.Load()); err != nil {
				l.failed.Add(1)
				l.sample.Store(err.Error())
				c.hangUp()
			}
			if !keeps {
				c.hangUp()
			}
		}
		c.hangUp()
	})
}

// callOnce expects a release that is not older than the switch answered last.
func (l *load) callOnce(c *caller, least int64) error {
	response, text, err := c.call(post, "x")
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	if release, err := strconv.ParseInt(text, 10, 64); err != nil || release < least {
		return fmt.Errorf("release %q answered after %d had taken over", text, least)
	}
	return nil
}

func (l *load) end(t *testing.T) {
	t.Helper()
	l.ending.Store(true)
	l.group.Wait()
	t.Logf("%d requests, %d failed", l.calls.Load(), l.failed.Load())
	if failed := l.failed.Load(); failed > 0 {
		t.Errorf("%d of %d requests failed, such as: %v", failed, l.calls.Load(), l.sample.Load())
	}
	expect(t, "enough requests", true, l.calls.Load() > 100)
}

func underLoad(t *testing.T, flags string, kept, fresh int) (*releases, *load) {
	t.Helper()
	r, l := &releases{p: startProxy(t, flags)}, &load{}
	t.Cleanup(func() { r.serving.Close() })
	t.Cleanup(func() { _, _ = ask(r.p.control, order{Do: "stop"}) })
	r.deploy(t)
	for range kept {
		l.run(r, true)
	}
	for range fresh {
		l.run(r, false)
	}
	return r, l
}

// A hundred deployments, kept and new connections: no request is lost.
func TestLoadHundredDeployments(t *testing.T) {
	r, l := underLoad(t, "--http", 4, 2)
	for range 100 {
		r.deploy(t)
		time.Sleep(10 * time.Millisecond)
	}
	l.end(t)
	expect(t, "failed at the proxy", 0, r.p.status(t).Failed)
}

// The same without knowing HTTP, for clients that open a connection each time.
func TestLoadHundredDeploymentsOfConnections(t *testing.T) {
	r, l := underLoad(t, "", 0, 4)
	for range 100 {
		r.deploy(t)
		time.Sleep(10 * time.Millisecond)
	}
	l.end(t)
}

// A program that cannot run twice is replaced while the requests wait.
func TestLoadRecreated(t *testing.T) {
	r, l := underLoad(t, "--http", 4, 2)
	for range 20 {
		r.recreate(t)
		time.Sleep(10 * time.Millisecond)
	}
	l.end(t)
}

// The proxy itself is replaced between the deployments.
func TestLoadUpgraded(t *testing.T) {
	for _, c := range []struct {
		flags       string
		kept, fresh int
	}{{"--http", 4, 2}, {"", 0, 4}} {
		r, l := underLoad(t, c.flags, c.kept, c.fresh)
		for range 5 {
			r.upgrade(t)
			for range 3 {
				r.deploy(t)
				time.Sleep(10 * time.Millisecond)
			}
		}
		l.end(t)
	}
}

// The proxy is restarted while the service manager holds the socket.
func TestLoadRestarted(t *testing.T) {
	_, file := listening(t)
	first := newProxy(t, "--http --drain 5s")
	first.upAt(t, file)
	r, l := &releases{p: first}, &load{}
	t.Cleanup(func() { r.serving.Close() })
	r.deploy(t)
	for range 3 {
		l.run(r, true)
		l.run(r, false)
	}
	for range 5 {
		time.Sleep(50 * time.Millisecond)
		_ = r.p.Process.Signal(syscall.SIGTERM)
		expect(t, "exit code", 0, r.p.end(t))
		next := newProxy(t, "--http --drain 5s --control "+first.control+" --state "+first.state)
		next.control = first.control
		r.p = next.upAt(t, file)
	}
	l.end(t)
}
