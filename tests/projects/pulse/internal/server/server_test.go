package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const clientID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

// clock is a time that the test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newServer(log io.Writer) (*Server, *clock) {
	c := &clock{at: time.Unix(1_700_000_000, 0)}
	return New("1.2.3", slog.New(slog.NewTextHandler(log, nil)), c.now), c
}

func ask(s *Server, method, path string, headers map[string]string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	s.Handler().ServeHTTP(answer, request)
	return answer
}

// /health says which version runs and for how long.
func TestHealth(t *testing.T) {
	s, c := newServer(io.Discard)
	c.at = c.at.Add(90*time.Second + 900*time.Millisecond)
	answer := ask(s, "GET", "/health", nil)
	var got Health
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := Health{Status: "ok", Version: "1.2.3", UptimeSeconds: 90}
	if http.StatusOK != answer.Code || want != got {
		t.Errorf("want %+v, got %d %+v", want, answer.Code, got)
	}
}

// /metrics counts what was answered before, and unknown paths under one name.
func TestMetrics(t *testing.T) {
	s, c := newServer(io.Discard)
	c.at = c.at.Add(1500 * time.Millisecond)
	for _, path := range []string{"/health", "/health", "/wp-login.php", "/admin"} {
		ask(s, "GET", path, nil)
	}
	ask(s, "POST", "/health", nil)
	want := `# HELP pulse_build_info The running version, always 1.
# TYPE pulse_build_info gauge
pulse_build_info{version="1.2.3"} 1
# HELP pulse_uptime_seconds Seconds since the start.
# TYPE pulse_uptime_seconds gauge
pulse_uptime_seconds 1.500
# HELP pulse_requests_total Requests answered.
# TYPE pulse_requests_total counter
pulse_requests_total{route="/health",status="200"} 2
pulse_requests_total{route="other",status="404"} 2
pulse_requests_total{route="other",status="405"} 1
`
	if got := ask(s, "GET", "/metrics", nil).Body.String(); want != got {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}

// A caller's UUID is kept and logged; anything else is replaced.
func TestRequestID(t *testing.T) {
	var log strings.Builder
	s, _ := newServer(&log)
	kept := ask(s, "GET", "/health", map[string]string{"X-Request-Id": clientID}).Header().Get("X-Request-Id")
	if clientID != kept || !strings.Contains(log.String(), "id="+clientID) {
		t.Errorf("want %s kept and logged, got %q and %q", clientID, kept, log.String())
	}
	forged := "1\nlevel=ERROR"
	if fresh := ask(s, "GET", "/health", map[string]string{"X-Request-Id": forged}).Header().Get("X-Request-Id"); len(fresh) != 36 {
		t.Errorf("want a fresh UUID, got %q", fresh)
	}
}

// A stop lets the server end without an error and frees its port.
func TestRunStops(t *testing.T) {
	s, _ := newServer(io.Discard)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()
	answer, err := http.Get("http://" + listener.Addr().String() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("want no error, got %v", err)
	}
	if again, err := net.Listen("tcp", listener.Addr().String()); err != nil {
		t.Errorf("want the port free, got %v", err)
	} else {
		again.Close()
	}
}
