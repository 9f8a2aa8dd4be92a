package sei

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

// planted is a mistake in a copy of a file, which is built in its place for one test.
type planted struct {
	file, right, wrong string
	// shows is the part of TestHistoriesOfTheEngine whose history it spoils.
	shows string
}

// The checker of histories finds three mistakes that an engine could have. Each is planted in
// the source, whose other parts are real, and the engine is asked as in TestHistoriesOfTheEngine.
func TestPlantedBugsAreFound(t *testing.T) {
	const what = "mistakes in the engine that the checker of histories finds"
	layer.Check(t, what)
	if !layer.Unraced(t, what) {
		return // it builds the tests anew for each, without the race detector
	}
	for name, bug := range map[string]planted{
		"a cache that is published before the Put": {
			file:  "backend/store/table.go",
			right: "\tif err := do(ctx); err != nil {\n",
			wrong: "\tt.cache.replace(key, value)\n\tif err := do(ctx); err != nil {\n",
			shows: "a read while a Put fails",
		},
		"a lock that is let go during the check at the upstream": {
			file:  "backend/credential/hold.go",
			right: "\tdefer held.release()\n\treturn d.change(ctx, held, edit)\n",
			wrong: "\theld.release()\n\treturn d.change(ctx, held, edit)\n",
			shows: "two checks of one record",
		},
		"a stale read after a frozen leader wakes": {
			file:  "pauses.go",
			right: "\treturn e.lead.prove(ctx)\n",
			wrong: "\treturn nil\n",
			shows: "a leader that was replaced wakes up",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := bug.run(t)
			require.Error(t, err, "the mistake was not found:\n%s", out)
			assert.Contains(t, out, "not linearizable", "it failed for another reason")
			for line := range strings.Lines(out) {
				if strings.Contains(line, "not linearizable") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

// run runs the part that shows the mistake, with it.
func (p planted) run(t *testing.T) (string, error) {
	t.Helper()
	text, err := os.ReadFile(p.file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), p.right), "%s is not what the mistake was written for", p.file)
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "wrong.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), p.right, p.wrong, 1)), 0o600))
	original, err := filepath.Abs(p.file)
	require.NoError(t, err)
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {original: file}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replaced, 0o600))
	pattern := "^TestHistoriesOfTheEngine$/^" + strings.ReplaceAll(p.shows, " ", "_") + "$"
	cmd := exec.CommandContext(t.Context(), "go", "test", "-trimpath", "-count=1", "-vet=off", "-overlay", overlay, "-run", pattern, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", envPictures+"="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
