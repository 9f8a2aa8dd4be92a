package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// What is left of a refusal is still one: a check that is answered so ends as it did.
func TestARefusalIsStillOne(t *testing.T) {
	eachGood(t, func(t *testing.T, w *catalogtest.World, c catalogtest.Case, spec providers.Spec) {
		t.Helper()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{spec.Name, "v1"}, environment(t, w, c, spec), &out, io.Discard))
		answers := answersOf(t, out.String(), "live_mutated_")
		require.NotEmpty(t, answers)
		again := replay(answers)
		for host := range w.Hosts() {
			w.Handle(host, again)
		}
		registry := catalog.All("test")
		defer registry.Close()
		p, _ := registry.Provider(spec.Name)
		_, err := p.Validate(t.Context(), w.Wire(c.Target), c.Credential)
		var failure *providers.Error
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, providers.Rejected, failure.Outcome, "%s\n%s", failure.Detail, out.String())
	})
}

// answersOf are the printed answers whose name begins so, in order.
func answersOf(t *testing.T, out, prefix string) []answer {
	t.Helper()
	_, text, found := strings.Cut(out, "sent to anybody:\n\n")
	require.True(t, found)
	var answers []answer
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var a answer
		if decoder.Decode(&a) != nil {
			return answers
		}
		if strings.HasPrefix(a.Case, prefix) {
			answers = append(answers, a)
		}
	}
}

// replay answers one request after the other, and the last answer again and again.
func replay(answers []answer) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		a := answers[0]
		answers = answers[min(1, len(answers)-1):]
		for name, value := range a.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.Status)
		if text, ok := a.Body.(string); ok {
			_, _ = io.WriteString(w, text)
			return
		}
		_ = json.NewEncoder(w).Encode(a.Body)
	})
}
