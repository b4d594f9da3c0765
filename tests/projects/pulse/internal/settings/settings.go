// Package settings decides what the server runs with, from flags, environment and a config file.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
)

// Settings are the choices of a user; in a source of settings, an empty field says nothing.
type Settings struct {
	Addr string `json:"addr"` // host:port, an empty host means every interface
	Log  string `json:"log"`  // debug, info, warn or error
}

var defaults = Settings{Addr: "127.0.0.1:8080", Log: "info"}

// Load merges flags over environment over file (no file when the path is empty) over the defaults, and checks the result.
func Load(path string, getenv func(string) string, flags Settings) (Settings, error) {
	file, err := read(path)
	if err != nil {
		return Settings{}, fmt.Errorf("config file: %w", err)
	}
	env := Settings{Addr: getenv("PULSE_ADDR"), Log: getenv("PULSE_LOG")}
	merged := defaults
	for _, source := range []Settings{file, env, flags} {
		merged = merged.under(source)
	}
	return merged, merged.problem()
}

// Level is the log level that the settings name.
func (s Settings) Level() slog.Level {
	level, _ := parseLevel(s.Log) // Load let only known names through
	return level
}

func (s Settings) under(over Settings) Settings {
	if over.Addr != "" {
		s.Addr = over.Addr
	}
	if over.Log != "" {
		s.Log = over.Log
	}
	return s
}

func (s Settings) problem() error {
	_, logErr := parseLevel(s.Log)
	_, _, addrErr := net.SplitHostPort(s.Addr)
	return errors.Join(logErr, addrErr)
}

func parseLevel(name string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return level, fmt.Errorf("log level %q: expected debug, info, warn or error", name)
	}
	return level, nil
}

func read(path string) (Settings, error) {
	if path == "" {
		return Settings{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields() // a misspelt key must not pass for the default
	var found Settings
	if err := decoder.Decode(&found); err != nil {
		return Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Settings{}, fmt.Errorf("%s: more than one JSON value", path)
	}
	return found, nil
}
