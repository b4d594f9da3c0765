// The rules of counting, without clocks.
package main

import (
	"errors"
	"testing"
	"time"
)

var (
	errDown = errors.New("down")
	start   = time.Unix(1000, 0)
)

func newHealth() *health {
	return &health{retries: 2, graceEnd: start.Add(30 * time.Second)}
}

// Inside the start period failures are free; after it, so many in a row are too many.
func TestFailuresCountAfterStartPeriod(t *testing.T) {
	h := newHealth()
	for range 5 {
		expect(t, "exhausted in the start period", false, h.observe(errDown, start))
	}
	late := start.Add(30 * time.Second)
	expect(t, "first counted failure", false, h.observe(errDown, late))
	expect(t, "second counted failure", true, h.observe(errDown, late))
}

// The first healthy answer ends the start period.
func TestFailuresCountAfterFirstHealthyAnswer(t *testing.T) {
	h := newHealth()
	h.observe(nil, start)
	expect(t, "healthy", true, h.healthy)
	expect(t, "first failure", false, h.observe(errDown, start))
	expect(t, "healthy", false, h.healthy)
	expect(t, "second failure", true, h.observe(errDown, start))
}

// Failures must be in a row: a healthy answer between them starts anew.
func TestHealthyAnswerResetsFailures(t *testing.T) {
	h := newHealth()
	for _, answer := range []error{nil, errDown, nil, errDown} {
		expect(t, "exhausted", false, h.observe(answer, start))
	}
	expect(t, "exhausted", true, h.observe(errDown, start))
}

// After QUIT a program that drains may fail for as long as it likes, and one
// that goes on is watched again from its next healthy answer.
func TestForgivenUntilNextHealthyAnswer(t *testing.T) {
	h := newHealth()
	h.observe(nil, start)
	h.observe(errDown, start)
	h.forgive(start)
	nextYear := start.AddDate(1, 0, 0)
	for range 5 {
		expect(t, "exhausted while draining", false, h.observe(errDown, nextYear))
	}
	h.observe(nil, nextYear)
	h.observe(errDown, nextYear)
	expect(t, "exhausted again", true, h.observe(errDown, nextYear))
}
