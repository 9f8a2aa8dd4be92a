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

// How long the end waits for answers that are under way: at first without a word, then as
// long as Vault's may take.
const (
	silentPatience = 2 * time.Second
	closePatience  = 100 * time.Second
)

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
	server := newServer(guard.Wrap(serve.New(vault, guard, o.Mount, time.Now)))
	remove := show(ctx, guard.StartURL(), o.NoBrowser, stdout, stderr)
	defer remove()
	ended := make(chan struct{})
	stopped := context.AfterFunc(ctx, func() { //nolint:contextcheck // ctx is over by then
		defer close(ended)
		end(server, stderr)
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}

// newServer returns the server of the pages. It has no ReadTimeout: that would not only bound
// how long a request takes to arrive but end its handler's context, in the middle of what
// Vault takes its time for. How long a form may take to arrive is the session's.
func newServer(pages http.Handler) *http.Server {
	return &http.Server{
		Handler: pages, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
}

// end waits for the answers that are under way: a rotation that is cut off may have changed
// the credential at the upstream and be stored nowhere.
func end(server *http.Server, stderr io.Writer) {
	for _, wait := range []time.Duration{silentPatience, closePatience} {
		late, cancel := context.WithTimeout(context.Background(), wait)
		err := server.Shutdown(late)
		cancel()
		if err == nil {
			return
		}
		if wait == silentPatience {
			_, _ = fmt.Fprintln(stderr, "sei-console: waiting for Vault's answer to what is under way; Ctrl-C again ends at once")
		}
	}
	_ = server.Close()
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
