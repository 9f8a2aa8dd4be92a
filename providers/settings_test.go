package providers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers"
)

func TestSettingsClone(t *testing.T) {
	s := providers.Settings{
		Texts: map[string]string{"a": "1"}, Lists: map[string][]string{"l": {"x"}},
		Maps: map[string]map[string]string{"m": {"k": "v"}}, Flags: map[string]bool{"f": true},
	}
	c := s.Clone()
	c.Texts["a"], c.Lists["l"][0], c.Maps["m"]["k"], c.Flags["f"] = "2", "y", "w", false
	assert.Equal(t, "1", s.Text("a"))
	assert.Equal(t, []string{"x"}, s.List("l"))
	assert.Equal(t, "v", s.Maps["m"]["k"])
	assert.True(t, s.Flag("f"))
}
