package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// run does it all. What it writes to out is to be sent to others; what it writes to
// person names hosts and settings, and is for whoever runs it.
func run(ctx context.Context, args, environ []string, out, person io.Writer) error {
	if len(args) != 2 || args[0] == "" {
		return errors.New("say what to try: make live PROVIDER=github; docs/live.md says the rest")
	}
	p, err := readPlan(args[0], environ)
	if err != nil {
		return err
	}
	results, err := p.try(ctx, args[1], person)
	if err != nil {
		return err
	}
	r := report{plan: p, results: results, version: args[1], date: time.Now().UTC()}
	return r.write(out)
}
