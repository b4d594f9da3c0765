// The judgement over a row of answers, free of clocks and processes so that
// its rules can be tested alone.
package main

import (
	"math"
	"time"
)

// health counts failures as Docker's HEALTHCHECK does: inside the start period
// they are free until the first healthy answer.
type health struct {
	retries  int
	graceEnd time.Time
	healthy  bool // the last answer was a healthy one
	counting bool // failures count
	failures int  // counted failures in a row
}

// observe takes one answer (nil is healthy) and reports whether there have
// been too many failures.
func (h *health) observe(answer error, now time.Time) (exhausted bool) {
	h.healthy = answer == nil
	if h.healthy {
		h.counting, h.failures = true, 0
		return false
	}
	h.counting = h.counting || !now.Before(h.graceEnd)
	if h.counting {
		h.failures++
	}
	return h.failures >= h.retries
}

// forgive stops counting until the next healthy answer. It follows QUIT, which
// asks some programs to drain (they stop answering) and others for a dump
// (they go on), and only the answers tell which.
func (h *health) forgive(now time.Time) {
	h.counting, h.failures = false, 0
	h.graceEnd = now.Add(math.MaxInt64)
}
