//go:build unix

// The proxy that knows HTTP: what it keeps of a request, and where the next one
// on the same connection goes.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// page is a backend that answers with its name.
func page(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }
}

// caller is a client that repeats nothing: net/http would hide a lost request
// by sending it again.
type caller struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	dialled int
}

// call sends one request, on the connection of the last one when it was kept.
func (c *caller) call(head string, body string) (response *http.Response, text string, err error) {
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.address); err != nil {
			return nil, "", err
		}
		c.reader = bufio.NewReader(c.conn)
		c.dialled++
	}
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err = fmt.Fprintf(c.conn, "%s\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body); err != nil {
		return nil, "", err
	}
	if response, err = http.ReadResponse(c.reader, nil); err != nil {
		return nil, "", err
	}
	all, err := io.ReadAll(response.Body)
	if response.Close {
		c.hangUp()
	}
	return response, string(all), err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

const post = "POST / HTTP/1.1\r\nHost: shop.example"

// A kept connection goes to the new backend with its next request, and is not
// closed for it.
func TestHTTPKeptConnectionTurns(t *testing.T) {
	a, b := page(t, named("a")), page(t, named("b"))
	p := startProxy(t, "--http --to "+a)
	c := caller{address: p.address}
	defer c.hangUp()
	for _, expected := range []string{"a", "b"} {
		_, text, err := c.call(post, "x")
		expect(t, "error", nil, err)
		expect(t, "answer", expected, text)
		expect(t, "nothing to drain", 0, p.turn(t, b).Drained)
	}
	expect(t, "connections", 1, c.dialled)
	expect(t, "mode", "http", p.status(t).Mode)
}

// A request under way ends at the old backend, and the switch waits for it.
func TestHTTPRequestUnderWay(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	a := page(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		fmt.Fprint(w, "a")
	})
	b := page(t, named("b"))
	p := startProxy(t, "--http --to "+a)
	c := caller{address: p.address}
	defer c.hangUp()
	texts := make(chan string, 1)
	go func() {
		_, text, _ := c.call(post, "x")
		texts <- text
	}()
	<-arrived
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	answer := p.turn(t, b)
	expect(t, "drained", 1, answer.Drained)
	expect(t, "cut", 0, answer.Cut)
	expect(t, "answer", "a", <-texts)
}

// A request that takes longer than the drain is answered 503, and counted.
func TestHTTPCut(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	defer close(finish)
	a := page(t, func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-finish
	})
	b := page(t, named("b"))
	p := startProxy(t, "--http --to "+a)
	c := caller{address: p.address}
	defer c.hangUp()
	statuses := make(chan int, 1)
	go func() {
		response, _, err := c.call(post, "x")
		if err != nil {
			statuses <- 0
			return
		}
		statuses <- response.StatusCode
	}()
	<-arrived
	expect(t, "cut", 1, p.turn(t, b, "--drain", "50ms").Cut)
	expect(t, "status", http.StatusServiceUnavailable, <-statuses)
	_, text, err := c.call(post, "x")
	expect(t, "error", nil, err)
	expect(t, "next on the same connection", "b", text)
}

// Waiting ends with 503, a backend that breaks off is 502.
func TestHTTPFailures(t *testing.T) {
	p := startProxy(t, "--http --hold 50ms")
	c := caller{address: p.address}
	defer c.hangUp()
	response, _, err := c.call(post, "")
	expect(t, "error", nil, err)
	expect(t, "status", http.StatusServiceUnavailable, response.StatusCode)
	p.turn(t, page(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	response, _, err = c.call(post, "")
	expect(t, "error", nil, err)
	expect(t, "status", http.StatusBadGateway, response.StatusCode)
	expect(t, "failed", 2, p.status(t).Failed)
}

// The backend sees the request as it was sent, and where it came from; what the
// client says of that is kept only when it is trusted.
func TestHTTPHeaders(t *testing.T) {
	backend := page(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s host=%s for=%s proto=%s agent=%q encoding=%q", r.Method, r.RequestURI, r.Host,
			strings.Join(r.Header["X-Forwarded-For"], ","), r.Header.Get("X-Forwarded-Proto"),
			r.Header.Get("User-Agent"), r.Header.Get("Accept-Encoding"))
	})
	for flags, expected := range map[string]string{
		"--http":                   "for=127.0.0.1 proto=http",
		"--http --trust-forwarded": "for=9.9.9.9, 127.0.0.1 proto=https",
	} {
		p := startProxy(t, flags+" --to "+backend)
		c := caller{address: p.address}
		_, text, err := c.call("PATCH /a%2Fb;c/../d?p=a;b&q=%zz HTTP/1.1\r\nHost: shop.example\r\n"+
			"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https", "")
		c.hangUp()
		expect(t, "error", nil, err)
		expect(t, "seen", "PATCH /a%2Fb;c/../d?p=a;b&q=%zz host=shop.example "+expected+` agent="" encoding=""`, text)
	}
}

// Events arrive one by one, not when the answer ends.
func TestHTTPEvents(t *testing.T) {
	more := make(chan struct{})
	p := startProxy(t, "--http --to "+page(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-more
		fmt.Fprint(w, "data: 2\n\n")
	}))
	response, err := http.Get("http://" + p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	first, err := reader.ReadString('\n')
	expect(t, "error", nil, err)
	expect(t, "first", "data: 1\n", first)
	close(more)
	rest, err := io.ReadAll(reader)
	expect(t, "error", nil, err)
	expect(t, "rest", "\ndata: 2\n\n", string(rest))
}

// upgradable is a backend that goes over to a protocol of its own: it echoes.
func upgradable(t *testing.T, name string) (address string) {
	return page(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
			fmt.Fprint(w, name)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for {
			line, err := buffered.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "%s: %s", name, line)
		}
	})
}

func openWebSocket(t *testing.T, address string) client {
	t.Helper()
	c := dial(t, address)
	head := c.say("GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	expectContains(t, "HTTP/1.1 101 Switching Protocols\r\n", head)
	return c
}

// A websocket lives on with the old backend, and counts as under way.
func TestHTTPWebSocket(t *testing.T) {
	b := upgradable(t, "b")
	p := startProxy(t, "--http --to "+upgradable(t, "a"))
	old := openWebSocket(t, p.address)
	expect(t, "echo", "a: 1\n", old.say("1\n"))
	p.turn(t, b, "--no-wait", "--drain", "300ms")
	expect(t, "old connection", "a: 2\n", old.say("2\n"))
	expect(t, "new connection", "b: 3\n", openWebSocket(t, p.address).say("3\n"))
	expect(t, "cut", 1, p.turn(t, b).Cut)
	expect(t, "old connection", "EOF", old.say("4\n"))
}
