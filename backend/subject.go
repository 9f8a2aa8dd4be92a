package backend

import "vault-plugin-secrets-sei/providers"

// Subject is an integration with all that follows from its configuration, resolved once for
// whoever acts on it. Values are immutable.
type Subject struct {
	Integration *Integration
	Provider    providers.Provider
	Spec        providers.Spec
	AuthType    providers.AuthType
	// RecordID is the key of its credential record.
	RecordID string
	// Mount is nil where it does not matter.
	Mount *Mount
}

// target is where a credential of the integration is checked.
func (s *Subject) target() providers.Target { return s.Integration.target(s.Spec, s.Mount) }

// binding stands for what an authorization is begun with; see Integration.binding.
func (s *Subject) binding() string { return s.Integration.binding(s.Spec) }

// demands stands for what a check demands; see Integration.demands.
func (s *Subject) demands() string { return s.Integration.demands(s.Spec, s.AuthType) }
