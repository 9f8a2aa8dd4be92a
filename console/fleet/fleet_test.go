package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/fleet"
)

func some() fleet.Fleet {
	return fleet.Of(map[string]engine.Summary{
		"b": {Status: "healthy", Provider: "gitlab"}, "a": {Status: "healthy", Provider: "jira", Labels: map[string]string{"team": "core", "env": "prod"}},
		"z": {Status: "needs_reauth", Provider: "jira", Reason: "credential_rejected"}, "y": {Status: "new_status", Provider: "jira"}, "x": {Status: "degraded", Provider: "github"},
	})
}

func names(rows []fleet.Row) []string {
	list := []string{}
	for _, row := range rows {
		list = append(list, row.Name)
	}
	return list
}

func TestWhatNeedsAPersonComesFirst(t *testing.T) {
	f := some()
	assert.Equal(t, []string{"z", "x", "a", "b", "y"}, names(f.Rows))
	assert.Equal(t, []string{"github", "gitlab", "jira"}, f.Providers())
	assert.Equal(t, []fleet.Count{{"needs_reauth", 1}, {"degraded", 1}, {"healthy", 2}, {"new_status", 1}}, f.ByStatus())
	needs := f.Needs()
	assert.Len(t, needs, 2)
	assert.Equal(t, "credential_rejected", needs[0].Code)
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		filter fleet.Filter
		shown  []string
	}{
		{fleet.Filter{}, []string{"z", "x", "a", "b", "y"}},
		{fleet.Filter{Text: "A"}, []string{"a"}},
		{fleet.Filter{Provider: "jira", Status: "healthy"}, []string{"a"}},
		{fleet.Filter{Label: "TEAM=co"}, []string{"a"}},
		{fleet.Filter{Label: "prod"}, []string{"a"}},
		{fleet.Filter{Text: "none"}, []string{}},
	} {
		assert.Equal(t, c.shown, names(c.filter.Of(some().Rows)), c.filter)
	}
}

func TestPages(t *testing.T) {
	rows := make([]fleet.Row, 250)
	assert.Len(t, fleet.PageOf(rows, 1).Rows, 100)
	assert.Len(t, fleet.PageOf(rows, 3).Rows, 50)
	assert.Equal(t, 3, fleet.PageOf(rows, 99).Number)
	assert.Equal(t, 1, fleet.PageOf(rows, -1).Number)
	assert.Equal(t, 1, fleet.PageOf(nil, 1).Of)
}

func TestWeeks(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := func(name string, d time.Duration) engine.Expiry {
		return engine.Expiry{Name: name, ExpiresAt: engine.Time{Time: now.Add(d)}}
	}
	const day = 24 * time.Hour
	w := fleet.WeeksOf([]engine.Expiry{in("later", 400*day), in("second", 6*day), in("first", time.Hour), in("gone", -time.Hour), in("third", 7*day), {Name: "never"}}, now)
	assert.Equal(t, []string{"first", "second"}, w.Weeks[0].Names)
	assert.Equal(t, []string{"third"}, w.Weeks[1].Names)
	assert.Equal(t, 1, w.Later)
	assert.Equal(t, 1, w.Unknown)
	assert.Equal(t, 2, w.Most)
	assert.Equal(t, "first", w.Next[0].Name)
	assert.Len(t, w.Next, 4)
	assert.Equal(t, 6, w.Next[1].DaysLeft)
}
