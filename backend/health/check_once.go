package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// result is what one check came to.
type result struct {
	backend.Result
	// subject is the integration that was asked for, with all that follows from it.
	subject    *backend.Subject
	retryAfter time.Duration
	// broke is set where the provider panicked.
	broke error
	// quotas are what the upstream told beside its answers, of one token; tokens is what
	// was learnt of each of a pool.
	quotas []providers.Quota
	tokens []backend.TokenCheck
	// verified is when the credential had been sent and checked before. No clock is asked
	// whether that was done again since: another node's may be ahead.
	verified time.Time
	// turn is its place in the order in which checks began.
	turn uint64
	// told is what the upstream told, by fingerprint for a pool, else by "".
	told map[string]providers.Verified
	// notes are sentences for the person who asked for the check.
	notes []string
	// slow is set where the time limit was over while the upstream was answering.
	slow bool
	// unasked are the tokens of a pool that were not asked about, unreached the positions
	// (from 1) of those for which there was no time, and from the first of them (from 0).
	unasked   []string
	unreached []int
	from      int
}

// checkOptions are how a check is made.
type checkOptions struct {
	// limit is how long it may take.
	limit time.Duration
	// from is the token of a pool to begin with, only the tokens to ask about, nil for all.
	from int
	only map[string]bool
	// confirms says that a check before found the credential rejected.
	confirms bool
}

// checkOnce asks the upstream about a credential: of a pool, about each token.
func (w *Watch) checkOnce(ctx context.Context, subject *backend.Subject, record *backend.Record, how checkOptions) (*result, error) {
	r := &result{Result: backend.Result{Record: record, Asked: w.now(), Members: map[string]backend.MemberFinding{}}, subject: subject, verified: record.Current.VerifiedAt, turn: w.door.Turn(), told: map[string]providers.Verified{}}
	var refused *backend.Error
	if errors.As(w.door.MayLeave(subject.Integration, record), &refused) {
		r.Code, r.Message = refused.Code, refused.Message
		return r, nil
	}
	if record.Current.Access == nil && len(record.Current.Members) > 1 {
		return r, w.checkPool(ctx, r, how)
	}
	limited, cancel := context.WithTimeout(ctx, how.limit)
	defer cancel()
	var err error
	if record.Current.Access != nil {
		err = w.checkAccess(limited, r, how)
	} else {
		err = w.ask(limited, r, record.Current.Credential)
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		r.Code, r.Message = string(providers.Unreachable), fmt.Sprintf("the check did not end within %s, which is all the time that it had", how.limit.Round(time.Second))
		return r, nil
	}
	return r, err
}

// subject resolves an integration, with the mount's settings.
func (w *Watch) subject(in *backend.Integration, mount *backend.Mount) (*backend.Subject, error) {
	subject, err := w.configurations.Subject(in)
	if err != nil {
		return nil, err
	}
	subject.Mount = mount
	return subject, nil
}

// add takes the result of one token into that of its pool.
func (r *result) add(at int, single *result) {
	member := r.Record.Current.Members[at]
	if len(single.Taken) > 0 {
		r.Taken = append(r.Taken, member.Fingerprint)
	}
	r.tokens = append(r.tokens, single.token(member))
	if told, ok := single.told[""]; ok {
		r.told[member.Fingerprint] = told
	}
	for _, note := range single.notes {
		r.notes = append(r.notes, fmt.Sprintf("token %d: %s", at+1, note))
	}
	if single.Code != "" {
		r.Members[member.Fingerprint] = backend.MemberFinding{Code: single.Code, Message: single.Message, Unjudged: single.Unjudged}
		r.retryAfter = max(r.retryAfter, single.retryAfter)
		r.broke = cmp.Or(r.broke, single.broke)
	}
}

// token is what the result of one token says for the choice among those of its pool.
func (r *result) token(member backend.StoredMember) backend.TokenCheck {
	return backend.TokenCheck{
		Member: member, Taken: len(r.Taken) > 0, Limited: r.Code == string(providers.RateLimited),
		RetryAfter: r.retryAfter, Quotas: r.quotas,
	}
}

// single is for the result of one token of a pool.
func (r *result) single() *result {
	return &result{Result: backend.Result{Record: r.Record}, subject: r.subject, told: map[string]providers.Verified{}}
}

// poolField finds the field of a pool's tokens.
func poolField(cred providers.Credential, n int) (string, []providers.Secret) {
	for _, name := range cred.Fields() {
		if values := cred.Values(name); len(values) == n && n > 1 {
			return name, values
		}
	}
	return "", make([]providers.Secret, n)
}

// ask validates one credential and notes the outcome.
func (w *Watch) ask(ctx context.Context, r *result, cred providers.Credential) error {
	provider, target := r.subject.Provider, r.Record.Current.TargetOf(r.subject.Target())
	told, err := ask.GuardedValidate(ctx, provider, target, ask.Handed(r.subject.AuthType, cred))
	told, r.notes = ask.Believed(told, w.now())
	told, err = ask.KeepSecret(provider, target, r.Record.Current.Credential, told, err) // of a pool, all of it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil || told.Identity != "" {
		r.told[""] = told
	}
	var cause *providers.Error
	if err != nil && !errors.As(err, &cause) {
		return err
	}
	if len(told.Members) == 1 {
		r.quotas = told.Members[0].Quotas
	}
	if cause != nil {
		r.quotas, r.slow, r.Unjudged = cause.Quotas, cause.Slow, cause.Unjudged
		r.Code, r.Message, r.retryAfter = string(cause.Outcome), cause.Error(), cause.RetryAfter
		if cause.Panic != nil {
			r.broke = fault.BrokenOff(cause.Panic)
		}
	}
	if cause == nil || cause.Outcome != providers.Rejected && !cause.CouldNotTell() {
		r.Taken = []string{""}
	}
	w.count(r)
	return nil
}

// rejections are the tokens that the result rejects, that were not rejected before, and
// that are not suspected either.
func (r *result) rejections(before *backend.Finding, suspected map[string]bool) []string {
	rejected := string(providers.Rejected)
	var list []string
	if r.Code == rejected && before.Code != rejected && !suspected[""] {
		list = append(list, "")
	}
	for fingerprint, m := range r.Members {
		if m.Code == rejected && before.Members[fingerprint].Code != rejected && !suspected[fingerprint] {
			list = append(list, fingerprint)
		}
	}
	return list
}

// keepVerdicts keeps what is known of a pool's tokens that could not be asked about
// this time, or whose rejection is doubtful.
func (r *result) keepVerdicts(before *backend.Finding, doubtful []string) {
	for _, fingerprint := range r.unasked {
		if known, was := before.Members[fingerprint]; was {
			r.Members[fingerprint] = known
		}
	}
	for fingerprint, m := range r.Members {
		known, was := before.Members[fingerprint]
		switch {
		case slices.Contains(doubtful, fingerprint) && !was:
			delete(r.Members, fingerprint)
		case slices.Contains(doubtful, fingerprint), m.Unjudged && known.Verdict(), providers.Outcome(m.Code).CouldNotTell() && backend.Verdict(known.Code):
			r.Members[fingerprint] = known
		}
	}
	if len(r.Members) == 0 {
		r.Members = nil
	}
}

// outdated reports whether the result says nothing of what is in the record now; nil is that
// there is none. The same credential may have been sent and verified again since it was asked
// about.
func (r *result) outdated(now *backend.Record) bool {
	return now == nil || now.Current == nil || now.Version != r.Record.Version || !now.Current.VerifiedAt.Equal(r.verified)
}

// slower reports whether to ask again more seldom: a person must act, and upstreams count
// attempts of accounts that they have blocked, too.
func (r *result) slower() bool {
	return r.Code == string(providers.Rejected) || r.Code == string(providers.AccountBlocked) && r.Record.Current.Access != nil
}
