package health

import (
	"context"

	"vault-plugin-secrets-sei/backend/credential"
)

// learn brings what a check was told into the record. A storage that refuses keeps nobody
// from the answer.
func (w *Watch) learn(ctx context.Context, r *result) error {
	l := w.lesson(r)
	if l == nil {
		return nil
	}
	record, _ := w.door.Learn(ctx, l) // what could not be stored waits, and is known
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if record != nil && record.Version == r.Record.Version && record.Current != nil && record.Current.Fingerprint == l.Fingerprint {
		r.Record = record
	}
	return nil
}

// lesson is what a check was told; nil where that is nothing.
func (w *Watch) lesson(r *result) *credential.Lesson {
	if len(r.told) == 0 || r.Record.Current == nil {
		return nil
	}
	s := r.subject
	return &credential.Lesson{
		In: s.Integration, ID: s.RecordID, Provider: s.Provider, Auth: s.AuthType, URL: s.Integration.URL(s.Spec), Destination: w.configurations.Destination(s.Integration),
		DestinationAsWritten: w.configurations.DestinationAsWritten(s.Integration), Told: r.told,
		Version: r.Record.Version, Fingerprint: r.Record.Current.Fingerprint, Verified: r.verified, Turn: r.turn, At: r.Asked,
	}
}
