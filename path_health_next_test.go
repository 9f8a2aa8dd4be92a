package sei

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
)

// withGitLab has the integration gl, which rotates by itself, with a token of 40 days.
func withGitLab(t *testing.T) *mount {
	t.Helper()
	m := newMount(t)
	fake := gitlabtest.NewGitLab(gitlabtest.GitLabOptions{})
	fake.Add(gitlabtest.GitLabToken{Token: "glpat-1", Username: "mia", Scopes: []string{"api"}, Expires: time.Now().Add(40 * 24 * time.Hour).UTC().Format("2006-01-02")})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	m.write(t, "integrations/gl", body{"provider": "gitlab", "url": server.URL, "auto_rotate": true, "rotate_before": "240h"})
	m.write(t, "reauth/gl", body{"pat": "glpat-1"})
	return m
}

func momentOf(t *testing.T, text any) time.Time {
	t.Helper()
	s, _ := text.(string)
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(t, err, "%v", text)
	return at
}

// What comes next is shown where one looks: of one integration, in its configuration, and of
// all at a glance.
func TestWhatComesNextIsShown(t *testing.T) {
	m := withGitLab(t)
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	end := momentOf(t, m.read(t, "health/gl")["expires_at"])
	health := m.read(t, "health/gl")
	assert.Equal(t, end.Add(-240*time.Hour), momentOf(t, health["next_rotation"]))
	check := momentOf(t, health["next_check"])
	assert.LessOrEqual(t, time.Until(check), time.Hour)
	assert.Equal(t, health["next_check"], m.write(t, "health/gl", nil).data["next_check"])
	in := m.read(t, "integrations/gl")
	assert.Equal(t, health["next_rotation"], in["next_rotation"])
	assert.Equal(t, health["next_check"], in["next_check"])

	status := m.read(t, "status")
	assert.Equal(t, health["next_rotation"], status["next_rotation"])
	assert.Equal(t, health["next_check"], status["next_check"])
	expiring, _ := status["expires_next"].([]map[string]any)
	require.Len(t, expiring, 1)
	assert.Equal(t, health["next_rotation"], expiring[0]["next_rotation"])
	needs, _ := status["needs_person"].([]map[string]any)
	require.Len(t, needs, 1)
	assert.Empty(t, needs[0]["next_check"], "there is nothing to check")
	for _, path := range []string{"health/jira", "integrations/jira"} {
		assert.Empty(t, m.read(t, path)["next_rotation"], path)
		assert.Empty(t, m.read(t, path)["next_check"], path)
	}
	for _, field := range []string{"next_rotation", "next_check"} {
		m.refused(t, logical.UpdateOperation, "integrations/gl", body{field: "2027-01-01T00:00:00Z"}, 400, "field_not_allowed")
	}
}

// standby is a node that checks nothing and rotates nothing.
type standby struct{ logical.StaticSystemView }

func (standby) ReplicationState() consts.ReplicationState {
	return consts.ReplicationPerformanceStandby
}

// A node that is not active does not know what the active one is about to do.
func TestAStandbyForetellsNothing(t *testing.T) {
	m := withGitLab(t)
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.storage, System: standby{}}))
	status := m.read(t, "status")
	for _, data := range []map[string]any{m.read(t, "health/gl"), m.read(t, "integrations/gl"), status} {
		assert.Empty(t, data["next_rotation"])
		assert.Empty(t, data["next_check"])
	}
}

// A window reads back as it was written, is refused by name where it is none, and moves the
// next rotation. A re-authentication cannot change it.
func TestARotationWindow(t *testing.T) {
	m := withGitLab(t)
	m.write(t, "integrations/gl", body{"rotation_schedule": "0 2 * * SUN", "rotation_window": "2h"})
	in := m.read(t, "integrations/gl")
	assert.Equal(t, "0 2 * * SUN", in["rotation_schedule"])
	assert.EqualValues(t, 7200, in["rotation_window"])
	next := momentOf(t, in["next_rotation"])
	assert.Equal(t, time.Sunday, next.Weekday())
	assert.Contains(t, []int{2, 3}, next.UTC().Hour(), "%s", next)
	due := momentOf(t, in["expires_at"]).Add(-240 * time.Hour)
	assert.False(t, next.Before(due))
	assert.Less(t, next.Sub(due), 7*24*time.Hour)

	for name, c := range map[string]struct {
		sent  body
		field string
	}{
		"no cron":         {body{"rotation_schedule": "Sun 02:00-04:00 UTC"}, "rotation_schedule"},
		"a zone":          {body{"rotation_schedule": "TZ=UTC"}, "rotation_schedule"},
		"never":           {body{"rotation_schedule": "0 0 31 2 *"}, "rotation_schedule"},
		"half an hour":    {body{"rotation_window": "30m"}, "rotation_window"},
		"schedule of one": {body{"rotation_schedule": ""}, "rotation_window"},
	} {
		t.Run(name, func(t *testing.T) {
			r := m.refused(t, logical.UpdateOperation, "integrations/gl", c.sent, 400, "invalid_field")
			assert.Equal(t, []string{c.field}, r.data["fields"])
			assert.Equal(t, "gl", r.data["integration"])
		})
	}
	m.refused(t, logical.UpdateOperation, "reauth/gl", body{"pat": "glpat-1", "rotation_schedule": "* * * * *"}, 400, "field_not_allowed")
	m.write(t, "integrations/gl", body{"rotation_schedule": "", "rotation_window": 0})
	in = m.read(t, "integrations/gl")
	assert.Empty(t, in["rotation_schedule"])
	assert.EqualValues(t, 0, in["rotation_window"])
	assert.Equal(t, due, momentOf(t, in["next_rotation"]))
}

// Whoever sets windows that do not help is told when that is known: at the write, and as long
// as it is so with the health.
func TestAWindowThatDoesNotHelpWarns(t *testing.T) {
	m := withGitLab(t)
	in := m.read(t, "integrations/gl")
	assert.Empty(t, m.write(t, "integrations/gl", body{"rotation_schedule": "0 2 * * SUN", "rotation_window": "2h"}).warnings)
	assert.Empty(t, m.ok(t, logical.ReadOperation, "health/gl", nil).warnings)
	never := momentOf(t, in["expires_at"]).AddDate(0, 0, 1)
	yearly := fmt.Sprintf("0 2 %d %d *", never.Day(), never.Month())
	r := m.write(t, "integrations/gl", body{"rotation_schedule": yearly})
	require.Len(t, r.warnings, 1)
	assert.Contains(t, r.warnings[0], "no window of rotation_schedule begins in time before the credential ends")
	assert.Contains(t, r.warnings[0], in["next_rotation"])
	assert.Equal(t, in["next_rotation"], m.read(t, "health/gl")["next_rotation"], "rather than let it end")
	assert.Equal(t, r.warnings, m.ok(t, logical.ReadOperation, "health/gl", nil).warnings)

	r = m.write(t, "integrations/gl", body{"auto_rotate": false})
	require.Len(t, r.warnings, 1)
	assert.Contains(t, r.warnings[0], "auto_rotate")
	r = m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL, "auto_rotate": true, "rotation_schedule": "0 2 * * SUN"})
	require.Len(t, r.warnings, 1)
	assert.Contains(t, r.warnings[0], "cannot be rotated")
	r = m.write(t, "integrations/app", body{"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": "s", "redirect_uri": "https://vault.example.com/v1/sei/oauth/callback", "auto_rotate": true, "rotation_schedule": "0 2 * * SUN"})
	require.NotEmpty(t, r.warnings)
	assert.Contains(t, r.warnings[len(r.warnings)-1], "renewed whenever that is due")
}
