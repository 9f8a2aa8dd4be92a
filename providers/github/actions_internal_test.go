package github

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func TestIsGitHubRepository(t *testing.T) {
	for name, want := range map[string]bool{
		"engine": true, ".github": true, "a_b-c.d": true, "": false, ".": false, "..": false, "a/b": false, "a?b": false, "a%2fb": false, "ä": false,
	} {
		assert.Equal(t, want, isGitHubRepository(name), name)
	}
}

// FuzzGitHubRepositories takes any list and asks nothing but one segment of a path.
func FuzzGitHubRepositories(f *testing.F) {
	seeds := []string{`[{"name":"engine","private":true}]`, `[{"name":"../user"}]`, `[{"name":".."}]`, `[null]`, `[]`, `null`, `{}`, `[{"name":"a?b#c"}]`}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var list *[]githubRepository
		if (&upstream.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}).JSON(&list) != nil || list == nil {
			return
		}
		for _, r := range *list {
			if !isGitHubRepository(r.Name) {
				continue
			}
			u, err := url.Parse("https://api.github.com/repos/acme/" + r.Name + "/actions/runs?per_page=1")
			require.NoError(t, err)
			assert.Equal(t, "/repos/acme/"+r.Name+"/actions/runs", u.EscapedPath())
			assert.Equal(t, u.String(), u.JoinPath(".").String(), "no dot segment")
		}
	})
}
