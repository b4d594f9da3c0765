// Package server answers /health and /metrics until it is told to stop.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// grace is how long open requests may take to finish once a stop is asked for.
const grace = 10 * time.Second

// Server is one running pulse.
type Server struct {
	version string
	log     *slog.Logger
	now     func() time.Time
	started time.Time
	counts  counts
}

// Health is the body of /health.
type Health struct {
	Status        string `json:"status"` // always "ok": a server that is not does not answer
	Version       string `json:"version"`
	UptimeSeconds int64  `json:"uptime_seconds"`
}

// New makes a server whose uptime starts now.
func New(version string, log *slog.Logger, now func() time.Time) *Server {
	return &Server{version: version, log: log, now: now, started: now()}
}

// Run serves on listener until ctx ends, then lets open requests finish; nil is a stop that was asked for.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	web := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.log.Info("stopping")
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := web.Shutdown(limit); err != nil {
		return errors.Join(err, web.Close())
	}
	return nil
}

// Handler routes a request, counts it and writes a line about it to the log.
func (s *Server) Handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /health", s.health)
	routes.HandleFunc("GET /metrics", s.metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		id := requestID(r)
		w.Header().Set("X-Request-Id", id)
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		routes.ServeHTTP(seen, r)
		s.counts.add(key{route: route(r), status: seen.status})
		s.log.Info("request", "id", id, "method", r.Method, "path", r.URL.Path,
			"status", seen.status, "ms", s.now().Sub(began).Milliseconds())
	})
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body := Health{Status: "ok", Version: s.version, UptimeSeconds: int64(s.uptime().Seconds())}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.log.Warn("answer not sent", "path", "/health", "error", err)
	}
}

func (s *Server) uptime() time.Duration {
	return s.now().Sub(s.started)
}

// requestID keeps the caller's id, so that its log and ours can be joined, when it really is a UUID.
func requestID(r *http.Request) string {
	given, err := uuid.Parse(r.Header.Get("X-Request-Id"))
	if err != nil {
		return uuid.NewString()
	}
	return given.String()
}

// recorder remembers the status that a handler sends.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
