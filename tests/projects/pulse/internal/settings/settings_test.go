package settings

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pulse.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each source wins over the ones below it, and only for the fields that it sets.
func TestPrecedence(t *testing.T) {
	both := `{"addr": "127.0.0.1:1", "log": "warn"}`
	cases := map[string]struct {
		file  string
		env   map[string]string
		flags Settings
		want  Settings
	}{
		"nothing set":      {want: Settings{Addr: "127.0.0.1:8080", Log: "info"}},
		"file":             {file: both, want: Settings{Addr: "127.0.0.1:1", Log: "warn"}},
		"env over file":    {file: both, env: map[string]string{"PULSE_ADDR": ":2"}, want: Settings{Addr: ":2", Log: "warn"}},
		"flags over env":   {env: map[string]string{"PULSE_LOG": "debug"}, flags: Settings{Log: "error"}, want: Settings{Addr: "127.0.0.1:8080", Log: "error"}},
		"flags over file":  {file: both, flags: Settings{Addr: "[::1]:3"}, want: Settings{Addr: "[::1]:3", Log: "warn"}},
		"env fills a file": {file: `{"addr": ":4"}`, env: map[string]string{"PULSE_LOG": "debug"}, want: Settings{Addr: ":4", Log: "debug"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = configFile(t, c.file)
			}
			got, err := Load(path, env(c.env), c.flags)
			if err != nil || c.want != got {
				t.Errorf("want %+v, got %+v, error %v", c.want, got, err)
			}
		})
	}
}

// A wrong setting is an error that names it.
func TestProblems(t *testing.T) {
	cases := map[string]struct {
		file string
		env  map[string]string
		want string
	}{
		"unknown key":   {file: `{"adress": ":1"}`, want: `unknown field "adress"`},
		"not JSON":      {file: `addr = ":1"`, want: "invalid character"},
		"two values":    {file: `{} {}`, want: "more than one JSON value"},
		"unknown level": {env: map[string]string{"PULSE_LOG": "loud"}, want: `log level "loud"`},
		"no port":       {env: map[string]string{"PULSE_ADDR": "localhost"}, want: "missing port"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := ""
			if c.file != "" {
				path = configFile(t, c.file)
			}
			_, err := Load(path, env(c.env), Settings{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

// A config file that was asked for must exist.
func TestMissingFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.json"), env(nil), Settings{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want a not-exist error, got %v", err)
	}
}

// The level's name reaches slog.
func TestLevel(t *testing.T) {
	if got := (Settings{Log: "debug"}).Level(); slog.LevelDebug != got {
		t.Errorf("want %v, got %v", slog.LevelDebug, got)
	}
}
