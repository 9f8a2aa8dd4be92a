package backend

import (
	"context"
	"time"
)

// Swap is a change of the credential in use: another one, renewed tokens, or none any
// more. It holds no secret.
type Swap struct {
	Integration, Provider string
	// AlsoUpdated are the others that share the credential.
	AlsoUpdated []string
	// HistoryEntry is what the history says of it.
	HistoryEntry
}

// TellSwap takes swaps once they are stored. It must not block.
type TellSwap func(Swap)

// CredentialState tells one state of a record's credential from another. It is comparable.
type CredentialState struct {
	version     int
	fingerprint string
	verified    int64
}

// State tells one state of the record's credential from another.
func (r *Record) State() CredentialState {
	if r.Current == nil {
		return CredentialState{version: r.Version}
	}
	return StateOf(r.Version, r.Current.Fingerprint, r.Current.VerifiedAt)
}

// StateOf is the state of a credential that was last sent and checked at that moment.
func StateOf(version int, fingerprint string, verified time.Time) CredentialState {
	return CredentialState{version, fingerprint, verified.UnixNano()}
}

type askerKey struct{}

// AskedBy notes in a context who asked for what is done under it, where that is not a swap
// in itself but may lead to one.
func AskedBy(ctx context.Context, who Actor) context.Context {
	return context.WithValue(ctx, askerKey{}, who)
}

// AskerOf is who asked, or the engine itself.
func AskerOf(ctx context.Context, itself Actor) Actor {
	if who, ok := ctx.Value(askerKey{}).(Actor); ok {
		return who
	}
	return itself
}
