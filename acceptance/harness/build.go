package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// builds is the folder in the repository where the plugin is built, once for all packages
// of tests: Go links a program anew only if it is of other sources than the one there.
const builds = "build/acceptance"

// BuildPlugin builds the plugin as a version, and returns a folder that holds it and nothing
// else, because a development server registers everything that it finds there. The folder
// is the caller's, who removes it.
func BuildPlugin(ctx context.Context, version string) (string, error) {
	dir, err := os.MkdirTemp("", "sei-plugins-")
	if err != nil {
		return "", err
	}
	// Vault refuses a plugin folder behind a symbolic link, as /tmp is on macOS.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	built := filepath.Join(inRepository(builds), version)
	// Packages of tests run side by side: the second one finds what the first one built.
	unlock, err := lock(filepath.Join(built, "lock"))
	if err != nil {
		return dir, err
	}
	defer unlock()
	program := filepath.Join(built, PluginName)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-X vault-plugin-secrets-sei.version="+version, "-o", program, "./cmd/vault-plugin-secrets-sei")
	cmd.Dir, cmd.Env = inRepository("."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, copyProgram(filepath.Join(dir, PluginName), program)
}

// copyProgram copies, so that the next build changes no program that a server runs.
func copyProgram(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// lock waits until no other process has the file, which it makes. The process has it until
// it unlocks it, or ends.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}

// inRepository returns the path of a file of the repository, whichever package's tests run.
func inRepository(name string) string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}
