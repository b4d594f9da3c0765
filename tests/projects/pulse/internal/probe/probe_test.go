package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func answering(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, address string, timeout time.Duration) (Result, error) {
	t.Helper()
	target, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return Get(context.Background(), target, timeout)
}

// Only a 2xx answer is healthy.
func TestHealthyByStatus(t *testing.T) {
	for status, want := range map[int]bool{200: true, 204: true, 304: false, 404: false, 503: false} {
		server := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		got, err := get(t, server.URL, time.Minute)
		if err != nil || want != got.Healthy {
			t.Errorf("%d: want healthy %v, got %+v, error %v", status, want, got, err)
		}
	}
}

// An endpoint that hangs is an error that names the timeout.
func TestTimeout(t *testing.T) {
	server := answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := get(t, server.URL, 20*time.Millisecond)
	if err == nil || err.Error() != "no answer within 20ms" {
		t.Errorf("want the timeout named, got %v", err)
	}
}

// Nobody listening is an error.
func TestRefused(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	if _, err := get(t, server.URL, time.Minute); err == nil {
		t.Error("want an error, got none")
	}
}

// Only absolute http and https URLs are accepted.
func TestParseURL(t *testing.T) {
	for _, text := range []string{"localhost:8080", "ftp://host/", "http://", "/health", "http://a b/"} {
		if _, err := ParseURL(text); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: want an error that names it, got %v", text, err)
		}
	}
}
