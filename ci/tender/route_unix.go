//go:build unix

// Where connections go: the current backend, and the former ones that end what
// they have begun. One lock makes a turn atomic: who enters after it meets the
// new backend.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	redialPause = 50 * time.Millisecond
	drainPause  = 5 * time.Millisecond
)

var (
	errHeld   = errors.New("no backend answered")
	errPaused = errors.New("paused")
	errLeft   = errors.New("the client has left")
)

type route struct {
	hold    time.Duration // how long a visit waits for a backend that answers
	mu      sync.Mutex
	current *backend
	former  map[*backend]struct{}
}

// backend is one turn of the route; the same address may come back as another.
type backend struct {
	address string // empty: paused, whoever comes waits
	since   time.Time
	visits  map[*visit]struct{}
	left    chan struct{} // closed when it is not the current one any more
	settled chan struct{} // closed when its drain is over; then the tally stands
	ended   tally
}

// tally is how the visits that a turn found under way have ended.
type tally struct {
	Drained int `json:"drained"` // by themselves
	Cut     int `json:"cut"`     // at the end of the drain
}

func (t tally) plus(other tally) tally {
	return tally{Drained: t.Drained + other.Drained, Cut: t.Cut + other.Cut}
}

// visit is one connection, or in HTTP one request, from its arrival to its end.
type visit struct {
	route     *route
	cut       func()
	at        *backend
	connected bool
	over      bool
}

func newRoute(address string, hold time.Duration) *route {
	return &route{hold: hold, current: newBackend(address), former: map[*backend]struct{}{}}
}

func newBackend(address string) *backend {
	return &backend{
		address: address,
		since:   time.Now(),
		visits:  map[*visit]struct{}{},
		left:    make(chan struct{}),
		settled: make(chan struct{}),
	}
}

// turn makes another backend the current one, and returns those that end what
// they have begun. The one that was current may take so long for it.
func (r *route) turn(address string, patience time.Duration) (draining []*backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if former := r.current; former.address != address {
		r.current = newBackend(address)
		r.former[former] = struct{}{}
		close(former.left)
		go r.drain(former, patience)
	}
	return slices.Collect(maps.Keys(r.former))
}

func (r *route) drain(former *backend, patience time.Duration) {
	for began := time.Now(); time.Since(began) < patience && r.busy(former); {
		time.Sleep(drainPause)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for v := range former.visits {
		if v.connected {
			former.ended.Cut++
			v.cut()
		}
	}
	delete(r.former, former)
	close(former.settled)
}

func (r *route) busy(b *backend) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(b.visits) > 0
}

func (r *route) address() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.address
}

// load is how many visits are connected, at whichever backend.
func (r *route) load() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	connected, _ := r.current.count()
	for former := range r.former {
		here, _ := former.count()
		connected += here
	}
	return connected
}

func (r *route) describe(told *status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	told.Backend, told.Since = r.current.address, r.current.since
	told.Active, told.Waiting = r.current.count()
	for former := range r.former {
		active, _ := former.count()
		told.Draining = append(told.Draining, draining{Backend: former.address, Active: active})
	}
}

func (b *backend) count() (connected, waiting int) {
	for v := range b.visits {
		if v.connected {
			connected++
		} else {
			waiting++
		}
	}
	return connected, waiting
}

func (r *route) visit(cut func()) *visit {
	return &visit{route: r, cut: cut}
}

// connect dials the current backend. One that refuses is asked again, and a
// pause is waited out, until the route turns or the hold is over.
func (v *visit) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, v.route.hold)
	defer cancel()
	dialer := net.Dialer{Timeout: dialTimeout}
	reason := errPaused
	for {
		b := v.enter()
		if b == nil {
			return nil, errLeft
		}
		var again <-chan time.Time
		if b.address != "" {
			conn, err := dialer.DialContext(ctx, "tcp", b.address)
			if err == nil && v.stay() {
				return conn, nil
			}
			if err == nil {
				conn.Close()
				continue
			}
			reason, again = err, time.After(redialPause)
		}
		select {
		case <-again:
		case <-b.left:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w within %s: %w", errHeld, v.route.hold, reason)
		}
	}
}

// enter goes to the current backend; nil when the visit is over.
func (v *visit) enter() *backend {
	v.route.mu.Lock()
	defer v.route.mu.Unlock()
	if v.over {
		return nil
	}
	if v.at != nil {
		delete(v.at.visits, v)
	}
	v.at = v.route.current
	v.at.visits[v] = struct{}{}
	return v.at
}

// stay reports whether the backend that was dialled still takes visits: its
// drain may be over since.
func (v *visit) stay() bool {
	v.route.mu.Lock()
	defer v.route.mu.Unlock()
	_, drains := v.route.former[v.at]
	v.connected = !v.over && (v.at == v.route.current || drains)
	return v.connected
}

func (v *visit) leave() {
	v.route.mu.Lock()
	defer v.route.mu.Unlock()
	v.over = true
	if v.at == nil {
		return
	}
	delete(v.at.visits, v)
	if _, drains := v.route.former[v.at]; drains && v.connected {
		v.at.ended.Drained++
	}
}
