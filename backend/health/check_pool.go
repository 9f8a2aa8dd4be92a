package health

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// PerHost is how many checks go to one host at a time.
const PerHost = 4

// poolCheck is a check of the tokens of a pool, side by side as far as the host may be asked
// so.
type poolCheck struct {
	w     *Watch
	r     *result
	field string
	// tokens are all of the pool's, and order the positions of those to ask about.
	tokens []providers.Secret
	order  []int
	limit  time.Duration

	mu sync.Mutex
	// ends are the results by position, nil where a token was not reached.
	ends []*result
	// down is set once the upstream could not be reached.
	down *result
	err  error
	wg   sync.WaitGroup
}

// checkPool asks about the tokens of a pool, as many as the time is enough for; those that
// were not reached stay as they were. Once the upstream cannot be reached that is so for
// all: to wait for the time limit of each would take too long.
func (w *Watch) checkPool(ctx context.Context, r *result, how checkOptions) error {
	current := r.Record.Current
	field, tokens := poolField(current.Credential, len(current.Members))
	check := &poolCheck{w: w, r: r, field: field, tokens: tokens, limit: how.limit, ends: make([]*result, len(tokens))}
	for i := range tokens {
		at := (how.from + i) % len(tokens)
		if how.only == nil || how.only[current.Members[at].Fingerprint] {
			check.order = append(check.order, at)
		}
	}
	if err := check.run(ctx); err != nil {
		return err
	}
	check.note(how)
	r.noteUnreached()
	return nil
}

// run asks about the first token alone, since the host may be away, and then about the
// others with whatever the schedule lends.
func (l *poolCheck) run(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	hostname := l.w.configurations.Host(l.r.subject.Integration)
	lend := func() (func(), bool) {
		return l.w.turns.Lend(hostname, l.r.subject.Mount.MaxConcurrentChecks, l.w.now())
	}
	slots := make(chan struct{}, PerHost-1)
	for l.step(limited) {
		for l.helps(limited, slots, lend) {
			continue
		}
	}
	l.wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return l.err
}

// helps begins another one who asks, if there is a slot. It gives it back after each token,
// to another check that may wait.
func (l *poolCheck) helps(ctx context.Context, slots chan struct{}, lend func() (func(), bool)) bool {
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	giveBack, ok := lend()
	if !ok {
		<-slots
		return false
	}
	l.wg.Go(func() {
		defer func() { <-slots }()
		for more := true; ok && more; {
			more = l.step(ctx)
			giveBack()
			if more {
				giveBack, ok = lend()
			}
		}
	})
	return true
}

// step asks about the next token, if there is one and time for it.
func (l *poolCheck) step(ctx context.Context) (more bool) {
	l.mu.Lock()
	if len(l.order) == 0 || l.down != nil || l.err != nil || ctx.Err() != nil {
		l.mu.Unlock()
		return false
	}
	at := l.order[0]
	l.order = l.order[1:]
	l.mu.Unlock()
	end, err := l.ask(ctx, at)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil: // out of time: it was not reached
	case err != nil:
		l.err = err
	default:
		l.ends[at] = end
		if end.Code == string(providers.Unreachable) && !end.slow {
			l.down = end
		}
	}
	return true
}

// ask asks about one token. It may be in a goroutine of its own, where nobody else would
// catch a panic.
func (l *poolCheck) ask(ctx context.Context, at int) (end *result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fault.Panicked(cause)
		}
	}()
	end = l.r.single()
	alone := providers.NewCredential(map[string][]providers.Secret{l.field: {l.tokens[at]}})
	return end, l.w.ask(ctx, end, alone)
}

// note brings what was found into the result of the pool.
func (l *poolCheck) note(how checkOptions) {
	members := l.r.Record.Current.Members
	if how.only == nil && l.down == nil && !l.answered() {
		l.down = l.r.single()
		l.down.Code, l.down.Message = string(providers.Unreachable), "the upstream did not answer within the time of a check"
	}
	for i := range members {
		at := (how.from + i) % len(members)
		member, end := members[at], l.ends[at]
		switch {
		case how.only != nil && !how.only[member.Fingerprint]:
			l.r.unasked = append(l.r.unasked, member.Fingerprint)
			continue
		case end == nil && l.down != nil:
			end = l.down
		case end == nil:
			if len(l.r.unreached) == 0 {
				l.r.from = at
			}
			l.r.unreached = append(l.r.unreached, at+1)
			l.r.unasked = append(l.r.unasked, member.Fingerprint)
			continue
		}
		l.r.add(at, end)
	}
}

// answered reports whether there is a result of any token.
func (l *poolCheck) answered() bool {
	for _, end := range l.ends {
		if end != nil {
			return true
		}
	}
	return false
}

// noteUnreached says which tokens were not reached.
func (r *result) noteUnreached() {
	if len(r.unreached) == 0 {
		return
	}
	slices.Sort(r.unreached)
	positions := make([]string, 0, len(r.unreached))
	for _, at := range r.unreached {
		positions = append(positions, strconv.Itoa(at))
	}
	r.notes = append(r.notes, fmt.Sprintf("the check ended before all %d tokens of the pool were asked about: what is known of tokens %s is as it was; the next check, by hand or by itself, begins with them",
		len(r.Record.Current.Members), strings.Join(positions, ", ")))
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// unconfirmed are the tokens whose rejection has to be confirmed after a check: those that
// it doubts, and those suspected before that it did not come to.
func (r *result) unconfirmed(doubtful []string, suspects map[string]bool) []string {
	for _, fingerprint := range r.unasked {
		if suspects[fingerprint] {
			doubtful = append(doubtful, fingerprint)
		}
	}
	return doubtful
}
