// One question and its matchers, so that probe and run mean the same by healthy.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds what a probe reads, in bytes: a health page is small, and a
// probe must not grow with what a broken service sends.
const maxBody = 1 << 20

// check is what a healthy answer looks like.
type check struct {
	url          string
	status       int
	bodyContains string
	json         []member
	timeout      time.Duration
}

// member is one expected value in a JSON body, by its dotted key.
type member struct {
	key   string
	value string
}

// ask makes one GET request and returns nil when the answer is healthy, else
// the reason in one line.
func (c check) ask() error {
	// No proxy from the environment and no redirect: the service itself is asked.
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       c.timeout,
	}
	request, err := http.NewRequest(http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "tender/"+version)
	response, err := client.Do(request)
	if err != nil {
		return c.reason(err)
	}
	defer response.Body.Close()
	return c.match(response)
}

func (c check) match(response *http.Response) error {
	if response.StatusCode != c.status {
		return fmt.Errorf("status %d, expected %d", response.StatusCode, c.status)
	}
	if c.bodyContains == "" && len(c.json) == 0 {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return c.reason(err)
	}
	if !bytes.Contains(body, []byte(c.bodyContains)) {
		return fmt.Errorf("body does not contain %q", c.bodyContains)
	}
	for _, expected := range c.json {
		if err := expected.match(body); err != nil {
			return err
		}
	}
	return nil
}

// reason drops method and URL, which whoever reads the line knows already.
func (c check) reason(err error) error {
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return fmt.Errorf("no complete answer within %s", c.timeout)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// match compares with the value's JSON text and, for a string, also without
// its quotes.
func (m member) match(body []byte) error {
	if !json.Valid(body) {
		return errors.New("body is not JSON, or longer than 1 MiB")
	}
	raw, found := m.find(body)
	if !found {
		return fmt.Errorf("JSON body has no %q", m.key)
	}
	var text bytes.Buffer
	if err := json.Compact(&text, raw); err != nil {
		return err
	}
	var plain string
	if json.Unmarshal(raw, &plain) == nil && raw[0] == '"' && plain == m.value {
		return nil
	}
	if text.String() == m.value {
		return nil
	}
	return fmt.Errorf("JSON %s is %.80s, expected %s", m.key, text.String(), m.value)
}

func (m member) find(body []byte) (json.RawMessage, bool) {
	raw := json.RawMessage(body)
	for name := range strings.SplitSeq(m.key, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil, false
		}
		inner, found := object[name]
		if !found {
			return nil, false
		}
		raw = inner
	}
	return raw, true
}
