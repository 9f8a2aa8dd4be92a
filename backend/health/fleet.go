package health

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// maxExpiries is how many ends a Fleet lists.
const maxExpiries = 50

// Fleet is all integrations at a glance.
type Fleet struct {
	// All are the integrations, sorted by name. It is shared.
	All        []*Assessment
	Total      int
	ByStatus   map[backend.Status]int
	ByProvider map[string]map[backend.Status]int
	// Expiring are the tokens that end next, soonest first, at most fifty. One that
	// integrations share is listed once, under the first of them.
	Expiring []Expiry
	// NeedsPerson are the integrations that somebody must look at, sorted by name.
	NeedsPerson []*Assessment
}

// Expiry is the end of a token.
type Expiry struct {
	// Of is the integration.
	Of                    *Assessment
	Fingerprint, Identity string
	ExpiresAt             time.Time
}

// Fleet looks at all integrations. It asks nobody.
func (w *Watch) Fleet(ctx context.Context) (*Fleet, error) {
	all, err := w.All(ctx)
	if err != nil {
		return nil, err
	}
	return all.fleet(), nil
}

// fleet counts. Of those that share a record the first one has its ends.
func (w *Watch) fleet(all []*Assessment, now time.Time) *Fleet {
	fleet := &Fleet{All: all, ByStatus: map[backend.Status]int{}, ByProvider: map[string]map[backend.Status]int{}}
	records := make(map[string]bool, len(all))
	for _, assessed := range all {
		fleet.count(assessed)
		if !records[assessed.RecordID] {
			records[assessed.RecordID] = true
			fleet.expiries(assessed, now)
		}
	}
	slices.SortStableFunc(fleet.Expiring, func(a, b Expiry) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	fleet.Expiring = slices.Clone(fleet.Expiring[:min(len(fleet.Expiring), maxExpiries)])
	return fleet
}

// Each calls do with the health of every integration, in the order of their names.
// Those that were deleted meanwhile, that cannot be read, and whose provider this build
// does not have, are left out.
func (w *Watch) Each(ctx context.Context, do func(*Assessment) error) error {
	names, err := w.configurations.List(ctx)
	if err != nil {
		return err
	}
	w.Warm(ctx, names)
	for _, name := range names {
		assessed, err := w.Health(ctx, name)
		if absent(err) {
			continue
		}
		if err == nil {
			err = do(assessed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// absent reports whether an error is of one integration alone, which is left out.
func absent(err error) bool {
	return backend.HasCode(err, backend.CodeUnknownIntegration) || backend.HasCode(err, backend.CodeUnknownProvider) || errors.Is(err, store.ErrUndecodable)
}

const (
	// warmed is how many integrations make it worth while to read them side by side.
	warmed = 100
	// readers read at a time.
	readers = 16
)

// Warm reads what is not cached yet: after a start that is all, each read is a call to
// Vault's process, and one after the other they take longer than a request may. What
// goes wrong, goes wrong again for a caller that needs it.
func (w *Watch) Warm(ctx context.Context, names []string) {
	cold := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return w.configurations.Cached(name)
	})
	if len(cold) < warmed {
		return
	}
	// Most integrations have no finding, which the list says of all of them at once.
	if _, err := w.findings.List(ctx); err != nil {
		return
	}
	group, ctx := errgroup.WithContext(ctx) // a storage that fails is not asked on and on
	group.SetLimit(readers)
	for _, name := range cold {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			defer func() { _ = recover() }() // one of a provider would take all mounts down
			_, err := w.Health(ctx, name)
			if absent(err) {
				err = nil
			}
			return err
		})
	}
	_ = group.Wait() // a caller that needs it meets it again
}

func (f *Fleet) count(assessed *Assessment) {
	status, provider := assessed.Health.Status, assessed.Integration.Provider
	f.Total++
	f.ByStatus[status]++
	if f.ByProvider[provider] == nil {
		f.ByProvider[provider] = map[backend.Status]int{}
	}
	f.ByProvider[provider][status]++
	if status.NeedsPerson() {
		f.NeedsPerson = append(f.NeedsPerson, assessed)
	}
}

// expiries adds the ends of a credential's tokens that are to come.
func (f *Fleet) expiries(assessed *Assessment, now time.Time) {
	if assessed.Record.Current == nil {
		return
	}
	for fingerprint, end := range backend.Ends(assessed.Record.Current) {
		if !end.After(now) {
			continue
		}
		member, _ := backend.MemberOf(assessed.Record.Current, fingerprint)
		f.Expiring = append(f.Expiring, Expiry{
			Of: assessed, Fingerprint: fingerprint, Identity: member.Identity, ExpiresAt: end,
		})
	}
}
