package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type outcome struct {
	code   int
	stdout string
	stderr string
}

func pulse(ctx context.Context, env map[string]string, args ...string) outcome {
	var stdout, stderr strings.Builder
	getenv := func(name string) string { return env[name] }
	code := run(ctx, args, terminal{getenv: getenv, stdout: &stdout, stderr: &stderr})
	return outcome{code, stdout.String(), stderr.String()}
}

// --version prints the name and the version that the build put in.
func TestVersion(t *testing.T) {
	want := outcome{code: exitOK, stdout: "pulse dev\n"}
	if got := pulse(context.Background(), nil, "--version"); want != got {
		t.Errorf("want %+v, got %+v", want, got)
	}
}

// --help of every command goes to stdout and is a success.
func TestHelp(t *testing.T) {
	want := outcome{code: exitOK, stdout: usage}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"check", "-h"}} {
		if got := pulse(context.Background(), nil, args...); want != got {
			t.Errorf("%v: want %+v, got %+v", args, want, got)
		}
	}
}

// A wrong command line is exit 2 with the reason on stderr.
func TestMisuse(t *testing.T) {
	cases := map[string][]string{
		"a command is needed":           {},
		`unknown command "sevre"`:       {"sevre"},
		"unknown flag: --port":          {"serve", "--port", "1"},
		`serve takes no argument`:       {"serve", "8080"},
		"check takes one URL":           {"check"},
		"expected http://HOST":          {"check", "localhost"},
		"missing port in address":       {"serve", "--addr", "localhost"},
		`log level "loud"`:              {"serve", "--log", "loud"},
		"config file: open none.json: ": {"serve", "--config", "none.json"},
	}
	for want, args := range cases {
		got := pulse(context.Background(), nil, args...)
		if exitUsage != got.code || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: want exit 2 and %q, got %+v", args, want, got)
		}
	}
}

// check answers by exit code, and prints what it saw.
func TestCheck(t *testing.T) {
	cases := map[int]outcome{
		200: {code: exitOK, stdout: "/health 200 OK in "},
		503: {code: exitFail, stdout: "/health 503 Service Unavailable in "},
	}
	for status, want := range cases {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		got := pulse(context.Background(), nil, "check", server.URL+"/health")
		server.Close()
		if want.code != got.code || !strings.HasPrefix(got.stdout, server.URL+want.stdout) {
			t.Errorf("%d: want %+v, got %+v", status, want, got)
		}
	}
}

// serve listens where the environment says, and a stop is exit 0.
func TestServeStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	got := pulse(ctx, map[string]string{"PULSE_ADDR": "127.0.0.1:0"}, "serve")
	if exitOK != got.code || !strings.Contains(got.stderr, "msg=listening addr=127.0.0.1:") || !strings.Contains(got.stderr, "msg=stopped") {
		t.Errorf("want a start, a stop and exit 0, got %+v", got)
	}
}

// A port that is taken is exit 1.
func TestServePortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	got := pulse(context.Background(), nil, "serve", "--addr", taken.Addr().String())
	if exitFail != got.code || !strings.Contains(got.stderr, "cannot listen") {
		t.Errorf("want exit 1, got %+v", got)
	}
}
