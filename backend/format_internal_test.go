package backend

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// In testdata/v1 stands a mount's storage as the first released format has it: a file
// for each entry, named after its key. Later versions must read it.
const firstFormat = "testdata/v1"

//nolint:gochecknoglobals // flags of go test are
var update = flag.Bool("update", false, "write the golden files of the stored form")

// sample is an entry of storage.
type sample struct {
	key    string
	encode func() ([]byte, error)
	recode func([]byte) ([]byte, error) // decodes and encodes again
}

func sampleOf[T any](prefix, key string, value *T, encode func(*T) ([]byte, error), decode func(string, []byte) (*T, error)) sample {
	return sample{
		key:    prefix + key,
		encode: func() ([]byte, error) { return encode(value) },
		recode: func(data []byte) ([]byte, error) {
			read, err := decode(key, data)
			if err != nil {
				return nil, err
			}
			return encode(read)
		},
	}
}

func then() time.Time { return time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC) }

func secrets(pairs ...string) providers.Credential {
	values := map[string][]providers.Secret{}
	for pair := range slices.Chunk(pairs, 2) {
		values[pair[0]] = append(values[pair[0]], providers.NewSecret(pair[1]))
	}
	return providers.NewCredential(values)
}

// pooled is a record of a pool.
func pooled() *Record {
	at := then()
	return &Record{
		Version: 2, Identity: "mia, noa", AccountID: "1,2",
		Current: &Stored{
			Credential:  secrets("pat", "t1", "pat", "t2"),
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

// single is a record of one token, with the one before it.
func single(mark string, current, previous providers.Credential) *Record {
	at := then()
	return &Record{
		Version: 2, Identity: "ada@example.com", AccountID: "7", PreviousUntil: at.Add(24 * time.Hour),
		Current:  &Stored{Credential: current, Fingerprint: mark, Identity: "ada@example.com", AccountID: "7", URL: "https://jira.example.com", VerifiedAt: at, Rotation: providers.Rotation{"name": "sei"}},
		Previous: &Stored{Credential: previous, Fingerprint: "3333333333333333", Identity: "ada@example.com", AccountID: "7", URL: "https://jira.example.com", VerifiedAt: at.Add(-time.Hour)},
		History:  []HistoryEntry{{Version: 2, Time: at, Cause: CauseRotate, Identity: "ada@example.com", Fingerprint: mark}},
	}
}

// consented is a record of OAuth, of which a refresh began.
func consented() *Record {
	at := then()
	return &Record{
		Version: 1, Identity: "ada@example.com",
		Current: &Stored{
			Credential: secrets(providers.OAuthAccessToken, "access", providers.OAuthRefreshToken, "refresh"), Fingerprint: "4444444444444444",
			Identity: "ada@example.com", URL: "https://bitbucket.org", VerifiedAt: at,
			Access: &Access{IssuedAt: at, ExpiresAt: at.Add(2 * time.Hour), RefreshingSince: at, RefusedAt: at.Add(time.Minute)},
		},
		History: []HistoryEntry{{Version: 1, Time: at, Cause: CauseRefresh, Identity: "ada@example.com", Fingerprint: "4444444444444444"}},
	}
}

func settings(pairs ...string) providers.Settings {
	s := providers.Settings{}.Clone()
	for pair := range slices.Chunk(pairs, 2) {
		s.Texts[pair[0]] = pair[1]
	}
	return s
}

// samples are entries of every kind, with every field in use.
func samples(t *testing.T) []sample {
	t.Helper()
	registry := catalog.All("test")
	var list []sample
	var oauth *Integration
	group := ""
	for _, in := range configured() {
		in.ID = "id-of-" + in.Name
		p, ok := registry.Provider(in.Provider)
		require.True(t, ok)
		if id := in.RecordID(p, p.Spec()); id != in.Name {
			group = id
		}
		if in.Name == "bb" {
			oauth = in
		}
		list = append(list, sampleOf(IntegrationsPrefix, in.Name, in, EncodeIntegration, DecodeIntegration))
	}
	for id, record := range map[string]*Record{
		"jira": single("5555555555555555", secrets("email", "ada@example.com", "api_key", "new"), secrets("email", "ada@example.com", "api_key", "old")),
		"gh":   pooled(), "bb": consented(), "gl": single(mark(t, "gl-current"), secrets("pat", "gl-current"), secrets("pat", "gl-previous")),
		"forgotten": {Version: 3, Identity: "ada@example.com", AccountID: "7", History: []HistoryEntry{{Version: 3, Time: then(), Cause: CauseForget, Fingerprint: "6666666666666666"}}},
		group:       single("7777777777777777", secrets("email", "ada@example.com", "pat", "ado"), secrets("email", "ada@example.com", "pat", "ado-old")),
	} {
		list = append(list, sampleOf(CredentialsPrefix, id, record, EncodeRecord, DecodeRecord))
	}
	p, _ := registry.Provider(oauth.Provider)
	who := Actor{Via: "oauth/authorize/bb", EntityID: "e", DisplayName: "token", RequestID: "r"}
	flow := &Flow{Integration: "bb", Binding: oauth.Binding(p.Spec()), Verifier: providers.NewSecret("verifier"), ExpiresAt: then().Add(10 * time.Minute), Actor: who}
	pending := &Pending{
		Integration: "gl", Version: 2, Rotation: providers.Rotation{"expires_at": "2027-04-01"}, BegunAt: then(), Actor: Actor{Via: "rotate/gl"}, Cause: CauseRotate,
		Successor: secrets("pat", "gl-successor"), Fingerprint: mark(t, "gl-successor"), ExpiresAt: then().AddDate(0, 3, 0),
	}
	finished := &Pending{
		Integration: "jira", Version: 1, Rotation: providers.Rotation{"name": "sei"}, BegunAt: then(), Cause: CauseRotate,
		Fingerprint: "5555555555555555", Replaced: "3333333333333333", FinishAt: then().Add(time.Hour),
	}
	index := func([]byte) ([]byte, error) { return []byte("{}"), nil }
	return append(
		list,
		sample{key: GroupsPrefix + group + "/boards", encode: func() ([]byte, error) { return index(nil) }, recode: index},
		sample{key: GroupsPrefix + group + "/repos", encode: func() ([]byte, error) { return index(nil) }, recode: index},
		sampleOf(PendingPrefix, "jira", finished, EncodePending, DecodePending),
		sampleOf("", MountKey, mounted(), EncodeMount, DecodeMount),
		sampleOf(FlowsPrefix, FlowKey(providers.NewSecret("state")), flow, EncodeFlow, DecodeFlow),
		sampleOf(PendingPrefix, "gl", pending, EncodePending, DecodePending),
		sampleOf(HealthPrefix, "gh", found(), EncodeFinding, DecodeFinding),
	)
}

func configured() []*Integration {
	many := settings("url", "https://jira.example.com", "description", "Jira", "ca_cert", "")
	many.Lists["required_scopes"], many.Maps["labels"] = []string{"read"}, map[string]string{"team": "sei"}
	many.Flags["pin_identity"], many.Numbers["health_check_interval"] = true, 600
	oauth := settings("client_id", "engine", "redirect_uri", "https://vault.example.com/v1/sei/oauth/callback")
	oauth.Secrets["client_secret"] = providers.NewSecret("of-the-client")
	return []*Integration{
		{Name: "jira", Provider: "jira", AuthType: "api_key", Settings: many},
		{Name: "app", Provider: "jira", AuthType: "connect_app", Settings: settings("url", "https://jira.example.com")},
		{Name: "gh", Provider: "github", AuthType: "pat", Settings: settings()},
		{Name: "gl", Provider: "gitlab", AuthType: "pat", Settings: settings("url", "https://gitlab.example.com")},
		{Name: "bb", Provider: "bitbucket", AuthType: "oauth", Settings: oauth},
		{Name: "forgotten", Provider: "jira", AuthType: "api_key", Settings: settings("url", "https://jira.example.com")},
		{Name: "boards", Provider: "azure_devops", AuthType: "pat", Settings: settings("organization", "acme", "service", "boards")},
		{Name: "repos", Provider: "azure_devops", AuthType: "pat", Settings: settings("organization", "acme", "service", "repos")},
	}
}

func mounted() *Mount {
	s := providers.Settings{}.Clone()
	s.Lists["allowed_hosts"], s.Numbers["creds_ttl"] = []string{"https://jira.example.com"}, 60
	return NewMount(s)
}

func found() *Finding {
	at := then()
	return &Finding{
		Version: 2, Code: "credential_rejected", Message: "token 1 is bad", Since: at, CheckedAt: at.Add(time.Minute),
		Members:   map[string]MemberFinding{"1111111111111111": {Code: "credential_rejected", Message: "bad"}},
		Announced: map[string]int{"2222222222222222": 7}, Outlived: []string{"2222222222222222"},
	}
}

// mark is the fingerprint of a token under the key in the golden files.
func mark(t *testing.T, token string) string {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(firstFormat, "salt"))
	require.NoError(t, err)
	storage := &logical.InmemStorage{}
	require.NoError(t, storage.Put(t.Context(), &logical.StorageEntry{Key: "salt", Value: key}))
	made, err := salt.NewSalt(t.Context(), storage, nil)
	require.NoError(t, err)
	return made.GetHMAC(token)[:16]
}

// What this version stores is what the first format has: a version that changed it
// could not be left again, nor come from there.
func TestStoredFormIsKept(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.key, func(t *testing.T) {
			golden := filepath.Join(firstFormat, s.key+".json")
			data, err := s.encode()
			require.NoError(t, err)
			if *update {
				writeGolden(t, golden, data)
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(data), "what is stored must stay readable; add fields, change none")
			again, err := s.recode(want)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(again), "a field is read and not written, or the other way round")
		})
	}
}

func writeGolden(t *testing.T, path string, data []byte) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(data, &value))
	pretty, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, append(pretty, '\n'), 0o600))
}

// Every object that a newer version may add fields to keeps them, and nothing prints
// them.
func TestFieldsOfANewerVersionAreKept(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.key, func(t *testing.T) {
			stored, err := s.encode()
			require.NoError(t, err)
			if strings.HasPrefix(s.key, GroupsPrefix) {
				t.Skip("an entry of the index says all with its key")
			}
			var value any
			require.NoError(t, json.Unmarshal(stored, &value))
			require.NotZero(t, extend(value, false))
			newer, err := json.Marshal(value)
			require.NoError(t, err)
			kept, err := s.recode(newer)
			require.NoError(t, err)
			assert.JSONEq(t, string(newer), string(kept))
		})
	}
}

// extend adds a field to every object below value that has a fixed set of them, and
// returns to how many. In open objects the names of fields are data.
func extend(value any, open bool) int {
	names := []string{"fields", "previous_fields", "secrets", "texts", "lists", "maps", "flags", "numbers", "labels", "announced", "rotation"}
	added := 0
	switch v := value.(type) {
	case map[string]any:
		for name, child := range v {
			_, isObject := child.(map[string]any)
			added += extend(child, slices.Contains(names, name) || name == "members" && isObject)
		}
		if !open {
			v["of_a_newer_version"] = map[string]any{"secret": "unknown-secret", "number": 12345678901234567}
			added++
		}
	case []any:
		for _, child := range v {
			added += extend(child, false)
		}
	}
	return added
}

// What is unknown may be secret.
func TestNothingPrintsFieldsOfANewerVersion(t *testing.T) {
	data, err := EncodeRecord(pooled())
	require.NoError(t, err)
	var value any
	require.NoError(t, json.Unmarshal(data, &value))
	extend(value, false)
	newer, err := json.Marshal(value)
	require.NoError(t, err)
	record, err := DecodeRecord("gh", newer)
	require.NoError(t, err)
	require.NotEmpty(t, record.unknown)
	require.NotEmpty(t, record.History[0].unknown)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{record, *record, *record.Current, record.History, record.unknown} {
			assert.NotContains(t, fmt.Sprintf(verb, v), "unknown-secret", verb)
		}
	}
}

// Forgetting erases secrets, also those that a newer version keeps beside the record.
func TestForgettingErasesCredentialsOfANewerVersion(t *testing.T) {
	record := pooled()
	record.unknown = store.Unknown{"standby": providers.NewSecret("{}"), "standby_fields": providers.NewSecret(`{"pat":["t3"]}`), "note": providers.NewSecret("1")}
	after := record.Forgotten(then(), Actor{}, 20)
	assert.Contains(t, after.unknown, "note")
	assert.NotContains(t, after.unknown, "standby")
	assert.NotContains(t, after.unknown, "standby_fields")
	assert.Len(t, record.unknown, 3, "the one before is immutable")
}
