package input

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

func fieldOf(t *testing.T, provider, auth, name string) providers.Field {
	t.Helper()
	registry := catalog.All("test")
	defer registry.Close()
	kind, ok := registry.Spec(provider).AuthType(auth)
	require.True(t, ok)
	for _, f := range append(kind.Fields, kind.Settings...) {
		if f.Name == name {
			return f
		}
	}
	require.Fail(t, "no such field", name)
	return providers.Field{}
}

// No token that an upstream makes is refused for its form.
func TestTokensOfEveryForm(t *testing.T) {
	tokens := []string{
		"ATATT3xFfGF0T4JK=KEY_-a+/b=1A2B3C4D", "ATATT3XPAT=12345678", "ATATT3TOKEN=x_KEY=0A1B2C3D", "ATCTT3xFfGN0Token=a_pat=0A1B2C3D", "ATBBx7", "ATBBtokenPAT0A1B2C3D",
		"NjYyMTE5NDk2NDg0OoJbR4Uz6wqN5vq0pO2d9Vb8kLkA==", "MDQyOTk4OTA3ODg4OgPAT+/Token/key+auth8kLkA", "YWJjZGtleQ==", "APIKEY==", "Zm9vOnRva2VuPT0=", "token/auth+key=", "cGF0L2tleQ/secret==", "+/abc/+=",
		"ghp_0123456789abcdefghijABCDEFGHIJ012345", "github_pat_11AAAA_bbbb", "ghs_123456_eyJhbGciOi.eyJpc3MiOiJ0b2tlbiJ9.a_b-c", "glpat-aToken_Of-Mia.01.0z0abcdef", "glpat-x_pat-token.01.1234567", "SIE-glpat-x", "acme:glpat@x/1+",
		"pat.AcCoUnT.5f0c.TokenOfMia", "sat.a.b.c", "pat.x.y.z", "pat.key_token-1.secret.auth", "squ_0123456789abcdef", "0123456789abcdef", "x8Q~abc.def_ghi-jkl~", "?nHVW5W[a?4:AkY7O]T9NB", "bearertoken", "tokenless", "basic-x",
		strings.Repeat("abcdefgh23456", 4), strings.Repeat("A1b2C3d4E5f6G7h8I9j0", 3) + "JQQJ99AKAAAAAAAAAAAASAZDO4Rx",
		"0.AXkA-_b.c!d*e$f", "M.C512_BAY.2.U.00000000-0000", "key-1", "a", "=abc", "....a", "-_-", "~~~", "token.value", "pat_key", "null-1",
	}
	for _, token := range tokens {
		assert.NoError(t, checkSecret(providers.Field{Kind: providers.Token}, token), token)
	}
	free := []string{
		"=S@Kj4aFK[iu_y3dRkmh]kjwd7ZFMK:.", "0Lq]8@wWkKBzVqKBg8xC.m=jGWnwQ:B?", "[aB?4:AkY7O]T9N*", "@aB1c.d/E:f", ":abc=", "ABC=a:b[c", "*a**b***c", "a,b;c|d", "pa$$w0rd$", "$tr0ng!", "(a)b(c)", "{a}{b}", "a%b&c#d^e", "a\\b/c<d>e", "acme_pat:x1", "ACME:x1",
		"1.AXkA$a*b!c.AgABBAIAAAADnfolhJpSnRYB1SVj-Hgd8Q", "M.R3_BAY.c0ffee-!a*b$$", "@acme/x-1", "+=/@:.-_x",
	}
	for _, token := range append(tokens, free...) {
		assert.NoError(t, checkSecret(providers.Field{Kind: providers.Token, AnyForm: true}, token), token)
	}
	for _, of := range []struct{ provider, auth, field string }{{"gitlab", "pat", "pat"}, {"bitbucket", "oauth", "client_secret"}, {"azure_devops", "oauth", "client_secret"}, {"azure_devops", "oauth", "code"}} {
		assert.True(t, fieldOf(t, of.provider, of.auth, of.field).AnyForm, of)
	}
}

// Tokens at random, of the forms that vendors document, are taken.
func TestRandomTokens(t *testing.T) {
	random := rand.New(rand.NewPCG(15, 20))
	const digits, lower, upper, hexes = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789ABCDEF"
	const letters = lower + upper + digits
	of := func(n int, from string) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = from[random.IntN(len(from))]
		}
		return string(text)
	}
	vendors := map[string]func() string{
		"jira cloud": func() string { return "ATATT3xFfGF0" + of(180, letters+"+/=_-") + "=" + of(8, hexes) },
		"jira server": func() string {
			return base64.StdEncoding.EncodeToString([]byte(of(12, digits) + ":" + of(20, letters+"\x00\xff+-")))
		},
		"bitbucket": func() string { return "ATCTT3xFfGN0" + of(40, letters+"+/=_-") + "=" + of(8, hexes) },
		"base64":    func() string { return of(43, letters+"+/") + "=" },
		"classic":   func() string { return "ghp_" + of(36, letters) },
		"fine":      func() string { return "github_pat_" + of(22, letters) + "_" + of(59, letters) },
		"app": func() string {
			return "ghs_" + of(6, digits) + "_" + of(120, letters+"_-") + "." + of(300, letters+"_-") + "." + of(80, letters+"_-")
		},
		"azure":     func() string { return of(52, lower+digits) },
		"azure new": func() string { return of(75, letters) + "AZDO" + of(5, letters) },
		"harness":   func() string { return "pat." + of(22, letters+"_-") + "." + of(24, letters) + "." + of(20, letters) },
		"gitlab":    func() string { return "glpat-" + of(20, letters+"_-") },
		"routable": func() string {
			return "glpat-" + of(27, letters+"_-") + "." + of(2, lower+digits) + "." + of(7, lower+digits)
		},
		"sonarqube":  func() string { return "squ_" + of(40, strings.ToLower(hexes)) },
		"sonarcloud": func() string { return of(40, letters) },
		"entra":      func() string { return of(3, letters) + "8Q~" + of(34, letters+"~._-") },
	}
	check := func(name string, field providers.Field, form func() string) {
		for range 300 {
			token := form()
			assert.NoError(t, checkSecret(field, token), "%s: %s", name, token)
		}
	}
	for name, form := range vendors {
		check(name, providers.Field{Kind: providers.Token}, form)
		check(name, providers.Field{Kind: providers.Token, AnyForm: true}, form)
	}
	check("entra before 2020", providers.Field{Kind: providers.Token, AnyForm: true}, func() string { return of(32, letters+"@:.[]=?*+-_/") })
	check("gitlab with a prefix", providers.Field{Kind: providers.Token, AnyForm: true}, func() string { return of(4, lower+upper+"_+/@:.-") + "-" + of(20, letters+"_-") })
}

// A name may hold any word, but is no assignment.
func TestNamesOfPeople(t *testing.T) {
	user, mail := providers.Field{Kind: providers.Text}, providers.Field{Kind: providers.Email}
	for _, name := range []string{"Token Service", "Bearer Bot", "set admin", "env svc", "Basic User", "export bot", "token", "svc-token", "$build", "@mia", "mia;x", "o'brien", "[bot]", "null", "Mia (ops)"} {
		assert.NoError(t, checkSecret(user, name), name)
	}
	for _, name := range []string{"USERNAME=mia", "user=mia", "https://sonarqube.example.com/mia", `{"login":"mia"}`, `["mia"]`, "'mia", "mia\"", "user:mia"} {
		assert.Error(t, checkSecret(user, name), name)
	}
	for _, address := range []string{"token@example.com", "set@example.com", "o'brien@example.com", "a+token=b@example.com", "$mia@example.com"} {
		assert.NoError(t, checkSecret(mail, address), address)
	}
	for _, address := range []string{"EMAIL=mia@example.com", "email=mia@example.com", "mailto:mia@example.com", "<mia@example.com>", "mia@example.com'"} {
		assert.Error(t, checkSecret(mail, address), address)
	}
}
