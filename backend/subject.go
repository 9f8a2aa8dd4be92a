package backend

import (
	"vault-plugin-secrets-sei/providers"
)

// Subject is an integration with all that follows from its configuration, resolved once for
// the caller that acts on it. Values are immutable.
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

// Sibling is another integration that shares the record: so all but its configuration is the
// same.
func (s *Subject) Sibling(in *Integration) *Subject {
	other := *s
	other.Integration = in
	return &other
}

// Target is where a credential of the integration is checked.
func (s *Subject) Target() providers.Target { return s.Integration.Target(s.Spec, s.Mount) }

// Binding stands for what an authorization is begun with; see Integration.Binding.
func (s *Subject) Binding() string { return s.Integration.Binding(s.Spec) }

// Demands stands for what a check demands; see Integration.Demands.
func (s *Subject) Demands() string { return s.Integration.Demands(s.Spec, s.AuthType) }
