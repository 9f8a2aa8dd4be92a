package providers_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

func secrets(pairs ...string) providers.Credential {
	c := providers.NewCredential(nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		c = c.With(pairs[i], append(c.Values(pairs[i]), providers.NewSecret(pairs[i+1]))...)
	}
	return c
}

// holder keeps a secret where fmt finds it by reflection only.
type holder struct {
	secret  providers.Secret
	pointer *providers.Secret
	list    []providers.Secret
	byName  map[string]providers.Secret
	cred    providers.Credential
}

func hold(value string) holder {
	s := providers.NewSecret(value)
	return holder{s, &s, []providers.Secret{s}, map[string]providers.Secret{"x": s}, secrets("pat", value)}
}

func TestSecret(t *testing.T) {
	s := providers.NewSecret("hunter2")
	assert.Equal(t, "hunter2", s.Reveal())
	assert.False(t, s.Empty())
	assert.True(t, providers.Secret{}.Empty())
	assert.Equal(t, "[redacted]", s.String())

	t.Run("no encoder writes one", func(t *testing.T) {
		_, err := json.Marshal(s)
		require.Error(t, err)
		_, err = xml.Marshal(s)
		require.Error(t, err)
	})
	t.Run("no logger shows one", func(t *testing.T) {
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "holder", hold("hunter2"))
		assert.NotContains(t, out.String(), "hunter2")
	})
}

// FuzzSecretFormat looks for a mark that no verb writes of its own accord, as text
// and in hexadecimal.
func FuzzSecretFormat(f *testing.F) {
	const mark = "s3cr3t~mark"
	seeds := []struct{ verb, value string }{
		{"v", "hunter2"}, {"+v", "a long secret"}, {"#v", "{}"}, {"s", "%s"}, {"x", "00"}, {"X", ""}, {"d", "1"}, {"q", "'"}, {"T", ""}, {"p", ""}, {"10.3v", "padded"},
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.verb, s.value)
	}
	f.Fuzz(func(t *testing.T, verb, value string) {
		if strings.Contains(verb, mark) {
			t.Skip("the verb writes the mark")
		}
		h := hold(mark + value)
		for _, what := range []any{h, &h, h.secret, h.pointer, h.list, h.byName, h.cred} {
			shown := fmt.Sprintf("%"+verb, what)
			assert.NotContains(t, shown, mark)
			assert.NotContains(t, strings.ToLower(shown), hex.EncodeToString([]byte(mark)))
		}
	})
}

func TestCredential(t *testing.T) {
	c := secrets("email", "mia@example.com", "pat", "one", "pat", "two")
	assert.Equal(t, []string{"email", "pat"}, c.Fields())
	assert.Equal(t, "one", c.Value("pat").Reveal())
	assert.Len(t, c.Values("pat"), 2)
	assert.True(t, c.Value("other").Empty())
	assert.False(t, c.Empty())
	assert.True(t, providers.Credential{}.Empty())

	t.Run("With copies", func(t *testing.T) {
		d := c.With("pat", providers.NewSecret("three"))
		assert.Equal(t, "three", d.Value("pat").Reveal())
		assert.Equal(t, "one", c.Value("pat").Reveal())
		assert.Equal(t, []string{"email"}, c.With("pat").Fields(), "no value, no field")
	})
	t.Run("what is read can be changed", func(t *testing.T) {
		c.Values("pat")[0] = providers.NewSecret("changed")
		assert.Equal(t, "one", c.Value("pat").Reveal())
	})
}
