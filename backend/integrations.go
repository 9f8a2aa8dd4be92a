package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// Integrations reads and writes configurations. It is safe for concurrent use.
type Integrations struct {
	registry *providers.Registry
	table    *table[Integration]
	records  *table[Record]
	mount    *MountSettings
	marks    *fingerprints
	locks    *locks
}

// Draft is what a write of a configuration sends; settings that it does not have
// stay as they are.
type Draft struct {
	// Create allows the write to create the integration. Without it, one that
	// was deleted meanwhile does not come back with half its settings.
	Create   bool
	Provider string
	AuthType string
	Settings providers.Settings
}

// Read returns the integration, or a refusal with CodeUnknownIntegration.
func (s *Integrations) Read(ctx context.Context, name string) (*Integration, error) {
	return known(name)(s.table.load(ctx, name))
}

// Exists reports whether the integration is configured.
func (s *Integrations) Exists(ctx context.Context, name string) (bool, error) {
	in, err := s.table.load(ctx, name)
	return in != nil, err
}

// List returns the names, sorted.
func (s *Integrations) List(ctx context.Context) ([]string, error) { return s.table.list(ctx) }

// Provider returns the provider of an integration.
func (s *Integrations) Provider(in *Integration) (providers.Provider, error) {
	p, ok := s.registry.Provider(in.Provider)
	if !ok {
		// Written by a build that had more providers.
		return nil, &Error{
			Code: CodeUnknownProvider, Integration: in.Name, Provider: in.Provider,
			Message: fmt.Sprintf("this build has no provider %q", in.Provider),
		}
	}
	return p, nil
}

// Write creates the integration or changes the settings that the draft has. It
// is refused if it would change what never changes, if it would change where a
// stored credential is sent, or if the mount does not allow the address.
func (s *Integrations) Write(ctx context.Context, name string, draft Draft) error {
	release, err := s.locks.acquire(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	before, err := s.table.loadExact(ctx, name)
	if err != nil {
		return err
	}
	after, err := s.edit(ctx, name, before, draft)
	if err != nil {
		return err
	}
	return s.table.save(ctx, name, after)
}

func (s *Integrations) edit(ctx context.Context, name string, before *Integration, draft Draft) (*Integration, error) {
	after, err := s.merge(name, before, draft)
	if err != nil {
		return nil, err
	}
	spec, err := s.spec(after)
	if err != nil {
		return nil, err
	}
	if err := required(after, spec); err != nil {
		return nil, err
	}
	if before == nil {
		// Made here, where the first write is, so that checks write nothing.
		if _, err := s.marks.key(ctx); err != nil {
			return nil, err
		}
	} else if err := s.keepsCredentialHome(ctx, before, after, spec); err != nil {
		return nil, err
	}
	mount, err := s.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	if err := addressAllowed(after, spec, mount); err != nil {
		return nil, err
	}
	return after, s.settingsFit(after, spec, mount)
}

// settingsFit lets the provider judge the form of what only it understands.
func (s *Integrations) settingsFit(in *Integration, spec providers.Spec, mount *Mount) error {
	p, err := s.Provider(in)
	if err != nil {
		return err
	}
	checker, ok := p.(providers.SettingsChecker)
	if !ok {
		return nil
	}
	var cause *providers.Error
	if err := checker.CheckSettings(in.target(spec, mount)); errors.As(err, &cause) {
		return &Error{Code: string(cause.Outcome), Message: cause.Error(), Fields: cause.Fields, Integration: in.Name, Provider: in.Provider}
	} else if err != nil {
		return err
	}
	return nil
}

func (s *Integrations) spec(in *Integration) (providers.Spec, error) {
	p, err := s.Provider(in)
	if err != nil {
		return providers.Spec{}, err
	}
	return p.Spec(), nil
}

// merge applies the draft. A new integration gets its provider and auth type
// from it; for an existing one they must be the same.
func (s *Integrations) merge(name string, before *Integration, draft Draft) (*Integration, error) {
	if before == nil && !draft.Create {
		return nil, UnknownIntegration(name)
	}
	if before == nil {
		return &Integration{Name: name, Provider: draft.Provider, AuthType: draft.AuthType, Settings: draft.Settings.Clone()}, nil
	}
	var changed []string
	if draft.Provider != before.Provider {
		changed = append(changed, "provider")
	}
	if draft.AuthType != before.AuthType {
		changed = append(changed, "auth_type")
	}
	after := *before
	after.Settings = merge(before.Settings, draft.Settings)
	spec, err := s.spec(before)
	if err != nil {
		return nil, err
	}
	changed = append(changed, differing(before, &after, spec, func(f providers.Field) bool { return f.Fixed })...)
	if len(changed) > 0 {
		return nil, &Error{
			Code: CodeImmutableField, Integration: name, Provider: before.Provider, Fields: changed,
			Message: fmt.Sprintf("%s of an integration never changes; create another integration instead", strings.Join(changed, " and ")),
		}
	}
	return &after, nil
}

// keepsCredentialHome refuses a change of where the stored credential is sent.
func (s *Integrations) keepsCredentialHome(ctx context.Context, before, after *Integration, spec providers.Spec) error {
	changed := differing(before, after, spec, func(f providers.Field) bool { return f.Locates })
	if len(changed) == 0 {
		return nil
	}
	record, err := s.records.loadExact(ctx, before.recordID())
	if err != nil || record.Current == nil {
		return err
	}
	return &Error{
		Code: CodeCredentialPresent, Integration: before.Name, Provider: before.Provider, Fields: changed,
		Message: fmt.Sprintf("%s decides where the stored credential is sent and cannot change while there is one; delete creds/%s first, then change it and re-authenticate", strings.Join(changed, " and "), before.Name),
	}
}

// addressAllowed refuses a literal address or a scheme that the mount does not allow.
func addressAllowed(in *Integration, spec providers.Spec, mount *Mount) error {
	for _, f := range spec.SettingsOf(in.AuthType) {
		url := in.Settings.Text(f.Name)
		if f.Kind != providers.URL || url == "" {
			continue
		}
		check := mount.AllowedHosts.CheckURL
		if f.Name == "proxy_url" {
			check = mount.AllowedHosts.CheckProxyURL
		}
		if err := check(url); err != nil {
			return &Error{
				Code: string(providers.AddressNotAllowed), Integration: in.Name, Provider: in.Provider, Fields: []string{f.Name},
				Message: fmt.Sprintf("%s: %s", f.Name, err),
			}
		}
	}
	return nil
}

// Delete removes the credential, then the configuration, in this order: stopped
// half-way it leaves a configuration without a secret. Deleting what is not
// there is not an error.
func (s *Integrations) Delete(ctx context.Context, name string) error {
	release, err := s.locks.acquire(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	in, err := s.table.loadExact(ctx, name)
	if err != nil || in == nil {
		return err
	}
	if err := s.records.remove(ctx, in.recordID()); err != nil {
		return err
	}
	return s.table.remove(ctx, name)
}

// required refuses a configuration that lacks a required setting.
func required(in *Integration, spec providers.Spec) error {
	var missing []string
	for _, f := range spec.SettingsOf(in.AuthType) {
		if f.Required && reflect.ValueOf(in.Settings.Value(f)).IsZero() {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Error{
		Code: CodeMissingField, Integration: in.Name, Provider: in.Provider, Fields: missing,
		Message: fmt.Sprintf("%s needs %s", spec.Title, strings.Join(missing, " and ")),
	}
}

// differing returns the names of the fields that match and differ between two
// configurations, a default counting as written.
func differing(before, after *Integration, spec providers.Spec, match func(providers.Field) bool) []string {
	fields := spec.SettingsOf(before.AuthType)
	a, b := providers.WithDefaults(fields, before.Settings), providers.WithDefaults(fields, after.Settings)
	var names []string
	for _, f := range fields {
		if match(f) && !reflect.DeepEqual(a.Value(f), b.Value(f)) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}

// merge returns the settings with changes laid over them.
func merge(settings, changes providers.Settings) providers.Settings {
	s := settings.Clone()
	maps.Copy(s.Texts, changes.Texts)
	maps.Copy(s.Lists, changes.Lists)
	maps.Copy(s.Maps, changes.Maps)
	maps.Copy(s.Flags, changes.Flags)
	maps.Copy(s.Numbers, changes.Numbers)
	return s
}

// known turns an absent integration into a refusal.
func known(name string) func(*Integration, error) (*Integration, error) {
	return func(in *Integration, err error) (*Integration, error) {
		if in == nil && err == nil {
			return nil, UnknownIntegration(name)
		}
		return in, err
	}
}
