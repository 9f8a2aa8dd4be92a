package fleet

import (
	"cmp"
	"slices"
	"time"

	"vault-plugin-secrets-sei/console/engine"
)

// weeksShown is how far the picture looks ahead: half a year.
const weeksShown = 26

// Week is seven days, from now or from the end of the week before.
type Week struct {
	From  time.Time
	Names []string // of the integrations whose credentials end in it, soonest first
}

// Weeks are the weeks to come.
type Weeks struct {
	Weeks []Week
	// Later is how many credentials end after them, and Unknown of how many nobody knows
	// when, or if, they end.
	Later, Unknown int
	// Most is the largest number of one week.
	Most int
	// Next are those that end next, soonest first.
	Next []engine.Expiry
}

// nextShown is how many Next has at most.
const nextShown = 10

// WeeksOf sorts the ends of credentials into the weeks that follow now. What has ended is no
// end to come.
func WeeksOf(ends []engine.Expiry, now time.Time) Weeks {
	const week = 7 * 24 * time.Hour
	var w Weeks
	for i := range weeksShown {
		w.Weeks = append(w.Weeks, Week{From: now.Add(time.Duration(i) * week)})
	}
	ends = slices.Clone(ends)
	slices.SortFunc(ends, func(a, b engine.Expiry) int {
		return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, end := range ends {
		until := end.ExpiresAt.Sub(now)
		switch i := int(until / week); {
		case end.ExpiresAt.IsZero():
			w.Unknown++
			continue
		case until < 0:
			continue
		case i >= weeksShown:
			w.Later++
		default:
			w.Weeks[i].Names = append(w.Weeks[i].Names, end.Name)
			w.Most = max(w.Most, len(w.Weeks[i].Names))
		}
		if len(w.Next) < nextShown {
			end.DaysLeft = int(until / (24 * time.Hour))
			w.Next = append(w.Next, end)
		}
	}
	return w
}

// Ends are the ends of the fleet's credentials.
func (f Fleet) Ends() []engine.Expiry {
	ends := make([]engine.Expiry, 0, len(f.Rows))
	for _, row := range f.Rows {
		ends = append(ends, engine.Expiry{Name: row.Name, Provider: row.Provider, ExpiresAt: row.ExpiresAt})
	}
	return ends
}
