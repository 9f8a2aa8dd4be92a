package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// What the first version with targets stored, later ones must read.
const (
	firstTarget = `{"name":"ops","id":"1f","mount":"sei/","since":{"reauth":"2026-11-30T12:00:00Z"},"settings":{"texts":{"format":"slack"},"numbers":{"settle":5},"lists":{"events":["needs_reauth","reauth"]}},"secrets":{"url":"https://chat.example.com/hook"}}`
	firstTold   = `{"jira":{"told":{"n":3,"id":"a","status":"needs_reauth","code":"credential_rejected","rotation":2,"swap":"2026-11-30T12:00:00.5Z"},"sending":{"event":"recovered","at":"2026-11-30T12:01:00Z","then":{"n":4,"id":"a","swap":"2026-11-30T12:00:00.5Z"}}}}`
)

func TestTheFirstFormatIsRead(t *testing.T) {
	target, err := decodeTarget("ops", []byte(firstTarget))
	require.NoError(t, err)
	assert.Equal(t, "https://chat.example.com/hook", target.Settings.Secret(fieldURL).Reveal())
	assert.True(t, target.wants(Reauth))
	assert.False(t, target.wants(Recovered))
	again, err := encodeTarget(target)
	require.NoError(t, err)
	assert.JSONEq(t, firstTarget, string(again))
	_, err = decodeTarget("other", []byte(firstTarget))
	require.Error(t, err, "its messages would go to the address of another")

	var stored map[string]*tidings
	require.NoError(t, json.Unmarshal([]byte(firstTold), &stored))
	encoded, err := json.Marshal(stored)
	require.NoError(t, err)
	assert.JSONEq(t, firstTold, string(encoded))
}

// Of each event there is a sentence, and what to do where somebody must.
func TestEveryEventHasASentence(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range append(Events(), test) {
		text := message{Type: e, Data: data{Mount: "sei/", Integration: "jira"}}.sentence()
		assert.NotContains(t, text, string(e)+":", "%s has no sentence of its own", e)
		assert.False(t, seen[text], text)
		seen[text] = true
		advice := whatToDo(&Target{Mount: "sei/"}, &Subject{Name: "jira"}, e, false)
		done := e == Recovered || e == Reauth || e == Rotate || e == Rollback || e == Invited || e == test
		assert.Equal(t, done, advice == "", "%s: %s", e, advice)
	}
}

func TestHowLongACredentialLasts(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for left, said := range map[time.Duration]string{
		-time.Hour:     "the credential of sei/jira has ended",
		time.Hour:      "the credential of sei/jira ends in less than a day",
		25 * time.Hour: "the credential of sei/jira ends in 1 day",
		49 * time.Hour: "the credential of sei/jira ends in 2 days",
	} {
		s := &Subject{Name: "jira", Status: backend.StatusExpiring, ExpiresAt: now.Add(left)}
		m := messageOf(&Target{Mount: "sei/"}, s, &news{event: Expiring}, &sending{Event: Expiring}, providers.Secret{}, now)
		assert.Equal(t, said, m.sentence())
	}
}

// Where the credential itself is good, nobody is sent to write another one.
func TestADegradedCredentialIsNotAlwaysToBeReplaced(t *testing.T) {
	for code, replace := range map[providers.Outcome]bool{
		providers.RateLimited: false, providers.SSORequired: false, providers.CaptchaRequired: false, providers.AccountBlocked: false,
		providers.InsufficientScope: true, providers.IdentityMismatch: true, providers.Rejected: true,
	} {
		advice := whatToDo(&Target{Mount: "sei/"}, &Subject{Name: "jira", Status: backend.StatusDegraded, Code: string(code)}, Degraded, false)
		assert.Equal(t, replace, strings.Contains(advice, "sei/reauth/jira"), "%s: %s", code, advice)
		said := message{Type: Degraded, Data: data{Mount: "sei/", Integration: "jira", Code: string(code)}}.sentence()
		assert.Equal(t, code == providers.RateLimited, said == "the upstream's quota of sei/jira is used up", said)
	}
}
