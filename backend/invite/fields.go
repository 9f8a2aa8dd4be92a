package invite

import (
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Fields describes what somebody who invites can say. The slice is the caller's.
func Fields() []providers.Field {
	return []providers.Field{
		{Name: "ttl", Title: "TTL", Kind: providers.Duration, Default: "86400", Min: 60, Max: int64(MaxLife / time.Second), Description: "Seconds for which the invitation is open."},
		{Name: "identity", Title: "Identity", Kind: providers.Text, Description: "Account whose credential is taken, as the upstream names it. That of the integration where not set, as long as it has that."},
		{Name: "any_identity", Title: "Any identity", Kind: providers.Flag, Default: "false", Description: "Take a credential of any account."},
		{Name: "note", Title: "Note", Kind: providers.Text, Prose: true, Description: "A sentence for whoever opens the link."},
	}
}

// WishOf reads what was said.
func WishOf(integration string, said providers.Settings, who backend.Actor) Wish {
	s := providers.WithDefaults(Fields(), said)
	return Wish{
		Integration: integration, Life: time.Duration(s.Number("ttl")) * time.Second,
		Identity: s.Text("identity"), Anybody: s.Flag("any_identity"), Note: s.Text("note"), Who: who,
	}
}
