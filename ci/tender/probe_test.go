// The probe against real servers, one behaviour of an answer at a time.
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func answering(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Each matcher decides over status and body, and an unhealthy answer is one line.
func TestProbeMatchers(t *testing.T) {
	const page = `{"status": "ok", "ready": true, "load": 1.50, "none": null,
		"checks": {"database": {"state": "up"}, "list": [1, 2]}}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		args   []string
		reason string // empty: healthy
	}{
		{"default status", 200, "", nil, ""},
		{"other status", 503, "", nil, "status 503, expected 200"},
		{"expected other status", 204, "", []string{"--status", "204"}, ""},
		{"body contains", 200, "all is well", []string{"--body-contains", "well"}, ""},
		{"body lacks", 200, "all is ill", []string{"--body-contains", "well"}, `body does not contain "well"`},
		{"json string", 200, page, []string{"--json", "status=ok"}, ""},
		{"json string as JSON text", 200, page, []string{"--json", `status="ok"`}, ""},
		{"json truth", 200, page, []string{"--json", "ready=true"}, ""},
		{"json number is text", 200, page, []string{"--json", "load=1.50"}, ""},
		{"json null", 200, page, []string{"--json", "none=null"}, ""},
		{"json null is not empty", 200, page, []string{"--json", "none="}, "JSON none is null, expected "},
		{"json list", 200, page, []string{"--json", "checks.list=[1,2]"}, ""},
		{"json dotted", 200, page, []string{"--json", "checks.database.state=up"}, ""},
		{"json value with equals sign", 200, `{"q":"a=b"}`, []string{"--json", "q=a=b"}, ""},
		{"json other value", 200, page, []string{"--json", "status=down"}, `JSON status is "ok", expected down`},
		{"json absent", 200, page, []string{"--json", "checks.cache=up"}, `JSON body has no "checks.cache"`},
		{"json through a string", 200, page, []string{"--json", "status.deep=up"}, `JSON body has no "status.deep"`},
		{"json all must match", 200, page, []string{"--json", "status=ok", "--json", "ready=false"}, "JSON ready is true"},
		{"not json", 200, "<html>", []string{"--json", "status=ok"}, "body is not JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := answering(t, c.status, c.body)
			code, stdout, stderr := execute(t, append([]string{"probe", url}, c.args...)...)
			expect(t, "stdout", "", stdout)
			if c.reason == "" {
				expect(t, "exit code", 0, code)
				expect(t, "stderr", "", stderr)
				return
			}
			expect(t, "exit code", 1, code)
			expectContains(t, "tender: unhealthy: "+c.reason, stderr)
			expect(t, "lines", 1, strings.Count(stderr, "\n"))
		})
	}
}

// Flags may stand on both sides of the URL.
func TestProbeFlagsAroundURL(t *testing.T) {
	url := answering(t, 202, "fine")
	code, _, stderr := execute(t, "probe", "--status", "202", url, "--body-contains=fine")
	expect(t, "exit code", 0, code)
	expect(t, "stderr", "", stderr)
}

// A redirect is an answer of its own and is not followed.
func TestProbeDoesNotFollowRedirects(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	code, _, stderr := execute(t, "probe", server.URL)
	expect(t, "exit code", 1, code)
	expectContains(t, "status 302, expected 200", stderr)
	code, _, _ = execute(t, "probe", server.URL, "--status", "302")
	expect(t, "exit code", 0, code)
}

// Nobody listening, and silence after the connection, are unhealthy.
func TestProbeWithoutAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	code, _, stderr := execute(t, "probe", url, "--timeout", "50ms")
	expect(t, "exit code", 1, code)
	expectContains(t, "no complete answer within 50ms", stderr)
	listener.Close()
	code, _, stderr = execute(t, "probe", url)
	expect(t, "exit code", 1, code)
	expectContains(t, "unhealthy: dial tcp", stderr)
}

// The timeout also ends an answer whose body never does.
func TestProbeTimeoutCoversBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "so far")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	code, _, stderr := execute(t, "probe", server.URL, "--timeout", "100ms", "--body-contains", "far")
	expect(t, "exit code", 1, code)
	expectContains(t, "no complete answer within 100ms", stderr)
}

// Only the first MiB is read: a string beyond it is not found, and an endless
// body does not hold up the probe.
func TestProbeBodyIsBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, strings.Repeat("x", maxBody-4), "near", "beyond")
		for err := error(nil); err == nil; {
			_, err = fmt.Fprint(w, strings.Repeat("x", 4096))
		}
	}))
	t.Cleanup(server.Close)
	began := time.Now()
	code, _, _ := execute(t, "probe", server.URL, "--body-contains", "near")
	expect(t, "exit code", 0, code)
	code, _, _ = execute(t, "probe", server.URL, "--body-contains", "beyond")
	expect(t, "exit code", 1, code)
	expect(t, "quick", true, time.Since(began) < 4*time.Second)
}

// A proxy of the environment is not asked: it could answer for a dead service.
func TestProbeIgnoresProxy(t *testing.T) {
	proxy := answering(t, 200, "from the proxy")
	p := newProcess(t, "probe", "http://shipways.invalid/", "--timeout", "2s")
	p.Env = append(p.Env, "HTTP_PROXY="+proxy, "http_proxy="+proxy)
	p.begin(t)
	expect(t, "exit code", 1, p.end(t))
}
