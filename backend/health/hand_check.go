package health

import (
	"context"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
)

// handCheckLimit is how long a check by hand may take: Vault ends a request after 90 seconds,
// unless its configuration says otherwise.
const handCheckLimit = 60 * time.Second

// timeByHand is how long the checks for a request may take together.
func timeByHand(ctx context.Context) time.Duration {
	if deadline, ends := ctx.Deadline(); ends {
		return min(handCheckLimit, time.Until(deadline)*2/3)
	}
	return handCheckLimit
}

// handCheck is a check that somebody asks for: a check, and another one of what the first
// rejects, within the time of a request.
type handCheck struct {
	w    *Watch
	name string
	ends time.Time
	// notes are what else the answer has to say.
	notes []string
	// doubtful are what the first check rejects, of that record.
	doubtful map[string]bool
	of       *backend.Record
	// broke is set where the provider panicked.
	broke error
}

// round checks once. It says whether another check has to confirm what this one found.
func (c *handCheck) round(ctx context.Context, subject *backend.Subject, record *backend.Record) (more bool, err error) {
	how := checkOptions{limit: time.Until(c.ends) * 3 / 4, from: c.w.sightings.begins(c.name)} // the rest is for the second
	first := c.of == nil
	if !first {
		how.limit = max(time.Until(c.ends), ask.ConfirmPause)
		if c.of.Version == record.Version && c.of.Current.Fingerprint == record.Current.Fingerprint {
			how.only = c.doubtful
		}
	}
	suspects := c.w.sightings.suspects(c.name, record.Version)
	how.confirms = !first || suspects[""]
	r, err := c.w.checkOnce(ctx, subject, record, how)
	if err != nil {
		return false, err
	}
	c.broke = r.broke
	doubtful, err := c.w.settle(ctx, r)
	if err != nil {
		return false, err
	}
	c.add(r.notes)
	if how.only == nil {
		c.w.sightings.continues(c.name, r.from)
	}
	if unsure := r.unconfirmed(doubtful, suspects); len(unsure) > 0 {
		// Before the pause, in which the same may be sent and verified again.
		c.w.sightings.suspect(c.name, r.Record.Version, unsure)
	}
	if !first || len(doubtful) == 0 {
		return false, nil
	}
	c.doubtful, c.of = setOf(doubtful), r.Record
	return true, ask.Pause(ctx)
}

// add takes up notes that no check before has said.
func (c *handCheck) add(notes []string) {
	for _, note := range notes {
		if !slices.Contains(c.notes, note) {
			c.notes = append(c.notes, note)
		}
	}
}
