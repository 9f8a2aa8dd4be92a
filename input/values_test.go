package input

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers/catalog"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2027-03-31":                "2027-03-31T00:00:00Z",
		"2027-03-31T10:00:00+02:00": "2027-03-31T08:00:00Z",
		" 2027-01-02 ":              "2027-01-02T00:00:00Z",
	} {
		got, err := parseTime(text, now)
		require.NoError(t, err, text)
		assert.Equal(t, want, got.Format(time.RFC3339))
	}
	for _, text := range []string{"", "31.3.2027", "2027-02-30", "2027-01-01", "2027-01-01T12:00:00Z", "1799999999", "9999-12-31T23:59:59-12:00"} {
		_, err := parseTime(text, now)
		require.Error(t, err, text)
	}
}

// Whatever a client sends, a re-authentication accepts exactly the credential
// fields, as text, and no error quotes a value.
func FuzzStrict(f *testing.F) {
	for _, seed := range []string{
		`{"email":"mia@example.com","api_key":"canary"}`, `{"email":"mia@example.com","api_key":["canary"]}`,
		`{"url":"canary"}`, `{"pat":{"canary":1}}`, `{"api_key":null,"email":1e99}`, `{"expires_at":"canary"}`, `[]`, `{"a":[[[[]]]]}`,
		`{"email":"mia@example.com","api_key":" canary , "}`, `{"email":"mia@example.com","api_key":"canary,,"}`,
	} {
		f.Add([]byte(seed))
	}
	registry := catalog.All("fuzz")
	words := NewVocabulary(registry, []string{"version", "status", "client_secret_set"})
	jira, _ := registry.Provider("jira")
	auth, _ := jira.Spec().AuthType("api_key")
	f.Fuzz(func(t *testing.T, raw []byte) {
		sent := map[string]any{}
		decoder := json.NewDecoder(strings.NewReader(string(raw)))
		decoder.UseNumber() // as Vault does
		if decoder.Decode(&sent) != nil {
			return
		}
		entry, err := words.Entry(auth, sent, time.Now())
		if err != nil {
			assertQuotesNothing(t, err, sent)
			return
		}
		for key, value := range sent {
			text, ok := value.(string)
			if !ok {
				t.Fatalf("%s was accepted as %T", key, value)
			}
			if key == "expires_at" {
				continue
			}
			// What is pasted is often one line of a list: the comma at its end may go.
			lost, ok := strings.CutPrefix(strings.TrimSpace(text), entry.Credential.Value(key).Reveal())
			if !ok || lost != "" && strings.TrimSpace(lost) != "," {
				t.Fatalf("%s was accepted and not kept", key)
			}
		}
	})
}

// assertQuotesNothing looks for values, not for keys, which errors may name.
func assertQuotesNothing(t *testing.T, err error, sent map[string]any) {
	t.Helper()
	const telling = 9 // shorter values may be part of any sentence
	var refusal *backend.Error
	require.ErrorAs(t, err, &refusal)
	said := fmt.Sprint(err, *refusal)
	for key := range sent {
		said = strings.ReplaceAll(said, key, "") // a key may be named, and may look like a value
	}
	for _, value := range sent {
		if text, ok := value.(string); ok && len(text) >= telling && strings.Contains(said, text) && !strings.Contains(help, text) {
			t.Fatalf("a value is quoted: %s", said)
		}
	}
}

// help is text that refusals contain by themselves.
const help = "this integration takes email*, api_key*, expires_at (* required) must be a date such as 2027-03-31 or a time such as 2027-03-31T12:00:00Z"

func BenchmarkParseEntry(b *testing.B) {
	registry := catalog.All("test")
	defer registry.Close()
	words := NewVocabulary(registry, nil)
	p, _ := registry.Provider("jira")
	auth, _ := p.Spec().AuthType("api_key")
	now := time.Now()
	sent := map[string]any{"email": "mia@example.com", "api_key": "a-key", "expires_at": "2099-01-31"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := words.Entry(auth, sent, now); err != nil {
			b.Fatal(err)
		}
	}
}
