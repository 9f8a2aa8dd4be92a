package backend

import (
	"context"
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
	if record != nil && record.Version == r.Record.Version && record.Current != nil && record.Current.Fingerprint == l.fingerprint {
		r.Record = record
	}
	return nil
}

// lesson is what a look was told; nil where that is nothing.
func (w *Watch) lesson(r *result) (*lesson, error) {
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
	return &lesson{
		in: r.in, id: id, provider: provider, auth: auth, url: r.in.URL(spec), home: w.configurations.Home(r.in),
		written: w.configurations.HomeAsWritten(r.in), told: r.told,
		version: r.Record.Version, fingerprint: r.Record.Current.Fingerprint, verified: r.verified, turn: r.turn, at: r.Asked,
	}, nil
}
