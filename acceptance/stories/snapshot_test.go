package stories_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// A snapshot that is restored into another cluster serves every credential as before,
// and the work goes on from there.
func TestASnapshotServesEverything(t *testing.T) {
	t.Parallel()
	fakes, old := harness.StartFakes(t), harness.StartRaft(t)
	old.Mount(t, "sei")
	populate(t, old, fakes)
	names := slices.Sorted(maps.Keys(everything(fakes, "")))
	before := answers(t, old, names)
	require.Len(t, before, 4*len(names)+4)

	var snapshot bytes.Buffer
	require.NoError(t, old.Client(t).Sys().RaftSnapshotWithContext(t.Context(), &snapshot))
	old.Kill()

	restored := harness.StartEmptyRaft(t, old.Plugins)
	restore(t, restored, old, &snapshot)
	client := restored.Client(t).Logical()
	for path, answer := range answers(t, restored, names) {
		assert.JSONEq(t, before[path], answer, path)
	}

	// The work goes on.
	for name, credential := range reauthentications(fakes, 2) {
		answer, err := client.WriteWithContext(t.Context(), "sei/reauth/"+name, credential)
		require.NoError(t, err)
		assert.Equal(t, 3, harness.VersionOf(t, answer.Data), name)
	}
	_, err := client.WriteWithContext(t.Context(), "sei/rollback/jira", nil)
	require.NoError(t, err)
	for _, name := range consented() {
		answer, err := client.WriteWithContext(t.Context(), "sei/rotate/"+name, nil)
		require.NoError(t, err, "the refresh token of %s", name)
		assert.Equal(t, 2, harness.VersionOf(t, answer.Data), name)
		health, err := client.WriteWithContext(t.Context(), "sei/health/"+name, nil)
		require.NoError(t, err)
		assert.Equal(t, "healthy", health.Data["status"], "%s: %v", name, health.Data)
	}
}

// answers are those to every read, by path, without what differs each time.
func answers(t *testing.T, s *harness.Server, names []string) map[string]string {
	t.Helper()
	paths := []string{"sei/config", "sei/integrations?list=true", "sei/health?list=true", "sei/status"}
	for _, name := range names {
		for _, family := range []string{"integrations", "creds", "health", "history"} {
			paths = append(paths, "sei/"+family+"/"+name)
		}
	}
	client, answers := s.Client(t).Logical(), map[string]string{}
	for _, path := range paths {
		answer, err := readOrList(t, client, path)
		text := "none"
		if err != nil {
			text = err.Error()[strings.LastIndex(err.Error(), "*")+1:]
		} else if answer != nil {
			delete(answer.Data, "ttl") // of an access token they shrink
			delete(answer.Data, "rotation_period")
			withoutNextChecks(answer.Data)
			members, _ := answer.Data["members"].([]any)
			for _, member := range members { // quotas are kept in memory
				delete(member.(map[string]any), "quotas") //nolint:forcetypeassert // an object, or the answer is wrong
			}
			data, err := json.Marshal(answer.Data)
			require.NoError(t, err)
			text = string(data)
		}
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		answers[path] = string(quoted)
		if strings.HasPrefix(text, "{") {
			answers[path] = text
		}
	}
	return answers
}

// withoutNextChecks takes out when checks are planned, which is kept in memory.
func withoutNextChecks(data map[string]any) {
	delete(data, "next_check")
	needs, _ := data["needs_person"].([]any)
	for _, need := range needs {
		delete(need.(map[string]any), "next_check") //nolint:forcetypeassert // an object, or the answer is wrong
	}
}

func readOrList(t *testing.T, client *api.Logical, path string) (*api.Secret, error) {
	t.Helper()
	if list, isList := strings.CutSuffix(path, "?list=true"); isList {
		return client.ListWithContext(t.Context(), list)
	}
	return client.ReadWithContext(t.Context(), path)
}

// restore makes the server what another was when the snapshot was taken: unsealed with
// the other's key, used with the other's token.
func restore(t *testing.T, s *harness.Server, other *harness.Server, snapshot *bytes.Buffer) {
	t.Helper()
	require.NoError(t, s.Client(t).Sys().RaftSnapshotRestoreWithContext(t.Context(), snapshot, true))
	s.UnsealKey, s.Token = other.UnsealKey, other.Token
	client := s.Client(t)
	s.Wait(t, "take the snapshot", func(ctx context.Context) bool {
		status, err := client.Sys().SealStatusWithContext(ctx)
		return err == nil && status.Sealed
	})
	s.Unseal(t)
}
