package backend

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// full is a record that uses every field.
func full() *Record {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Record{
		Version: 2, Identity: "mia, noa", AccountID: "1,2",
		Current: &Stored{
			Credential:  providers.NewCredential(map[string][]providers.Secret{"pat": {providers.NewSecret("t1"), providers.NewSecret("t2")}}),
			Fingerprint: "00112233445566aa", Identity: "mia, noa", AccountID: "1,2", Scopes: []string{"read:org", "repo"},
			URL: "https://github.com", Scheme: "bearer", ExpiresAt: at.Add(time.Hour), VerifiedAt: at,
			Members: []StoredMember{
				{Fingerprint: "1111111111111111", Identity: "mia", AccountID: "1", Scopes: []string{"repo"}, ExpiresAt: at.Add(time.Hour)},
				{Fingerprint: "2222222222222222", Identity: "noa", AccountID: "2"},
			},
		},
		History: []HistoryEntry{
			{Version: 2, Time: at, Cause: CauseReauth, Identity: "mia, noa", Fingerprint: "00112233445566aa", Actor: Actor{Via: "reauth/gh", EntityID: "e", DisplayName: "token", RequestID: "r"}},
			{Version: 1, Time: at.Add(-time.Hour), Cause: CauseForget},
		},
	}
}

func revealed(c providers.Credential) map[string][]string {
	values := map[string][]string{}
	for _, name := range c.Fields() {
		for _, v := range c.Values(name) {
			values[name] = append(values[name], v.Reveal())
		}
	}
	return values
}

// assertSameRecord compares credentials by their values; they cannot be compared.
func assertSameRecord(t *testing.T, want, have *Record) {
	t.Helper()
	a, b := *want, *have
	if a.Current != nil && b.Current != nil {
		assert.Equal(t, revealed(a.Current.Credential), revealed(b.Current.Credential))
		one, two := *a.Current, *b.Current
		one.Credential, two.Credential = providers.Credential{}, providers.Credential{}
		a.Current, b.Current = &one, &two
	}
	assert.Equal(t, a, b)
}

// The stored form is kept: records written by one version are read by the next.
func TestStoredFormIsKept(t *testing.T) {
	golden := filepath.Join("testdata", "record.json")
	data, err := encodeRecord(full())
	require.NoError(t, err)
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(data), "records that are stored must stay readable; add fields, change none")
	record, err := decodeRecord("gh", want)
	require.NoError(t, err)
	assertSameRecord(t, full(), record)
}

// Whatever is in storage, reading it does not panic, and what is read is written
// back the same.
func FuzzStored(f *testing.F) {
	for _, record := range []*Record{full(), {}, {Version: 3}} {
		data, err := encodeRecord(record)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"version":1,"current":{},"fields":{"a":[]}}`))
	f.Add([]byte(`{"current":null,"fields":{"a":["b"]},"history":[{"time":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := decodeRecord("x", data)
		if err != nil {
			return
		}
		again, err := encodeRecord(record)
		if err != nil {
			return // a time that cannot be written
		}
		back, err := decodeRecord("x", again)
		require.NoError(t, err)
		third, err := encodeRecord(back)
		require.NoError(t, err)
		assert.Equal(t, string(again), string(third))
	})
}
