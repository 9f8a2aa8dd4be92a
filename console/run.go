package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"vault-plugin-secrets-sei/console/launch"
	"vault-plugin-secrets-sei/console/serve"
	"vault-plugin-secrets-sei/console/session"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// Options are what the command line says.
type Options struct {
	// Mount is the path of the mount to show, "" for all that are found.
	Mount string
	// NoBrowser has the start link printed instead of opened.
	NoBrowser bool
}

// closePatience is how long the end waits for answers that are under way.
const closePatience = 2 * time.Second

// Run shows the console until ctx ends. Standard output gets the start link, and only where
// no browser was opened with it; standard error gets what a person should know.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	vault, err := vaultapi.New()
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on loopback: %w", err)
	}
	guard := session.New(listener.Addr(), func() {
		_, _ = fmt.Fprintln(stderr, "sei-console: somebody opened the start link a second time, or guessed at one, and was refused")
	})
	server := &http.Server{
		Handler: guard.Wrap(serve.New(vault, guard, o.Mount, time.Now)), ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	remove := show(ctx, guard.StartURL(), o.NoBrowser, stdout, stderr)
	defer remove()
	stopped := context.AfterFunc(ctx, func() { //nolint:contextcheck // ctx is over by then
		late, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		if server.Shutdown(late) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// show opens the browser at the start link, or prints the link. What it returns is for the end.
func show(ctx context.Context, link string, print bool, stdout, stderr io.Writer) func() {
	if !print {
		remove, err := launch.Browser(ctx, link)
		if err == nil {
			_, _ = fmt.Fprintln(stderr, "sei-console: opened in your browser; end with Ctrl-C. If nothing opens, use -no-browser.")
			return remove
		}
		_, _ = fmt.Fprintf(stderr, "sei-console: %v; open this link, which works once:\n", err)
	}
	_, _ = fmt.Fprintln(stdout, link)
	return func() {}
}
