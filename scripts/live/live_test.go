package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/canary"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// environment is what somebody sets who has the case's credential.
func environment(t *testing.T, w *catalogtest.World, c catalogtest.Case, spec providers.Spec) []string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, []byte(w.CAPEM()), 0o600))
	set := []string{
		"PATH=/nowhere", "SEI_LIVE_URL=" + c.Target.URL, "SEI_LIVE_AUTH_TYPE=" + c.Target.AuthType, "SEI_LIVE_HOSTS=" + documentedHosts(t, c.Target.URL),
		"SEI_LIVE_PROXY_URL=" + w.ProxyURL(), "SEI_LIVE_CA_CERT=" + ca,
	}
	for _, f := range spec.SettingsOf(c.Target.AuthType) {
		value := ""
		switch v := c.Target.Settings.Value(f).(type) {
		case string:
			value = v
		case []string:
			value = strings.Join(v, ",")
		}
		if f.Kind.Secret() {
			value = c.Target.Settings.Secret(f.Name).Reveal()
		}
		if value != "" {
			set = append(set, "SEI_LIVE_"+strings.ToUpper(f.Name)+"="+value)
		}
	}
	return append(set, variablesOf("GOOD", c.Credential)...)
}

// documentedHosts are those that docs/live.md says to name beside an address.
func documentedHosts(t *testing.T, address string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/live.md")
	require.NoError(t, err)
	address = strings.Replace(address, "acme.atlassian.net", "<site>.atlassian.net", 1)
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) == 5 && strings.Contains(cells[2], "`"+address+"`") {
			return strings.ReplaceAll(strings.Join(regexp.MustCompile("`[a-z.]+`").FindAllString(cells[3], -1), ","), "`", "")
		}
	}
	return ""
}

func variablesOf(name string, cred providers.Credential) []string {
	var set []string
	for _, field := range cred.Fields() {
		var values []string
		for _, secret := range cred.Values(field) {
			values = append(values, secret.Reveal())
		}
		set = append(set, "SEI_LIVE_"+name+"_"+strings.ToUpper(field)+"="+strings.Join(values, ","))
	}
	return set
}

func specOf(t *testing.T, name string) providers.Spec {
	t.Helper()
	registry := catalog.All("test")
	defer registry.Close()
	return registry.Spec(name)
}

// eachGood calls test for each provider and each of its auth types that begins in no browser,
// with a world in which its good credential works.
func eachGood(t *testing.T, test func(t *testing.T, w *catalogtest.World, c catalogtest.Case, spec providers.Spec)) {
	t.Helper()
	for name, suite := range catalogtest.Parts() {
		c, spec := suite.Good, specOf(t, suite.Provider)
		auth, _ := spec.AuthType(c.Target.AuthType)
		require.False(t, auth.Exchanged(), "a browser is needed for %s", name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := catalogtest.NewWorld()
			defer w.Close()
			c.Arrange(w)
			test(t, w, c, spec)
		})
	}
}

// Against the fake of each provider and auth type a good credential works, and one that
// differs in a sign is refused; of neither, and of nobody, anything is printed.
func TestEachProviderIsTried(t *testing.T) {
	eachGood(t, func(t *testing.T, w *catalogtest.World, c catalogtest.Case, spec providers.Spec) {
		t.Helper()
		var out, person bytes.Buffer
		err := run(t.Context(), []string{spec.Name, "v1.2.3"}, environment(t, w, c, spec), &out, &person)
		require.NoError(t, err, "%s%s", out.String(), person.String())
		assert.Regexp(t, `(?m)^good +works +works$`, out.String())
		assert.Regexp(t, `(?m)^mutated +credential_rejected +credential_rejected$`, out.String())
		assert.Regexp(t, `(?m)^expired +not tried`, out.String())
		tellsNothing(t, w, c, spec, out.String())
		shaped(t, out.String())
	})
}

// tellsNothing looks for all that came up on the way.
func tellsNothing(t *testing.T, w *catalogtest.World, c catalogtest.Case, spec providers.Spec, out string) {
	t.Helper()
	var set canary.Set
	for _, secret := range w.Secrets() {
		set.Add(secret.Kind, secret.Value)
	}
	for _, field := range c.Credential.Fields() {
		for _, secret := range c.Credential.Values(field) {
			set.Add(field, secret.Reveal())
		}
	}
	require.NotZero(t, set.Len())
	assert.Empty(t, set.Needles().In(out))
	// What is shorter is looked for as a word.
	short := []string{"mia", "noah", "acme", "engine", "contoso", "fabrikam"}
	for _, f := range spec.SettingsOf(c.Target.AuthType) {
		if value, ok := c.Target.Settings.Value(f).(string); ok && len(f.Values) == 0 && f.Kind == providers.Text {
			short = append(short, value)
		}
	}
	for _, word := range short {
		if word != "" {
			assert.NotRegexp(t, `(?i)(^|[^a-z])`+regexp.QuoteMeta(word)+`([^a-z]|$)`, out)
		}
	}
	assert.NotRegexp(t, `[a-zA-Z0-9]@[a-zA-Z0-9]`, strings.ReplaceAll(out, "person@example.com", ""), "an e-mail address")
}

// shaped demands answers as the recorded ones are.
func shaped(t *testing.T, out string) {
	t.Helper()
	_, answers, found := strings.Cut(out, "sent to anybody:\n\n")
	require.True(t, found)
	decoder := json.NewDecoder(strings.NewReader(answers))
	count := 0
	for ; ; count++ {
		var a answer
		err := decoder.Decode(&a)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		assert.Regexp(t, `^live_(good|mutated|expired|lacking)_\d+$`, a.Case)
		assert.Equal(t, "recorded", a.Kind)
		assert.Contains(t, a.Source, "version v1.2.3")
		assert.NotEmpty(t, a.Request.Method)
		assert.NotEmpty(t, a.Request.Host)
		assert.True(t, strings.HasPrefix(a.Request.Path, "/"), a.Request.Path)
		assert.NotZero(t, a.Status)
		assert.NotEmpty(t, a.Note)
	}
	assert.GreaterOrEqual(t, count, 2, "an answer of each attempt")
}

// What is said to be expired or to lack a right is tried, too; what ends otherwise than it
// should is marked, and fails.
func TestWhatPeopleSayOfACredentialIsHeldAgainstIt(t *testing.T) {
	w := catalogtest.NewWorld()
	defer w.Close()
	good := catalogtest.Parts()["github"].Good
	good.Arrange(w)
	w.GitHub.AddClassic("mia", "ghp_aTokenThatMayDoNothingAtAll000000000")
	environ := environment(t, w, good, specOf(t, "github"))
	environ = append(environ, "SEI_LIVE_REQUIRED_SCOPES=repo", "SEI_LIVE_EXPIRED_PAT=ghp_aTokenThatIsLongGone0000000000000000")
	lacking := func(token string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), []string{"github", "v1"}, append(slices.Clone(environ), "SEI_LIVE_LACKING_PAT="+token), &out, io.Discard)
		return out.String(), err
	}
	out, err := lacking("ghp_aTokenThatMayDoNothingAtAll000000000")
	require.NoError(t, err, out)
	assert.Regexp(t, `(?m)^expired +credential_rejected +credential_rejected$`, out)
	assert.Regexp(t, `(?m)^lacking +insufficient_scope +insufficient_scope$`, out)

	out, err = lacking(good.Credential.Value("pat").Reveal())
	require.ErrorContains(t, err, "1 of 4 checks")
	assert.Regexp(t, `(?m)^lacking +insufficient_scope +works +<- not as expected$`, out)
}

// Nothing is asked but what the environment names, and no redirect changes that.
func TestNobodyElseIsAsked(t *testing.T) {
	w := catalogtest.NewWorld()
	defer w.Close()
	good := catalogtest.Parts()["github"].Good
	good.Arrange(w)
	environ := environment(t, w, good, specOf(t, "github"))
	only := func(hosts string) []string {
		return append(slices.DeleteFunc(slices.Clone(environ), func(pair string) bool { return strings.HasPrefix(pair, "SEI_LIVE_HOSTS=") }), "SEI_LIVE_HOSTS="+hosts)
	}
	var out, person bytes.Buffer
	err := run(t.Context(), []string{"github", "v1"}, only(""), &out, &person)
	require.Error(t, err)
	assert.Empty(t, w.Dialled(), "github.com is named, and api.github.com is not")
	assert.Contains(t, person.String(), "api.github.com")
	assert.Regexp(t, `(?m)^good +works +address_not_allowed`, out.String())

	require.NoError(t, run(t.Context(), []string{"github", "v1"}, only("api.github.com"), &out, &person))
	for _, dialled := range w.Dialled() {
		assert.Equal(t, "api.github.com:443", dialled)
	}
}

// A mistake in the environment is told before anything is asked, and no value is quoted.
func TestMistakesInTheEnvironment(t *testing.T) {
	good := []string{"SEI_LIVE_URL=https://github.com", "SEI_LIVE_GOOD_PAT=ghp_aSecretOfSomebody"}
	for name, c := range map[string]struct {
		provider, want string
		environ        []string
	}{
		"no provider":          {"", "make live PROVIDER=github", good},
		"another provider":     {"gitea", "there is no provider", good},
		"no address":           {"github", "SEI_LIVE_URL=https://github.com", good[1:]},
		"plain http":           {"github", "https", []string{"SEI_LIVE_URL=http://github.com", good[1]}},
		"a user in the url":    {"github", "without a user", []string{"SEI_LIVE_URL=https://ghp_aSecretOfSomebody@github.com", good[1]}},
		"a number":             {"github", "by a name", []string{"SEI_LIVE_URL=https://192.0.2.1", good[1]}},
		"no credential":        {"github", "SEI_LIVE_GOOD_PAT", good[:1]},
		"a slip":               {"github", "SEI_LIVE_GOOD_PATT", append(good, "SEI_LIVE_GOOD_PATT=ghp_aSecretOfSomebody")},
		"another auth type":    {"github", "SEI_LIVE_AUTH_TYPE", append(good, "SEI_LIVE_AUTH_TYPE=password")},
		"no check":             {"github", "has no check", append(good, "SEI_LIVE_AUTH_TYPE=github_app")},
		"in a browser":         {"bitbucket", "browser", append(good, "SEI_LIVE_AUTH_TYPE=oauth")},
		"a missing setting":    {"azure_devops", "SEI_LIVE_ORGANIZATION", []string{"SEI_LIVE_AUTH_TYPE=pat", "SEI_LIVE_URL=https://dev.azure.com"}},
		"no such file":         {"github", "SEI_LIVE_CA_CERT", append(good, "SEI_LIVE_CA_CERT=/nowhere/ca.pem")},
		"a host with a path":   {"github", "SEI_LIVE_HOSTS", append(good, "SEI_LIVE_HOSTS=api.github.com/user")},
		"a useless common one": {"github", "SEI_LIVE_AUTO_ROTATE", append(good, "SEI_LIVE_AUTO_ROTATE=true")},
	} {
		var out bytes.Buffer
		err := run(t.Context(), []string{c.provider, "v1"}, c.environ, &out, io.Discard)
		require.ErrorContains(t, err, c.want, name)
		assert.NotContains(t, fmt.Sprintf("%+v%s", err, out.String()), "aSecretOfSomebody", name)
	}
}

func TestAMutatedSecretDiffersInOneSign(t *testing.T) {
	for _, secret := range []string{"ghp_abcdefghijkl", "0123456789abcdef", "ATATT3xFfGF0=AB99FF", "a", "z", "----a----", "ZZZZ", "pat.x.y.ffffff"} {
		changed, ok := mutate(secret)
		require.True(t, ok, secret)
		require.Len(t, changed, len(secret))
		different := 0
		for i := range secret {
			if secret[i] != changed[i] {
				different++
				assert.Equal(t, mask(secret[i:i+1]), mask(changed[i:i+1]), "a letter stays one")
			}
		}
		assert.Equal(t, 1, different, "%s and %s", secret, changed)
	}
	for _, secret := range []string{"", "----", "ü"} {
		_, ok := mutate(secret)
		assert.False(t, ok, secret)
	}
}

// Each entry of a list is somebody's name, and so is the host that a customer has of a vendor.
func TestNamesOfSettingsAndHostsAreMasked(t *testing.T) {
	p, err := readPlan("github", []string{"SEI_LIVE_URL=https://target.ghe.com", "SEI_LIVE_GOOD_PAT=ghp_aSecretOfSomebody", "SEI_LIVE_ORGANIZATIONS=edge, board"})
	require.NoError(t, err)
	said := exchange{path: "/orgs/edge", body: []byte("\ufeff" + `{"message":"board is denied at target","max-grant":"x","login":"max-grant"}`)}
	a := report{plan: p, results: []result{{exchanges: []exchange{said}}}}.scrubber().answer(said)
	assert.Equal(t, "/orgs/xxxx", a.Request.Path)
	shown := fmt.Sprint(a.Body)
	assert.Contains(t, shown, "xxxxx is denied at xxxxxx")
	assert.NotContains(t, shown, "grant")
	assert.Empty(t, ownName("api.github.com"))
	assert.Equal(t, "jira.example.com", ownName("jira.example.com"))
}
