//go:build unix

// What the proxy remembers over a restart.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
)

// state is the content of the state file; an empty backend is a pause.
type state struct {
	Backend string `json:"backend"`
}

// remembered is the backend of the state file. One that is missing or damaged
// names none: a proxy that does not start could not be told a better one.
func remembered(path, otherwise string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return otherwise, nil
	}
	if err != nil {
		return "", err
	}
	var s state
	if err = json.Unmarshal(text, &s); err == nil && s.Backend != "" {
		err = checkBackend(s.Backend)
	}
	if err != nil {
		complain("%s is damaged, and names no backend: %v", path, err)
		return otherwise, nil
	}
	return s.Backend, nil
}

func remember(path, backend string) error {
	text, err := json.Marshal(state{Backend: backend})
	if err != nil {
		return err
	}
	return writeDurably(path, append(text, '\n'))
}

// checkBackend takes addresses only: a name could mean another host tomorrow.
func checkBackend(address string) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil || parsed.Port() == 0 {
		return fmt.Errorf("%q is not IP:PORT", address)
	}
	return nil
}
