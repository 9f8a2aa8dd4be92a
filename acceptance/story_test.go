package acceptance_test

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// story is what the commands of one running script share.
type story struct {
	t      testing.TB
	server *server
	mount  string
	fakes  *fakes
	// secrets are credentials that must not show up in the server's files.
	secrets []string
	// challenges are those of the authorizations so far; nobody may see a verifier.
	challenges []string
	since      stopwatch
}

type storyKey struct{}

func TestStories(t *testing.T) {
	t.Run("dev", func(t *testing.T) {
		shared := startDev(t)
		t.Run("stories", func(t *testing.T) {
			runStories(t, "testdata/dev", func(testing.TB) *server { return shared })
		})
	})
	t.Run("raft", func(t *testing.T) { runStories(t, "testdata/raft", startRaft) })
}

func runStories(t *testing.T, dir string, serverFor func(testing.TB) *server) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Cmds:                commands(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			require.True(t, ok)
			setUp(tb, env, serverFor(tb))
			return nil
		},
	})
}

// setUp gives a script a mount and fakes of its own.
func setUp(t testing.TB, env *testscript.Env, server *server) {
	t.Helper()
	name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	s := &story{t: t, server: server, mount: "sei-" + name, fakes: startFakes(t)}
	server.mount(t, s.mount)
	for _, entry := range server.environ() {
		key, value, _ := strings.Cut(entry, "=")
		env.Setenv(key, value)
	}
	env.Setenv("PATH", vaultOnPath(t))
	env.Setenv("SEI", s.mount)
	s.fakes.describe(t, env)
	env.Values[storyKey{}] = s
	env.Defer(s.assertSecretsUnseen)
}

// vaultOnPath returns a PATH on which the server is vault, whatever its file is called.
func vaultOnPath(t testing.TB) string {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.Symlink(os.Getenv(envVault), filepath.Join(bin, "vault")))
	return bin + string(os.PathListSeparator) + os.Getenv("PATH")
}

// assertSecretsUnseen checks the promise that a secret leaves through creds/
// only: none is in the audit file or the log.
func (s *story) assertSecretsUnseen() {
	secrets := slices.Concat(s.secrets, s.fakes.world.Bitbucket.Issued(), s.fakes.world.Entra.Issued())
	for _, path := range []string{s.server.auditPath(), s.server.logPath()} {
		data, err := os.ReadFile(path)
		require.NoError(s.t, err)
		require.NotEmpty(s.t, data)
		text := withoutCallbacks(string(data))
		for _, secret := range secrets {
			seen := strings.Contains(text, secret) // NotContains would print the file
			assert.False(s.t, seen, "%s holds the credential %q", filepath.Base(path), secret)
		}
		assert.NotContains(s.t, s.challenges, challengeIn(text, s.challenges), "%s holds a verifier", filepath.Base(path))
	}
}

// withoutCallbacks leaves out the addresses at which browsers came back: Vault writes
// them into the audit file, with a code that is used already.
func withoutCallbacks(text string) string {
	return regexp.MustCompile(`"request_uri":"[^"]*/oauth/callback\?[^"]*"`).ReplaceAllString(text, "")
}

// challengeIn returns the challenge whose verifier stands in text, or "none". Both
// have 43 characters.
func challengeIn(text string, challenges []string) string {
	if len(challenges) == 0 {
		return "none"
	}
	for _, word := range regexp.MustCompile(`[A-Za-z0-9_-]{43,}`).FindAllString(text, -1) {
		for start := range len(word) - 42 {
			sum := sha256.Sum256([]byte(word[start : start+43]))
			if challenge := base64.RawURLEncoding.EncodeToString(sum[:]); slices.Contains(challenges, challenge) {
				return challenge
			}
		}
	}
	return "none"
}
