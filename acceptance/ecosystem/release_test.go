package ecosystem_test

import (
	"archive/zip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// release builds a release for one platform from a folder of sources.
func release(t *testing.T, sources, version, platform string) (folder, out string, err error) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "release")
	out, err = bash(t, os.Environ(), strings.Join([]string{sources + "/scripts/release.sh", version, folder, platform}, " "))
	return folder, out, err
}

// A release for the container's platform has a program that needs nothing of the system, an
// SBOM that names it and what is in it, and an archive; an image can be made of it, which
// OpenBao takes.
func TestReleaseFitsTheContainer(t *testing.T) {
	layer.Check(t, "a release")
	t.Parallel()
	folder, out, err := release(t, ".", "v0.2.0-rc1", "linux/amd64")
	require.NoError(t, err, out)
	name := harness.PluginName + "_v0.2.0-rc1_linux_amd64"

	program, err := elf.Open(filepath.Join(folder, name))
	require.NoError(t, err)
	defer func() { _ = program.Close() }()
	for _, segment := range program.Progs {
		assert.NotContains(t, []elf.ProgType{elf.PT_INTERP, elf.PT_DYNAMIC}, segment.Type, "not static")
	}
	var sbom struct {
		Metadata   struct{ Component struct{ Version string } }
		Components []struct{ Name string }
	}
	data, err := os.ReadFile(filepath.Join(folder, name+".cdx.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &sbom))
	assert.Equal(t, "v0.2.0-rc1", sbom.Metadata.Component.Version)
	assert.Contains(t, sbom.Components, struct{ Name string }{"github.com/hashicorp/vault/sdk"})
	out, err = bash(t, os.Environ(), "cd "+folder+" && sha256sum --check --strict SHA256SUMS && ls")
	require.NoError(t, err, out)
	assert.Equal(t, 6, strings.Count(out, ": OK"), "the plugin and the console, an SBOM and an archive of each")
	for _, program := range []string{harness.PluginName, "sei-console"} {
		name := program + "_v0.2.0-rc1_linux_amd64"
		assert.Contains(t, out, name+": OK")
		assert.Contains(t, out, name+".zip: OK")
		testArchive(t, filepath.Join(folder, name+".zip"), map[string]string{program: filepath.Join(folder, name), "LICENSE": "../../LICENSE"})
	}
	image := makeImage(t, folder, "v0.2.0-rc1", "linux/amd64")
	t.Run("openbao", func(t *testing.T) {
		file, err := os.Open(filepath.Join(folder, name))
		require.NoError(t, err)
		testOnOpenBao(t, image, "v0.2.0-rc1", sumOf(t, file))
	})
}

// testArchive fails unless an archive has these names with the content of these files, and
// a program in it may be run.
func testArchive(t *testing.T, path string, want map[string]string) {
	t.Helper()
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { _ = archive.Close() }()
	found := map[string]string{}
	for _, file := range archive.File {
		content, err := file.Open()
		require.NoError(t, err)
		found[file.Name] = sumOf(t, content)
		assert.Equal(t, file.Name != "LICENSE", file.Mode()&0o111 != 0, file.Name)
	}
	for name, from := range want {
		file, err := os.Open(from)
		require.NoError(t, err)
		want[name] = sumOf(t, file)
	}
	assert.Equal(t, want, found, path)
}

// sumOf is the SHA-256 in hex of what is left to read.
func sumOf(t *testing.T, content io.ReadCloser) string {
	t.Helper()
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	_, err := io.Copy(sum, content)
	require.NoError(t, err)
	return hex.EncodeToString(sum.Sum(nil))
}

// What stands in VERSION, which may be the name of anybody's tag, reaches no shell and no
// function of make before it is known to be a version.
func TestVersionsThatAreCommands(t *testing.T) {
	layer.Check(t, "a release")
	t.Parallel()
	dir := t.TempDir()
	for _, version := range []string{
		"v1';touch " + dir + "/x;'", "v1$(shell touch " + dir + "/x)", "v1`touch " + dir + "/x`", "v1;touch${IFS}" + dir + "/x", "v1\ntouch " + dir + "/x",
		"v1.0.0 x", "1.0.0", "v", "", "v1,x", "v1)", `v1"`, "vx",
	} {
		for _, target := range []string{"release", "image", "build", "help", "demo"} {
			for _, cmd := range []*exec.Cmd{
				exec.CommandContext(t.Context(), "make", "-n", target, "VERSION="+version), exec.CommandContext(t.Context(), "make", "-n", target),
			} {
				cmd.Dir, cmd.Env = "../..", append(os.Environ(), "VERSION="+version)
				out, err := cmd.CombinedOutput()
				require.Error(t, err, "%q %s", version, out)
				assert.Contains(t, string(out), "no version that Vault takes")
			}
		}
	}
	assert.NoFileExists(t, filepath.Join(dir, "x"))
}

// A build that is not the same twice is no release, and neither is a version that Vault
// would refuse.
func TestReleaseRefuses(t *testing.T) {
	layer.Check(t, "a release")
	t.Parallel()
	_, out, err := release(t, ".", "0.1.0", "linux/amd64")
	require.Error(t, err)
	assert.Contains(t, out, "no version that Vault takes")

	sources := t.TempDir()
	out, err = bash(t, os.Environ(), "tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "+sources)
	require.NoError(t, err, out)
	makefile := strings.Replace(harness.PageText(t, "Makefile"), ".version=$(VERSION)'", ".version=$(VERSION)-'$$(date +%s%N)", 1)
	require.NoError(t, os.WriteFile(filepath.Join(sources, "Makefile"), []byte(makefile), 0o600))
	_, out, err = release(t, sources, "v0.1.0", "linux/amd64")
	require.Error(t, err)
	assert.Contains(t, out, "two builds of "+harness.PluginName+"_v0.1.0_linux_amd64 differ")
}
