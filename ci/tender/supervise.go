// The loop of run. Everything that happens to the child passes through this
// one goroutine, so a signal never goes to a process that was already reaped.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// startInterval is the pause between two questions to a program that starts:
// readiness should not wait for the much longer interval of a running one.
const startInterval = 250 * time.Millisecond

type supervisor struct {
	options   runOptions
	manager   *notifier
	child     *child
	health    health
	signals   <-chan os.Signal
	answers   chan error
	question  <-chan time.Time // time to ask; nil while nothing is to be asked
	heartbeat <-chan time.Time // time for the watchdog; nil without one
	patience  <-chan time.Time // time for KILL; nil until the child was given up
	ready     bool
	stopping  bool
	gaveUp    bool
}

func newSupervisor(options runOptions, manager *notifier, child *child, signals <-chan os.Signal) *supervisor {
	s := &supervisor{
		options: options,
		manager: manager,
		child:   child,
		health:  health{retries: options.retries, graceEnd: time.Now().Add(options.startPeriod)},
		signals: signals,
		answers: make(chan error, 1),
	}
	if manager.watchdog > 0 {
		s.heartbeat = time.Tick(manager.watchdog / 2)
	}
	if options.watchesHealth() {
		s.question = time.After(s.pause())
		manager.status("starting")
		return s
	}
	// Without a question, a program that runs is a healthy one.
	s.health.healthy = true
	s.becomeReady("running")
	return s
}

// watch returns the exit code once the child has ended.
func (s *supervisor) watch() int {
	for {
		select {
		case <-s.child.changed:
			if code, ended := s.child.reap(); ended {
				return s.finish(code)
			}
		case signal := <-s.signals:
			s.forward(signal)
		case <-s.question:
			s.question = nil
			go func() { s.answers <- s.options.check.ask() }()
		case answer := <-s.answers:
			s.judge(answer)
		case <-s.heartbeat:
			s.beat()
		case <-s.patience:
			complain("not ended within %s; killing it", s.options.stopTimeout)
			s.child.kill()
		}
	}
}

func (s *supervisor) forward(signal os.Signal) {
	switch signal {
	case syscall.SIGTERM, os.Interrupt:
		s.stop("stopping")
	case syscall.SIGQUIT:
		s.health.forgive(time.Now())
	}
	if err := s.child.signal(signal); err != nil {
		complain("cannot forward %v: %v", signal, err)
	}
}

// stop ends the judging: a program that shuts down may refuse to answer.
func (s *supervisor) stop(status string) {
	if !s.stopping {
		s.stopping = true
		s.manager.send("STOPPING=1", "STATUS="+status)
	}
}

func (s *supervisor) judge(answer error) {
	if s.stopping {
		return
	}
	wasHealthy := s.health.healthy
	if s.health.observe(answer, time.Now()) {
		s.giveUp(answer)
		return
	}
	s.question = time.After(s.pause())
	switch {
	case answer != nil:
		s.reportFailure(answer)
	case !s.ready:
		s.becomeReady("healthy")
	case !wasHealthy:
		complain("healthy again")
		s.manager.status("healthy")
		// The next regular beat may come too late after the ones left out.
		s.beat()
	}
}

func (s *supervisor) pause() time.Duration {
	if s.ready || s.health.counting {
		return s.options.interval
	}
	return min(s.options.interval, startInterval)
}

func (s *supervisor) becomeReady(status string) {
	s.ready = true
	s.manager.send("READY=1", "STATUS="+status)
}

func (s *supervisor) reportFailure(reason error) {
	if s.health.failures == 0 {
		s.manager.status(fmt.Sprintf("not healthy yet: %v", reason))
		return
	}
	text := fmt.Sprintf("unhealthy (%d of %d): %v", s.health.failures, s.options.retries, reason)
	complain("%s", text)
	s.manager.status(text)
}

func (s *supervisor) beat() {
	if s.ready && s.health.healthy && s.manager.watchdog > 0 {
		s.manager.send("WATCHDOG=1")
	}
}

func (s *supervisor) giveUp(reason error) {
	text := fmt.Sprintf("unhealthy (%d of %d): %v; stopping", s.health.failures, s.options.retries, reason)
	complain("%s", text)
	s.gaveUp = true
	s.stop(text)
	if err := s.child.signal(syscall.SIGTERM); err != nil {
		complain("cannot send %v: %v", syscall.SIGTERM, err)
	}
	s.patience = time.After(s.options.stopTimeout)
}

func (s *supervisor) finish(code int) int {
	if !s.gaveUp {
		return code
	}
	// A helper process that stays would hold the port of the next start.
	s.child.kill()
	return exitUnhealthy
}
