package sweep

import (
	"context"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
)

// thresholds are the days before an end at which it is announced, shortest first.
func thresholds() []int { return []int{1, 7, 14} }

// announce tells of ends that came nearer than a threshold, once for each token and
// threshold; what was told is stored, so that a restart does not repeat it. An end that was
// put off is told of again when it comes near.
func (w *Sweeper) announce(ctx context.Context, assessed *health.Assessment) error {
	if assessed.Record.Current == nil {
		return nil
	}
	stored, err := w.findings.Load(ctx, assessed.Integration.Name)
	if err != nil {
		return err
	}
	finding, tokens := stored.Of(assessed.Record.Version), backend.Ends(assessed.Record.Current)
	for fingerprint, end := range tokens {
		days, passed := crossed(end, w.now()), !end.IsZero() && !w.now().Before(end)
		if passed || days == finding.Announced[fingerprint] {
			continue
		}
		told, err := w.noteAnnounced(ctx, assessed, fingerprint, days, tokens)
		if told && days > 0 {
			w.notify(ctx, backend.Event{
				Type: backend.EventExpiring, Integration: assessed.Integration.Name, Provider: assessed.Integration.Provider,
				Version: assessed.Record.Version, Status: assessed.Health.Status, DaysLeft: days, Fingerprint: fingerprint,
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// crossed is the smallest threshold that an end is within, 0 if none, or if it has
// passed.
func crossed(end, now time.Time) int {
	left := end.Sub(now)
	if end.IsZero() || left <= 0 {
		return 0
	}
	for _, days := range thresholds() {
		if left <= time.Duration(days)*24*time.Hour {
			return days
		}
	}
	return 0
}

// noteAnnounced notes an announcement, or with 0 days that none holds; false if it was noted before.
func (w *Sweeper) noteAnnounced(ctx context.Context, assessed *health.Assessment, fingerprint string, days int, tokens map[string]time.Time) (bool, error) {
	name := assessed.Integration.Name
	held, err := w.findings.Hold(ctx, name)
	if err != nil {
		return false, err
	}
	defer held.Release()
	// One that was deleted or replaced meanwhile must not leave an entry behind.
	if same, err := w.watch.Unchanged(ctx, assessed.Integration, assessed.RecordID, assessed.Record.Version); err != nil || same == nil {
		return false, err
	}
	stored, err := held.Load(ctx)
	if err != nil {
		return false, err
	}
	finding := stored.Of(assessed.Record.Version)
	if finding.Announced[fingerprint] == days {
		return false, nil
	}
	inUse := make([]string, 0, len(tokens))
	for token := range tokens {
		inUse = append(inUse, token)
	}
	err = held.Keep(ctx, finding.WithAnnounced(fingerprint, days, inUse))
	return err == nil, err
}
