// Command servers runs the suites of acceptance/ and the demo on several servers, and writes
// which passed where:
//
//	servers [-suite NAME] [-write] PROGRAM...
//
// A PROGRAM is a Vault or an OpenBao; an empty one is left out. Results are kept in
// docs/compatibility.json as they come, each with its date, so that a run of one server or
// of one suite replaces no other. At the end docs/compatibility.md is made of them. It is not
// made, and the command fails, if a suite failed or a server lacks one; -write only makes it.
//
// It runs in the root of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

const (
	resultsFile = "docs/compatibility.json"
	pageFile    = "docs/compatibility.md"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("servers", flag.ContinueOnError)
	only := flags.String("suite", "", "run this suite alone")
	writeOnly := flags.Bool("write", false, "run nothing, and make the page of the results")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := readResults(resultsFile)
	if err != nil {
		return err
	}
	if !*writeOnly {
		chosen, err := chosenSuites(*only)
		if err != nil {
			return err
		}
		if err := runAll(ctx, all, flags.Args(), chosen); err != nil {
			return err
		}
	}
	text, err := page(all, expectedServers)
	if err != nil {
		return fmt.Errorf("%s is not written: %w", pageFile, err)
	}
	return os.WriteFile(pageFile, []byte(text), 0o644) //nolint:gosec // a page for all to read
}

// started is a server, and the path of its program.
type started struct{ path, server string }

// find finds all servers before the first suite runs, which takes long.
func find(ctx context.Context, programs []string) ([]started, error) {
	var all []started
	for _, program := range programs {
		if program == "" {
			continue
		}
		path, err := exec.LookPath(program)
		if err == nil {
			path, err = filepath.Abs(path) // tests run in other folders
		}
		if err != nil {
			return nil, err
		}
		server, err := serverOf(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, started{path, server})
	}
	return all, nil
}

// runAll runs the suites on each server, and goes on after one that failed. What has passed
// is kept at once.
func runAll(ctx context.Context, all results, programs []string, chosen []suite) error {
	servers, err := find(ctx, programs)
	if err != nil {
		return err
	}
	var failed error
	for _, on := range servers {
		for _, s := range chosen {
			failed = errors.Join(failed, all.take(ctx, s, on.server, on.path))
			if ctx.Err() != nil {
				return failed
			}
		}
	}
	return failed
}

// take runs a suite on a server and keeps how it ended: a failure leaves no result, be there
// one of an earlier day.
func (r results) take(ctx context.Context, s suite, server, program string) error {
	fmt.Printf("\n== %s on %s\n", s.name, server)
	passed, err := s.run(ctx, program)
	if ctx.Err() != nil { // somebody ended it: what is kept of an earlier day stays
		return fmt.Errorf("%s on %s: %w", s.name, server, ctx.Err())
	}
	if err != nil {
		err = fmt.Errorf("%s on %s: %w", s.name, server, err)
		r.remove(server, s.name)
	} else {
		r.set(server, s.name, passed)
	}
	return errors.Join(err, r.write(resultsFile))
}
