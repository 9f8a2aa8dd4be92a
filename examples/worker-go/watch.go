package main

import (
	"context"
	"log"
	"time"
)

const (
	// waitFor is how long one read waits: less than api.Client does, which is 60 s.
	waitFor = 20 * time.Second
	// retryPause is after a read that failed.
	retryPause = 5 * time.Second
)

// watch begins to wait, beside the work, for the credential that is to be used next.
func (w *worker) watch(ctx context.Context) {
	have := w.creds.fingerprint
	w.watching.Do(func() {
		go func() {
			for ctx.Err() == nil {
				have = w.await(ctx, have)
			}
		}()
	})
}

// await waits until another token than have is to be used, or for a while, and returns the
// one that is to be used then. An older engine does not wait, and neither does one in which
// too many wait already: then the same comes back early, and ttl says when to ask again.
func (w *worker) await(ctx context.Context, have string) string {
	asked := time.Now()
	creds, err := w.read(ctx, map[string][]string{"fingerprint": {have}, "wait": {waitFor.String()}})
	switch {
	case ctx.Err() != nil:
		return have
	case err != nil:
		log.Print("waiting: ", err)
		_ = sleep(ctx, retryPause)
		return have
	case creds.fingerprint == have:
		if time.Since(asked) < waitFor-time.Second {
			_ = sleep(ctx, creds.ttl)
		}
		return have
	case !creds.exhausted:
		w.news.Store(true)
	}
	return creds.fingerprint
}
