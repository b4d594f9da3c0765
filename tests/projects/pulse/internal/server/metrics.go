package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

type key struct {
	route  string
	status int
}

// counts holds how many requests ended with which status.
type counts struct {
	mu     sync.Mutex
	totals map[key]int64
}

type row struct {
	key
	total int64
}

func (c *counts) add(k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.totals == nil {
		c.totals = make(map[key]int64)
	}
	c.totals[k]++
}

// rows are the totals in a fixed order.
func (c *counts) rows() []row {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := make([]row, 0, len(c.totals))
	for k, total := range c.totals {
		rows = append(rows, row{key: k, total: total})
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.status, b.status))
	})
	return rows
}

// route is the path of the matched route; unknown paths share one name, so that a scanner cannot grow the metrics.
func route(r *http.Request) string {
	_, path, found := strings.Cut(r.Pattern, " ")
	if !found {
		return "other"
	}
	return path
}

// metrics writes the Prometheus text exposition format, version 0.0.4.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	var text strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	head("pulse_build_info", "gauge", "The running version, always 1.")
	fmt.Fprintf(&text, "pulse_build_info{version=%q} 1\n", s.version)
	head("pulse_uptime_seconds", "gauge", "Seconds since the start.")
	fmt.Fprintf(&text, "pulse_uptime_seconds %.3f\n", s.uptime().Seconds())
	head("pulse_requests_total", "counter", "Requests answered.")
	for _, r := range s.counts.rows() {
		fmt.Fprintf(&text, "pulse_requests_total{route=%q,status=\"%d\"} %d\n", r.route, r.status, r.total)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := w.Write([]byte(text.String())); err != nil {
		s.log.Warn("answer not sent", "path", "/metrics", "error", err)
	}
}
