// Command suite runs go test for make, and says what was not run:
//
//	suite [-record FOLDER] [-in MODULE] [FLAGS OF GO TEST] PACKAGE...
//	suite -missing FOLDER
//
// It prints what go test prints, then which tests are left to make check and which
// were skipped, each with its reason. With -record it also keeps in a file of the folder
// what ran, with -in it does so in the folder of another module. With -missing it compares
// what ran with the tests that the sources have, and fails if there is one that nobody ran.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"

	"vault-plugin-secrets-sei/internal/layer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var failed *exec.ExitError
	switch {
	case errors.As(err, &failed): // go test has said why
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == "-missing" {
		return missing(ctx, args[1])
	}
	var folder, module string
	for len(args) > 2 && (args[0] == "-record" || args[0] == "-in") {
		if args[0] == "-in" {
			module = args[1]
		} else {
			folder = args[1]
		}
		args = args[2:]
	}
	if len(args) == 0 {
		return errors.New("usage: suite [-record FOLDER] [-in MODULE] [FLAGS OF GO TEST] PACKAGE... | suite -missing FOLDER")
	}
	r := newReport(os.Stdout, slices.Contains(args, "-v"))
	err := test(ctx, r, module, args)
	r.conclude(folder != "")
	if folder != "" {
		err = errors.Join(err, r.record(folder))
	}
	return err
}

// test runs go test. Ctrl-C reaches it by itself, with the tests.
func test(ctx context.Context, r *report, module string, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...) //nolint:gosec // make says which tests
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), layer.EnvRun+"="+rand.Text())
	if module != "" {
		cmd.Dir, cmd.Env = module, append(cmd.Env, "GOWORK=off")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	return errors.Join(r.read(out), cmd.Wait())
}
