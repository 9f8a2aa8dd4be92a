// Command try tells the engine's story in short, without a Vault:
//
//	try PLUGIN
//
// It starts the built plugin as Vault does, with storage in memory and a fake Jira on
// loopback, and checks each answer: it exits 0 only if every step did what it says.
// Usually run by make try.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"vault-plugin-secrets-sei/acceptance/host"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "try:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: try PLUGIN")
	}
	began := time.Now()
	program, err := host.Register(args[0])
	if err != nil {
		return err
	}
	h, err := program.Start(ctx, io.Discard)
	if err != nil {
		return err
	}
	defer h.Close()
	s, err := newStory(ctx, h)
	if err != nil {
		return err
	}
	defer s.close(ctx)
	if err := s.tell(ctx); err != nil {
		return err
	}
	fmt.Printf("\nDone: every step did what it says (%.1f s).\n", time.Since(began).Seconds())
	fmt.Print(ending)
	return nil
}

const ending = `
This was the real plugin, and no Vault: tokens, policies, the audit log and the
vault command are Vault's. Next:

  make demo    the whole story on a real Vault, which is built on first use
  make dev     the same, to try things out by hand
`
