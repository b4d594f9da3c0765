//go:build unix

// Changes on disk that are there wholly or not at all, also after the power
// was cut.
package main

import (
	"os"
	"path/filepath"
)

// writeDurably replaces a file.
func writeDurably(path string, content []byte) error {
	fresh := path + ".new"
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(fresh)
		return err
	}
	return replace(fresh, path)
}

// replace makes fresh, in the same folder, take the place of path.
func replace(fresh, path string) error {
	if err := os.Rename(fresh, path); err != nil {
		os.Remove(fresh)
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
