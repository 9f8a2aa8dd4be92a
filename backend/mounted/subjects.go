package mounted

import (
	"context"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/config"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

// subjects tells the notifier what is so.
type subjects struct {
	watch   *health.Watch
	reader  *config.Reader
	invited *invite.Invitations
}

var _ notify.Subjects = subjects{}

// All returns all integrations.
func (s subjects) All(ctx context.Context) ([]*notify.Subject, error) {
	seen, err := s.watch.All(ctx)
	if err != nil {
		return nil, err
	}
	invited, err := s.invited.Newest(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*notify.Subject, 0, len(seen.Assessments))
	for _, one := range seen.Assessments {
		all = append(all, s.of(one, invited))
	}
	return all, nil
}

// One returns one, nil if there is none that this build can judge.
func (s subjects) One(ctx context.Context, name string) (*notify.Subject, error) {
	assessed, err := s.watch.Health(ctx, name)
	switch {
	case backend.HasCode(err, backend.CodeUnknownIntegration), backend.HasCode(err, backend.CodeUnknownProvider):
		return nil, nil //nolint:nilnil // there is none
	case err != nil:
		return nil, err
	}
	invited, err := s.invited.Newest(ctx)
	if err != nil {
		return nil, err
	}
	return s.of(assessed, invited), nil
}

// Names returns the names of all that are configured.
func (s subjects) Names(ctx context.Context) ([]string, error) { return s.reader.List(ctx) }

func (s subjects) of(assessed *health.Assessment, invited map[string]time.Time) *notify.Subject {
	in, h := assessed.Integration, assessed.Health
	auth, _ := s.reader.Spec(in).AuthType(in.AuthType)
	subject := &notify.Subject{
		Name: in.Name, Provider: in.Provider, ID: in.ID, Labels: in.Settings.Maps["labels"], Consent: auth.Exchanged(),
		Status: h.Status, Code: h.Code, Message: h.Message, Since: h.Since, ExpiresAt: h.ExpiresAt,
		Version: assessed.Record.Version, Identity: assessed.Record.Identity,
	}
	if current := assessed.Record.Current; current != nil {
		subject.Fingerprint = current.Fingerprint
	}
	if assessed.Trouble != nil {
		subject.Trouble = &notify.Trouble{Code: assessed.Trouble.Code, Message: assessed.Trouble.Message, Since: assessed.Trouble.Since}
	}
	subject.Swaps = swapsOf(assessed.Record.History)
	if at, ok := invited[in.Name]; ok {
		subject.Swaps = append(subject.Swaps, notify.Swap{Event: notify.Invited, Time: at, Version: assessed.Record.Version})
		slices.SortStableFunc(subject.Swaps, func(a, b notify.Swap) int { return b.Time.Compare(a.Time) })
	}
	return subject
}

// swapsOf are the newest changes of each kind that somebody may want to hear of.
func swapsOf(history []backend.HistoryEntry) []notify.Swap {
	var swaps []notify.Swap
	for _, entry := range history {
		kind := notify.SwapEvent(entry.Cause)
		if kind == "" || slices.ContainsFunc(swaps, func(s notify.Swap) bool { return s.Event == kind }) {
			continue
		}
		swaps = append(swaps, notify.Swap{Event: kind, Time: entry.Time, Version: entry.Version})
	}
	return swaps
}

// allowedHosts is the mount's rule for which addresses may be called.
func (b *Backend) allowedHosts(ctx context.Context) (providers.AllowedHosts, error) {
	mount, err := b.Mount.Read(ctx)
	if err != nil {
		return providers.AllowedHosts{}, err
	}
	return mount.AllowedHosts, nil
}

// noteNotify notes what goes wrong with a target of notifications.
func (b *Backend) noteNotify(target string, err error) {
	deed := fault.DeedNotify
	if target != "" {
		deed = fault.Deed("telling notify/" + target)
	}
	b.faults.Note(deed, "", err)
}
