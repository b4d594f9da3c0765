//go:build unix

// The lock verb: a lock on a host that dies with whoever holds it. The kernel
// frees it with the process, and the process ends with its SSH session.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const lockUsage = `usage: tender lock --file PATH --holder TEXT [flags]

Take the lock PATH, print {"token":N}, and hold it until standard input ends,
TERM comes, or no byte has come for the time of --ttl. N only grows. When
somebody else holds the lock, print who, and exit 75. Its folder is made.

  --file PATH     the lock; several are held together, by one token, or none is
  --holder TEXT   who holds it, for the others
  --wait D        how long to wait for the lock (default 0s)
  --ttl D         how long the holder may be silent; 0s is for ever (default 4s)
`

const (
	lockPause = 50 * time.Millisecond
	// stepTime is the least time that a step of the holder before has to end.
	stepTime = 2 * time.Second
)

var errBusy = errors.New("busy")

// busyError is errBusy of the lock at a path.
type busyError struct {
	path string
	with string
}

func (e *busyError) Error() string { return errBusy.Error() + e.with }

type lockOptions struct {
	files  []string
	holder string
	wait   time.Duration
	ttl    time.Duration
}

// holder is the content of the lock's file, for those who find it taken.
type holder struct {
	Holder string    `json:"holder"`
	Since  time.Time `json:"since"`
	PID    int       `json:"pid"`
	Token  int64     `json:"token"`
}

type granted struct {
	Token int64 `json:"token"`
}

func lockVerb(args []string) int {
	o, err := parseLock(args)
	if err != nil {
		return refuse(lockUsage, err)
	}
	files, token, err := take(o)
	if busy := (*busyError)(nil); errors.As(err, &busy) {
		return tellHolder(busy)
	}
	if err == nil {
		defer closeAll(files)
		err = json.NewEncoder(os.Stdout).Encode(granted{Token: token})
	}
	if err == nil {
		err = hold(o.ttl)
		for _, file := range files {
			// Nobody should read in it who has gone.
			_ = file.Truncate(0)
		}
	}
	if err != nil {
		complain("lock: %v", err)
		return exitFailed
	}
	return exitOK
}

func parseLock(args []string) (lockOptions, error) {
	var o lockOptions
	flags := newFlagSet("lock")
	flags.Func("file", "", func(path string) error {
		if path == "" {
			return errors.New("is empty")
		}
		o.files = append(o.files, filepath.Clean(path))
		return nil
	})
	flags.StringVar(&o.holder, "holder", "", "")
	flags.DurationVar(&o.wait, "wait", 0, "")
	flags.DurationVar(&o.ttl, "ttl", 4*time.Second, "")
	if err := parseFlagsOnly(flags, args); err != nil {
		return o, err
	}
	// In one order for everybody, and none twice, so that nobody waits in vain.
	slices.Sort(o.files)
	o.files = slices.Compact(o.files)
	switch {
	case len(o.files) == 0:
		return o, errors.New("lock: --file is missing")
	case o.holder == "":
		return o, errors.New("lock: --holder is missing")
	case o.wait < 0:
		return o, errors.New("--wait must not be negative")
	case o.ttl < 0:
		return o, errors.New("--ttl must not be negative")
	}
	return o, nil
}

// take returns the files, which are the locks for as long as they are open, and
// the holder's token.
func take(o lockOptions) (files []*os.File, token int64, err error) {
	until := time.Now().Add(o.wait)
	defer func() {
		if err != nil {
			closeAll(files)
		}
	}()
	for _, path := range o.files {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return files, 0, err
		}
		file, err := lockFile(path, syscall.LOCK_EX, until)
		if errors.Is(err, errBusy) {
			err = &busyError{path: path}
		}
		if err != nil {
			return files, 0, err
		}
		files = append(files, file)
	}
	if least := time.Now().Add(stepTime); until.Before(least) {
		until = least
	}
	if token, err = nextToken(o.files, until); err != nil {
		return files, 0, err
	}
	signed := holder{Holder: o.holder, Since: time.Now().UTC(), PID: os.Getpid(), Token: token}
	for _, file := range files {
		if err = sign(file, signed); err != nil {
			return files, 0, err
		}
	}
	return files, token, nil
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

func sign(file *os.File, h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(text, '\n'), 0)
	return err
}

// tellHolder says who is in the way. Whoever takes the lock at this moment has
// not signed yet.
func tellHolder(busy *busyError) int {
	there := holder{Holder: "unknown"}
	text, err := os.ReadFile(busy.path)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &there)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(there)
	}
	if err != nil {
		complain("lock: %v", err)
	}
	complain("lock: %s is %v: %s, since %s", busy.path, busy, there.Holder, there.Since.Format(time.RFC3339))
	return exitBusy
}

// hold returns when the holder lets go, and with an error when it is silent.
func hold(ttl time.Duration) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt, syscall.SIGHUP)
	beats := make(chan error)
	go hear(beats)
	for {
		var silence <-chan time.Time
		if ttl > 0 {
			silence = time.After(ttl)
		}
		select {
		case err := <-beats:
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		case <-signals:
			return nil
		case <-silence:
			return fmt.Errorf("the holder was silent for %s", ttl)
		}
	}
}

// hear sends nil for what comes, and the error that ends it.
func hear(beats chan<- error) {
	buffer := make([]byte, 512)
	for {
		_, err := os.Stdin.Read(buffer)
		beats <- err
		if err != nil {
			return
		}
	}
}

// lockFile opens a file and takes its lock, exclusive or shared, or returns
// errBusy when it is not free in time.
func lockFile(path string, how int, until time.Time) (*os.File, error) {
	flags := os.O_RDONLY // what leads back works on a disk that has become read-only, too
	if how == syscall.LOCK_EX {
		flags = os.O_RDWR | os.O_CREATE
	}
	for ; ; time.Sleep(lockPause) {
		file, err := os.OpenFile(path, flags, 0o600)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if err == nil && isAt(file, path) {
			return file, nil
		}
		file.Close()
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, err
		}
		if time.Now().After(until) {
			return nil, errBusy
		}
	}
}

// isAt is false when the file was removed or replaced since it was opened: its
// lock would keep nobody out.
func isAt(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}
