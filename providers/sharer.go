package providers

// Sharer is implemented by providers several of whose integrations stand for one
// account at the upstream and share one credential.
type Sharer interface {
	// SharedBy returns the settings, in one spelling each, that make integrations
	// of the same auth type share: two share if all values are equal. It looks at
	// the target's url, auth type and settings only.
	SharedBy(t Target) map[string]string
}
