// Package probe asks an HTTP endpoint once whether it is healthy.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// maxBody bounds what is read of an answer: a health endpoint has no reason to say more.
const maxBody = 1 << 20

// Result is an answer that arrived.
type Result struct {
	Status  string        // as on the wire: "200 OK"
	Healthy bool          // the status is 2xx and the body arrived whole
	Took    time.Duration // from the request to the end of the body
}

// ParseURL accepts an absolute http or https URL.
func ParseURL(text string) (*url.URL, error) {
	target, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if (target.Scheme != "http" && target.Scheme != "https") || target.Host == "" {
		return nil, fmt.Errorf("%q: expected http://HOST or https://HOST", text)
	}
	return target, nil
}

// Get asks target once; the error says that no whole answer came in time.
func Get(ctx context.Context, target *url.URL, timeout time.Duration) (Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("no answer within "+timeout.String()))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return Result{}, because(ctx, err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody)); err != nil {
		return Result{}, because(ctx, err)
	}
	healthy := answer.StatusCode >= 200 && answer.StatusCode < 300
	return Result{Status: answer.Status, Healthy: healthy, Took: time.Since(start)}, nil
}

// because names the timeout where it is the reason, instead of "context deadline exceeded".
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
