package probe

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScopeNames(t *testing.T) {
	assert.Equal(t, []string{}, ScopeNames(nil))
	assert.Equal(t, []string{"account", "read:user:bitbucket"}, ScopeNames(Listed([]string{"read:user:bitbucket,  account", "account"})))
	assert.Equal(t, []string{}, ScopeNames([]string{"<script>", "A", "a b", ""}))
}
