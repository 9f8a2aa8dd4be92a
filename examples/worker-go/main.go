// Command worker-go shows how a worker uses a credential that the engine keeps: read
// it, use it, report what the upstream said of it, and go on with the next as soon as there
// is one, or when the upstream refuses it.
//
//	export VAULT_ADDR=https://vault.example.com VAULT_TOKEN=...
//	go run ./examples/worker-go -creds sei/creds/github-prod -url https://api.github.com/user -requests 20
//
// It needs a policy with read on the -creds path, and update on its /report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

// requestTimeout bounds one request at the upstream.
const requestTimeout = 30 * time.Second

func main() {
	log.SetFlags(log.Ltime)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &worker{http: &http.Client{
		Timeout: requestTimeout,
		// The headers hold a credential. They go to the address that was meant, and to
		// no other that it points to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	flag.StringVar(&w.path, "creds", "", "path of the credential, such as sei/creds/github-prod")
	flag.StringVar(&w.resource, "resource", "core", "what the requests count for: core, graphql, search")
	flag.StringVar(&w.url, "url", "", "address to get")
	requests := flag.Int("requests", 20, "how many requests to send")
	every := flag.Duration("every", time.Second, "time between two requests")
	flag.Parse()
	if w.path == "" || w.url == "" || flag.NArg() > 0 {
		flag.Usage()
		return errors.New("-creds and -url are needed, and nothing else")
	}
	// VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT and so on. A token that must be renewed is
	// the business of Vault Agent, or of api.LifetimeWatcher.
	vault, err := api.NewClient(api.DefaultConfig())
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	w.vault = vault.Logical()
	err = w.run(ctx, *requests, *every)
	if ctx.Err() != nil {
		return nil // told to end
	}
	return err
}

// worker sends requests with a credential that it reads when it has to.
type worker struct {
	vault               *api.Logical
	path, resource, url string
	http                *http.Client
	creds               *credential // nil: read before the next request
	// news is set once watch has heard of another than the one in use.
	news     atomic.Bool
	watching sync.Once
}

// run sends that many requests.
func (w *worker) run(ctx context.Context, requests int, every time.Duration) error {
	for n := range requests {
		if n > 0 {
			if err := sleep(ctx, every); err != nil {
				return err
			}
		}
		if err := w.work(ctx, n+1); err != nil {
			return err
		}
	}
	return nil
}

// work does one piece of work. A credential that is refused is read again at once, and
// only once: who goes on with a bad credential gets the account locked. When the
// upstream says that it is enough for now, it goes on with another token of the pool,
// or waits.
func (w *worker) work(ctx context.Context, n int) error {
	refused := false
	for {
		creds, err := w.credential(ctx)
		if err != nil {
			return err
		}
		seen, err := w.send(ctx, creds)
		if err != nil {
			return err
		}
		log.Printf("request %d: HTTP %d with token %s", n, seen.status, creds.fingerprint)
		w.report(ctx, creds, seen)
		switch {
		case seen.status == http.StatusUnauthorized && refused:
			return fmt.Errorf("the upstream refuses what %s hands out; vault read sei/health/NAME says more", w.path)
		case seen.status == http.StatusUnauthorized:
			refused, w.creds = true, nil
		case seen.limited:
			if err := w.yield(ctx, creds, seen); err != nil {
				return err
			}
		case seen.status >= http.StatusBadRequest:
			return fmt.Errorf("request %d: HTTP %d", n, seen.status) // not the credential's fault
		default:
			return nil
		}
	}
}

// send uses the credential: its headers are ready to set.
func (w *worker) send(ctx context.Context, creds *credential) (seen, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, http.NoBody)
	if err != nil {
		return seen{}, fmt.Errorf("-url: %w", err)
	}
	for name, value := range creds.headers {
		request.Header.Set(name, value)
	}
	response, err := w.http.Do(request)
	if err != nil {
		return seen{}, fmt.Errorf("upstream: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return observe(response, time.Now()), nil
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("told to end: %w", ctx.Err())
	}
}
