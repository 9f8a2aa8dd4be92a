package sei

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limit is a row of the table of limits: the largest request that is taken, and one more.
type limit struct {
	path     string
	data     func(more int) body
	says     string   // of one more
	accepted []string // codes of the largest, where an upstream does not know the credential
}

// textsOf are n different ones of a length.
func textsOf(n, length int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%0*d", length, i)
	}
	return list
}

// limits are those of one request, by the row in docs/api.md.
func limits(m *oauthMount) map[string][]limit {
	long := func(n int) string { return strings.Repeat("a", n) }
	labels := func(n, key, value int) map[string]any {
		pairs := map[string]any{}
		for i := range n {
			pairs[fmt.Sprintf("%0*d", key, i)] = long(value)
		}
		return pairs
	}
	at := func(path, field, says string, value func(more int) any) limit {
		return limit{path: path, data: func(more int) body { return body{field: value(more)} }, says: says}
	}
	secret := func(l limit) limit {
		l.accepted = []string{"credential_rejected"}
		return l
	}
	return map[string][]limit{
		"a setting that is a text or an address": {
			at("integrations/gh", "description", "4096 bytes", func(more int) any { return long(4096 + more) }),
			at("integrations/bb", "redirect_uri", "4096 bytes", func(more int) any {
				return "https://vault.example.com/" + long(4096-len("https://vault.example.com/")+more)
			}),
		},
		"`ca_cert`": {at("integrations/gh", "ca_cert", "65536 bytes", func(more int) any {
			pem := strings.TrimSpace(m.world.CAPEM())
			return pem + strings.Repeat("\n", 64<<10-2*len(pem)+more) + pem
		})},
		"a credential field": {
			secret(at("reauth/gl", "pat", "16384 bytes", func(more int) any { return long(16<<10 + more) })),
			at("integrations/bb", "client_secret", "16384 bytes", func(more int) any { return long(16<<10 + more) }),
		},
		"a list": {
			at("integrations/gh", "required_scopes", "200 elements", func(more int) any { return textsOf(200+more, 8) }),
			at("integrations/gh", "required_scopes", "256 bytes", func(more int) any { return textsOf(1, 256+more) }),
		},
		"`labels`": {
			at("integrations/gh", "labels", "100 pairs", func(more int) any { return labels(100+more, 8, 8) }),
			at("integrations/gh", "labels", "256 bytes", func(more int) any { return labels(1, 256+more, 8) }),
			at("integrations/gh", "labels", "256 bytes", func(more int) any { return labels(1, 8, 256+more) }),
		},
		"the tokens of a pool": {secret(at("reauth/gh", "pat", "100 tokens", func(more int) any {
			return "ghp_" + strings.Join(textsOf(100+more, 36), ",ghp_")
		}))},
		"a number, a duration or a time": {
			at("config", "history_limit", "64 bytes", func(more int) any { return strings.Repeat("0", 62+more) + "20" }),
			at("config", "creds_ttl", "64 bytes", func(more int) any { return strings.Repeat("0", 61+more) + "60s" }),
		},
	}
}

// Every row of the table of limits of one request holds at its border: the largest is taken,
// and one more is refused by the name of the field and the limit.
func TestLimitsOfOneRequest(t *testing.T) {
	m := withOAuth(t)
	wires := body{"proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()}
	for name, provider := range map[string]string{"gh": "github", "gl": "gitlab"} {
		m.write(t, "integrations/"+name, body{"provider": provider, "proxy_url": wires["proxy_url"], "ca_cert": wires["ca_cert"], "health_check_interval": 0})
	}
	rows := []string{"the name of an integration", "each part of the query of `oauth/callback`, and of its form"} // below
	for row, list := range limits(m) {
		rows = append(rows, row)
		for _, l := range list {
			most := m.do(t, logical.UpdateOperation, l.path, l.data(0))
			if most.status >= 400 {
				assert.Contains(t, l.accepted, most.data["code"], "%s: %s", row, most.message)
			}
			over := m.do(t, logical.UpdateOperation, l.path, l.data(1))
			assert.Equal(t, 400, over.status, row)
			assert.Contains(t, over.message, "invalid_field: ", row)
			assert.Contains(t, over.message, l.says, row)
		}
	}
	for length, code := range map[int]any{128: nil, 129: "invalid_field"} {
		r := m.do(t, logical.UpdateOperation, "integrations/"+strings.Repeat("n", length), body{"provider": "gitlab"})
		assert.Equal(t, code, r.data["code"], "%d characters: %s", length, r.message)
	}
	assert.ElementsMatch(t, documentedRows(t, "## Limits of one request"), rows, "docs/api.md")
}

// What is longer in the query of the callback counts as nothing, and takes nothing away.
func TestLimitsOfACallback(t *testing.T) {
	m := withOAuth(t)
	long := func(more int) string { return strings.Repeat("x", 8<<10+more) }
	for part, code := range map[string]string{"code": "credential_rejected", "error": "invalid_field"} {
		back := m.consent(t)
		assert.Contains(t, m.visit(t, body{"state": back["state"], part: long(1)}, 400), "oauth_state_invalid", part)
		assert.Contains(t, m.visit(t, body{"state": back["state"], part: long(0)}, 400), code, part)
	}
	back := m.consent(t)
	assert.Contains(t, m.visit(t, body{"state": long(1), "code": back["code"]}, 400), "oauth_state_invalid")
	m.visit(t, back, 200)
}

// documentedRows are the first cells of the table below a heading of docs/api.md. They are read
// here and not in docs/ because each row is tried on an engine, with what is internal to it.
func documentedRows(t *testing.T, heading string) []string {
	t.Helper()
	page, err := os.ReadFile("docs/api.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), heading+"\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for _, line := range slices.Collect(strings.Lines(section)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			if cell := strings.TrimSpace(cells[1]); cell != "" && !strings.HasPrefix(cell, "---") {
				rows = append(rows, cell)
			}
		}
	}
	return rows
}
