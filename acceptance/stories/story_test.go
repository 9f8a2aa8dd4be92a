package stories_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// story is what the commands of one running script share.
type story struct {
	t      testing.TB
	server *harness.Server
	mount  string
	fakes  *harness.Fakes
	// receiver is nil before the story asks for it.
	receiver *harness.Receiver
	since    stopwatch
	// printed is what the command prints noted.
	printed strings.Builder
}

type storyKey struct{}

func TestStories(t *testing.T) {
	t.Parallel()
	t.Run("dev", func(t *testing.T) {
		shared := harness.StartDev(t)
		t.Run("stories", func(t *testing.T) {
			runStories(t, "testdata/dev", func(testing.TB) *harness.Server { return shared })
		})
	})
	t.Run("raft", func(t *testing.T) { runStories(t, "testdata/raft", harness.StartRaft) })
}

func runStories(t *testing.T, dir string, serverFor func(testing.TB) *harness.Server) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Cmds:                commands(),
		Condition:           condition(t),
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
func setUp(t testing.TB, env *testscript.Env, server *harness.Server) {
	t.Helper()
	name := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	s := &story{t: t, server: server, mount: "sei-" + name, fakes: harness.StartFakes(t)}
	server.Mount(t, s.mount)
	for _, entry := range server.Environ() {
		key, value, _ := strings.Cut(entry, "=")
		env.Setenv(key, value)
	}
	env.Setenv("PATH", harness.VaultOnPath(t))
	env.Setenv("SEI", s.mount)
	// Ends of quotas; what is further away than an hour counts as not told.
	env.Setenv("WITHIN_THE_HOUR", time.Now().Add(40*time.Minute).UTC().Format(time.RFC3339))
	env.Setenv("END_OF_THE_HOUR", strconv.FormatInt(time.Now().Add(55*time.Minute).Unix(), 10))
	describe(t, s.fakes, env)
	env.Values[storyKey{}] = s
}
