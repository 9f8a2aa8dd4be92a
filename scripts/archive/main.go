// Command archive packs files into a zip archive, for scripts/release.sh:
//
//	archive OUT.zip FILE=NAME...
//
// Each FILE becomes NAME in the archive, in this order: NAME is executable where the file
// is. All else that could differ by machine or day is the same in every archive, so the
// same files, names and Go give the same bytes.
package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: archive OUT.zip FILE=NAME")
	}
	out, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // whoever calls it says where; a release is for all to read
	if err != nil {
		return err
	}
	err = errors.Join(pack(out, args[1:]), out.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(args[0])) //nolint:gosec // the file that this made
	}
	return err
}

func pack(out io.Writer, files []string) error {
	archive := zip.NewWriter(out)
	for _, file := range files {
		path, name, ok := strings.Cut(file, "=")
		if !ok || !fs.ValidPath(name) {
			return fmt.Errorf("%s is no FILE=NAME", file)
		}
		if err := add(archive, path, name); err != nil {
			return err
		}
	}
	return archive.Close()
}

func add(archive *zip.Writer, path, name string) error {
	file, err := os.Open(path) //nolint:gosec // whoever calls it says which
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	// The first time that the format has.
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o644)
	if info.Mode()&0o111 != 0 {
		header.SetMode(0o755)
	}
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(entry, file)
	return err
}
