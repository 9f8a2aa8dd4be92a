package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/page"
)

const markup = `<script>alert("1")</script>`

func pages() map[string]page.Page {
	return map[string]page.Page{
		"done": page.Done(&backend.Change{
			Integration: &backend.Integration{Name: markup}, Siblings: []*backend.Integration{{Name: markup}}, Warnings: []string{markup},
			After: &backend.Record{Version: 2, Current: &backend.Stored{Identity: markup}},
		}),
		"refused":  page.Refused(&backend.Error{Code: markup, Message: markup, Integration: markup, URL: "javascript:alert(1)"}),
		"state":    page.Refused(&backend.Error{Code: backend.CodeOAuthStateInvalid, Message: markup}),
		"declined": page.Refused(&backend.Error{Code: backend.CodeOAuthDenied, Message: markup}),
		"nameless": page.Refused(&backend.Error{}),
		"broken":   page.Broken(),
		"confirm": page.Confirm{
			Integration: markup, Mount: markup, Provider: markup, Host: markup, AskedBy: markup, Account: markup, InUse: "other", Siblings: []string{markup},
			Ends: markup, State: markup, Code: markup, Confirmation: markup,
		}.Page(),
		"late": page.Late(),
		"form": page.Form{
			Integration: markup, Mount: markup, Provider: markup, Host: markup, InvitedBy: markup, Note: markup, Account: markup, Ends: markup,
			Rights: markup, Scopes: []string{markup}, MadeAt: "javascript:alert(1)", Siblings: []string{markup}, Stays: markup, Left: 1,
			Fields:  []page.Field{{Name: markup, Label: markup, Hint: markup, Type: "text", Value: markup}, {Name: "pat", Label: markup, Hint: markup, Type: "password", Rows: 2}},
			Refusal: &backend.Error{Code: markup, Message: markup, URL: "javascript:alert(1)", Fields: []string{markup}},
		}.Page(),
		"consent":       page.Form{Integration: markup, Provider: markup, Consent: true}.Page(),
		"onward":        page.Onward(markup, "https://vendor.example.com/authorize?x="+markup),
		"ended":         page.Ended(),
		"last refusal":  page.LastRefusal(&backend.Error{Code: markup, Message: markup, URL: "javascript:alert(1)"}),
		"refused guest": page.RefusedGuest(&backend.Error{Code: markup, Message: markup, URL: "javascript:alert(1)"}),
	}
}

// Whatever a page is made of, nothing in it runs, and it loads nothing.
func TestPagesAreText(t *testing.T) {
	for name, p := range pages() {
		html := p.HTML()
		assert.NotContains(t, html, "<script", name)
		assert.NotContains(t, html, "javascript:", name)
		assert.Contains(t, html, "</html>", name)
		style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(html)
		require.Len(t, style, 2, name)
		sum := sha256.Sum256([]byte(style[1]))
		policy := p.Headers()["Content-Security-Policy"]
		require.Len(t, policy, 1, name)
		assert.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", policy[0], name)
		assert.Equal(t, []string{"no-store"}, p.Headers()["Cache-Control"], name)
	}
}

// Nobody learns from the page of a state that is not valid why it is not.
func TestThePageOfABadStateSaysNoMessage(t *testing.T) {
	one := page.Refused(&backend.Error{Code: backend.CodeOAuthStateInvalid, Message: "one"})
	other := page.Refused(&backend.Error{Code: backend.CodeOAuthStateInvalid, Message: "other"})
	assert.Equal(t, one.HTML(), other.HTML())
}
