package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// credential is what the engine handed out. Nothing of it but the fingerprint may be
// printed.
type credential struct {
	headers     map[string]string
	fingerprint string
	ttl         time.Duration
	readAgain   time.Time
	// exhausted is set if no token of the pool has quota left; ttl is then until one has.
	exhausted bool
}

// credential returns the one to use now. It reads it if there is none, if its time is over or
// if watch heard of another, which may be older than what was read and reported since and so is
// only a reason to read. While every token's quota is used up it waits.
func (w *worker) credential(ctx context.Context) (*credential, error) {
	if w.news.Swap(false) {
		w.creds = nil
	}
	for w.creds == nil || !time.Now().Before(w.creds.readAgain) {
		creds, err := w.read(ctx, nil)
		if err != nil {
			return nil, err
		}
		if creds.exhausted {
			log.Printf("the quota of every token is used up; waiting %s", creds.ttl)
			if err := sleep(ctx, creds.ttl); err != nil {
				return nil, err
			}
			continue
		}
		w.creds = creds
		w.watch(ctx)
	}
	return w.creds, nil
}

// yield makes room after the upstream said that it is enough for now. If the engine has
// no better token than the one that was limited, it waits as long as the upstream says.
func (w *worker) yield(ctx context.Context, before *credential, s seen) error {
	w.creds = nil
	creds, err := w.credential(ctx)
	if err != nil || creds.fingerprint != before.fingerprint {
		return err
	}
	log.Printf("the upstream limits token %s; waiting until %s", before.fingerprint, s.goOn.Format(time.RFC3339))
	w.creds = nil
	return sleep(ctx, max(time.Second, time.Until(s.goOn)))
}

// read reads the credential; query is what is asked beside the resource.
func (w *worker) read(ctx context.Context, query map[string][]string) (*credential, error) {
	asked := map[string][]string{"resource": {w.resource}}
	maps.Copy(asked, query)
	secret, err := w.vault.ReadWithDataWithContext(ctx, w.path, asked)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if secret == nil { // a 404
		return nil, fmt.Errorf("there is no integration, or no credential, at %s", w.path)
	}
	creds := &credential{headers: map[string]string{}}
	headers, _ := secret.Data["headers"].(map[string]any)
	for name, value := range headers {
		creds.headers[name], _ = value.(string)
	}
	creds.fingerprint, _ = secret.Data["fingerprint"].(string)
	seconds, err := secondsOf(secret)
	if err != nil || creds.fingerprint == "" || len(creds.headers) == 0 {
		return nil, errors.Join(fmt.Errorf("%s is not a path that hands out credentials", w.path), err)
	}
	creds.ttl = time.Duration(seconds) * time.Second
	creds.readAgain = time.Now().Add(creds.ttl)
	for _, warning := range secret.Warnings {
		log.Print("warning: ", warning)
		creds.exhausted = creds.exhausted || strings.HasPrefix(warning, "the quota of every token")
	}
	return creds, nil
}

func secondsOf(secret *api.Secret) (int64, error) {
	number, ok := secret.Data["ttl"].(json.Number)
	if !ok {
		return 0, errors.New("there is no ttl")
	}
	return number.Int64()
}
