package notify

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		advice := whatToDo(&Target{Mount: "sei/"}, &Subject{Name: "jira"}, e)
		done := e == Recovered || e == Reauth || e == Rotate || e == Rollback || e == test
		assert.Equal(t, done, advice == "", "%s: %s", e, advice)
	}
}
