package credential

import (
	"context"
	"fmt"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// tries is how often a reader looks again at a configuration and a record that do not
// belong together: each time somebody must have forgotten, moved and re-authenticated.
const tries = 8

// elsewhere refuses to send a credential that was checked at another place than the one
// where the integration leads, as after a backup that was restored in part.
func elsewhere(in *backend.Integration, s *backend.Stored) *backend.Error {
	again := "re-authenticate with a write to reauth/" + in.Name
	if s.Access != nil {
		again = "consent again: write to oauth/authorize/" + in.Name
	}
	return &backend.Error{
		Code: string(providers.AddressNotAllowed), Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the stored credential was checked at another place than the one where integration %q leads now, as after a restored backup; it is kept and not sent there, whatever allowed_hosts says; %s, or set back where the integration leads", in.Name, again),
	}
}

// Read returns the integration and its record, which has version 0 if there never was a
// credential. They belong together, even while both are being replaced. It takes no lock
// and, once cached, touches no storage. What checks learnt of the credential and storage has
// not taken yet is in the record.
func (c *Door) Read(ctx context.Context, name string) (*backend.Integration, *backend.Record, error) {
	in, record, err := c.together(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return in, c.known(ctx, in, record), nil
}

// together reads an integration and its record so that the credential belongs to the
// configuration. If they do not, whatever is tried, storage is not what it was: a worker
// still gets the credential with the address that it was checked at.
func (c *Door) together(ctx context.Context, name string) (*backend.Integration, *backend.Record, error) {
	for try := 1; ; try++ {
		in, record, err := c.apart(ctx, name)
		if err != nil || record.Current == nil {
			return in, record, err
		}
		bound := c.configurations.SameDestination(in, record.Current)
		if record.Current.Binding == "" {
			// It was where the configuration led before and after it was read.
			again, err := c.configurations.Read(ctx, name)
			if err != nil {
				return nil, nil, err
			}
			bound = again == in || again.ID == in.ID && c.configurations.Destination(again) == c.configurations.Destination(in)
		}
		if bound || try == tries {
			return in, record, nil
		}
	}
}

// apart reads an integration and then its record.
func (c *Door) apart(ctx context.Context, name string) (*backend.Integration, *backend.Record, error) {
	in, err := c.configurations.Read(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	id, err := c.configurations.RecordID(in)
	if err != nil {
		return nil, nil, err
	}
	record, err := c.records.table.Load(ctx, id)
	return in, record, err
}

// MayLeave refuses to send the credential in use anywhere but where it was checked.
func (c *Door) MayLeave(in *backend.Integration, record *backend.Record) error {
	if record.Current != nil && !c.configurations.SameDestination(in, record.Current) {
		return elsewhere(in, record.Current)
	}
	return nil
}
