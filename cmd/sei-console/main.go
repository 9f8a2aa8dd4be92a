// Command sei-console shows the integrations of a Vault in the browser, with the rights of
// whoever starts it:
//
//	sei-console [-mount PATH] [-no-browser]
//
// It finds Vault and the token as the vault command does: VAULT_ADDR, VAULT_NAMESPACE,
// VAULT_CACERT and the others, VAULT_TOKEN or the token helper. It listens on loopback, on a
// free port, and ends with Ctrl-C.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"vault-plugin-secrets-sei/console"
)

// version is set when it is built.
var version = "v0.1.0-dev"

func main() {
	var o console.Options
	shown := flag.Bool("version", false, "print the version")
	flag.StringVar(&o.Mount, "mount", "", "the `PATH` of the mount, such as sei; otherwise every mount of the engine that your token may use")
	flag.BoolVar(&o.NoBrowser, "no-browser", false, "print the link on standard output, and open no browser; it works once")
	flag.Parse()
	if *shown {
		fmt.Println("sei-console", version)
		return
	}
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "sei-console: takes no arguments but flags; see -help")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C does not wait for answers
	err := console.Run(ctx, o, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sei-console:", err)
		os.Exit(1)
	}
}
