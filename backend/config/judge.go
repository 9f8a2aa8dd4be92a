package config

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/window"
	"vault-plugin-secrets-sei/providers"
)

// validate refuses a configuration that is incomplete or would be unsafe.
func (s *Integrations) validate(ctx context.Context, m move, draft backend.Draft) error {
	p, err := s.Provider(m.after)
	if err != nil {
		return err
	}
	spec := p.Spec()
	if err := required(m.after, spec); err != nil {
		return err
	}
	if m.before == nil {
		// Made here, where the first write is, so that checks write nothing.
		if _, err := s.prints.Key(ctx); err != nil {
			return err
		}
	} else if err := s.mayMove(ctx, m, spec, draft); err != nil {
		return err
	}
	mount, err := s.mounts.Read(ctx)
	if err != nil {
		return err
	}
	if err := addressAllowed(m.after, spec, mount); err != nil {
		return err
	}
	if err := windowFits(m.after); err != nil {
		return err
	}
	if err := s.settingsFit(m.after, spec, mount); err != nil || !m.joins() {
		return err
	}
	return s.claimRecord(ctx, m)
}

// claimRecord looks at the credential record that the integration is about to
// have. Others that share it must agree about where it is sent. Without others it
// was left behind by an integration of the same name, and a new one, with another
// url perhaps, must not inherit its secret.
func (s *Integrations) claimRecord(ctx context.Context, m move) error {
	siblings, err := s.groups.siblings(ctx, m.to, m.after.Name)
	if err != nil {
		return err
	}
	if len(siblings) > 0 {
		return s.groups.conflict(m.after, siblings)
	}
	record, err := s.records.LoadExact(ctx, m.to)
	if err != nil || record.Version == 0 {
		return err
	}
	return s.records.Remove(ctx, m.to)
}

// settingsFit lets the provider judge the form of what only it understands.
func (s *Integrations) settingsFit(in *backend.Integration, spec providers.Spec, mount *backend.Mount) error {
	p, err := s.Provider(in)
	if err != nil {
		return err
	}
	checker, ok := p.(providers.SettingsChecker)
	if !ok {
		return nil
	}
	var cause *providers.Error
	if err := checker.CheckSettings(in.Target(spec, mount)); errors.As(err, &cause) {
		return &backend.Error{Code: string(cause.Outcome), Message: cause.Error(), Fields: cause.Fields, Integration: in.Name, Provider: in.Provider}
	} else if err != nil {
		return err
	}
	return nil
}

// windowFits refuses what is no window to rotate in.
func windowFits(in *backend.Integration) error {
	_, err := window.Of(in.Settings)
	var refused *backend.Error
	if errors.As(err, &refused) {
		refused.Integration, refused.Provider = in.Name, in.Provider
	}
	return err
}

// mayMove refuses a change of where a stored secret is sent.
func (s *Integrations) mayMove(ctx context.Context, m move, spec providers.Spec, draft backend.Draft) error {
	changed := differing(m.before, m.after, spec, func(f providers.Field) bool { return f.Locates })
	if len(changed) == 0 {
		return nil
	}
	if err := s.credentialMayMove(ctx, m, changed); err != nil {
		return err
	}
	return secretsMayMove(m, spec, draft, changed)
}

// secretsMayMove demands that secret settings are sent again together with a change
// of where they go: a person who may write settings has not seen those that are stored.
func secretsMayMove(m move, spec providers.Spec, draft backend.Draft, changed []string) error {
	var again []string
	for _, f := range spec.SettingsOf(m.before.AuthType) {
		if f.Kind.Secret() && m.before.Settings.Has(f) && draft.Settings.Secret(f.Name).Empty() {
			again = append(again, f.Name)
		}
	}
	if len(again) == 0 {
		return nil
	}
	secrets := strings.Join(again, " and ")
	return &backend.Error{
		Code: backend.CodeMissingField, Integration: m.before.Name, Provider: m.before.Provider, Fields: again,
		Message: fmt.Sprintf("%s decides where %s is sent; send %s again together with the change", strings.Join(changed, " and "), secrets, secrets),
	}
}

// credentialMayMove refuses a change of where the stored credential is sent.
func (s *Integrations) credentialMayMove(ctx context.Context, m move, changed []string) error {
	record, err := s.records.LoadExact(ctx, m.from)
	if err != nil || !record.Holds() {
		return err
	}
	return &backend.Error{
		Code: backend.CodeCredentialPresent, Integration: m.before.Name, Provider: m.before.Provider, Fields: changed,
		Message: fmt.Sprintf("%s decides where the stored credential is sent and cannot change while there is one; delete creds/%s first, then change it and re-authenticate", strings.Join(changed, " and "), m.before.Name),
	}
}

// addressAllowed refuses a literal address or a scheme that the mount does not allow.
func addressAllowed(in *backend.Integration, spec providers.Spec, mount *backend.Mount) error {
	for _, f := range spec.SettingsOf(in.AuthType) {
		url := in.Settings.Text(f.Name)
		if f.Kind != providers.URL || f.Visited || url == "" {
			continue
		}
		check := mount.AllowedHosts.CheckURL
		if f.Name == "proxy_url" {
			check = mount.AllowedHosts.CheckProxyURL
		}
		if err := check(url); err != nil {
			return &backend.Error{
				Code: string(providers.AddressNotAllowed), Integration: in.Name, Provider: in.Provider, Fields: []string{f.Name},
				Message: fmt.Sprintf("%s: %s", f.Name, err),
			}
		}
	}
	return nil
}

// required refuses a configuration that lacks a required setting, unless that may follow.
func required(in *backend.Integration, spec providers.Spec) error {
	missing := backend.Lacking(in, spec, func(f providers.Field) bool { return !f.Later })
	if len(missing) == 0 {
		return nil
	}
	return &backend.Error{
		Code: backend.CodeMissingField, Integration: in.Name, Provider: in.Provider, Fields: missing,
		Message: fmt.Sprintf("%s must be set for %s with auth_type %s; read providers/%s for what it is", strings.Join(missing, " and "), spec.Title, in.AuthType, in.Provider),
	}
}

// differing returns the names of the fields that match and differ between two
// configurations, a default counting as written.
func differing(before, after *backend.Integration, spec providers.Spec, match func(providers.Field) bool) []string {
	fields := spec.SettingsOf(before.AuthType)
	a, b := providers.WithDefaults(fields, before.Settings), providers.WithDefaults(fields, after.Settings)
	var names []string
	for _, f := range fields {
		if match(f) && !reflect.DeepEqual(a.Means(f), b.Means(f)) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}
