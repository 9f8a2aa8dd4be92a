package backend

import (
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend/store"
)

// maxAccountChanges is how many changes of the account outlive the ordinary limit of a
// history.
const maxAccountChanges = 20

// Cause is why a record changed.
type Cause string

// The causes.
const (
	CauseReauth   Cause = "reauth"
	CauseForget   Cause = "forget"
	CauseRefresh  Cause = "refresh"
	CauseRotate   Cause = "rotate"
	CauseRollback Cause = "rollback"
)

// HistoryEntry is one change of a record.
type HistoryEntry struct {
	Version     int       `json:"version"`
	Time        time.Time `json:"time"`
	Cause       Cause     `json:"cause"`
	Identity    string    `json:"identity,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	// IdentityChanged marks a credential of another account than the one before;
	// AccountFingerprint is that of its account.
	IdentityChanged    bool   `json:"identity_changed,omitempty"`
	AccountFingerprint string `json:"account_fingerprint,omitempty"`
	Actor
	unknown store.Unknown
}

// Actor is who asked for a change, as Vault tells.
type Actor struct {
	// Via is the path of the request, below the mount.
	Via         string `json:"via,omitempty"`
	EntityID    string `json:"entity_id,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	RequestID   string `json:"request_id,omitempty"`
	// Invitation is the accessor of the one that was used; who asked is then who invited.
	Invitation string `json:"invitation,omitempty"`
}

// remember puts an entry on top. Of the refreshes of one version only the newest is
// kept: there may be one every hour, and they would push out what people did. It is for
// the code that has just made the record.
func (r *Record) remember(before *Record, e HistoryEntry, keep int) {
	r.latest = &e
	older := before.History
	if len(older) > 0 && e.Cause == CauseRefresh {
		switch {
		case older[0].Cause == CauseRefresh && older[0].Version == e.Version:
			older = older[1:]
		case keep < 2: // there is room for one, and that is of a person
			r.History = older
			return
		}
	}
	r.History = limited(append([]HistoryEntry{e}, older...), max(1, keep))
}

// limited are the newest entries of a history, and of those before them the changes of the
// account: who put in a credential of their own must not hide that behind many others.
func limited(history []HistoryEntry, keep int) []HistoryEntry {
	if len(history) <= keep {
		return slices.Clip(history)
	}
	kept, changes := slices.Clone(history[:keep]), []HistoryEntry{}
	for _, e := range history[keep:] {
		if e.IdentityChanged {
			changes = append(changes, e)
		}
	}
	for len(changes) > maxAccountChanges {
		changes = withoutNearest(changes)
	}
	return slices.Clip(append(kept, changes...))
}

// withoutNearest leaves out the entry that came soonest after the one before it: of many at
// once the first stays, which no later ones can push out.
func withoutNearest(entries []HistoryEntry) []HistoryEntry {
	nearest, gap := 0, time.Duration(-1)
	for i := range entries[1:] {
		if g := entries[i].Time.Sub(entries[i+1].Time); gap < 0 || g < gap {
			nearest, gap = i, max(g, 0)
		}
	}
	return slices.Delete(entries, nearest, nearest+1)
}
