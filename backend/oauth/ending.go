package oauth

import (
	"errors"
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

const (
	// endingLife is for how long a request that is sent again is told the same.
	endingLife = time.Minute
	// maxEndings bounds what is remembered.
	maxEndings = 256
)

// endings are the refusals of authorizations that were finished a moment ago, in
// memory. The zero value is ready.
type endings struct {
	mu   sync.Mutex
	last map[string]ending
}

type ending struct {
	at  time.Time
	err error
}

// endingKey stands for a request to finish; states and codes are not kept.
func endingKey(state, code providers.Secret, name string) string {
	return backend.FlowKey(providers.NewSecret(state.Reveal() + " " + code.Reveal() + " " + name))
}

// note remembers how a request ended, if that was a refusal.
func (e *endings) note(state, code providers.Secret, name string, now time.Time, err error) {
	var refused *backend.Error
	if !errors.As(err, &refused) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for key, old := range e.last {
		if now.Sub(old.at) >= endingLife {
			delete(e.last, key)
		}
	}
	if e.last == nil {
		e.last = map[string]ending{}
	}
	if len(e.last) < maxEndings {
		e.last[endingKey(state, code, name)] = ending{now, err}
	}
}

// of returns how the same request ended a moment ago, else otherwise.
func (e *endings) of(state, code providers.Secret, name string, now time.Time, otherwise error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, ok := e.last[endingKey(state, code, name)]; ok && now.Sub(last.at) < endingLife {
		return last.err
	}
	return otherwise
}
