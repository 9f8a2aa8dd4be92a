package health

import (
	"context"

	"vault-plugin-secrets-sei/backend/credential"
)

// learn brings what a look was told into the record. A storage that refuses keeps nobody
// from the answer.
func (w *Watch) learn(ctx context.Context, r *result) error {
	l, err := w.lesson(r)
	if err != nil || l == nil {
		return err
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

// lesson is what a look was told; nil where that is nothing.
func (w *Watch) lesson(r *result) (*credential.Lesson, error) {
	if len(r.told) == 0 || r.Record.Current == nil {
		return nil, nil //nolint:nilnil // see above
	}
	provider, err := w.configurations.Provider(r.in)
	if err != nil {
		return nil, err
	}
	id, err := w.configurations.RecordID(r.in)
	if err != nil {
		return nil, err
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(r.in.AuthType)
	return &credential.Lesson{
		In: r.in, ID: id, Provider: provider, Auth: auth, URL: r.in.URL(spec), Home: w.configurations.Home(r.in),
		Written: w.configurations.HomeAsWritten(r.in), Told: r.told,
		Version: r.Record.Version, Fingerprint: r.Record.Current.Fingerprint, Verified: r.verified, Turn: r.turn, At: r.Asked,
	}, nil
}
