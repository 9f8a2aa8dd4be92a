package main

import (
	"archive/zip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// packed writes two files, archives them and returns the archive's path.
func packed(t *testing.T, mode fs.FileMode, modified time.Time) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.zip")
	program, text := filepath.Join(dir, "program"), filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(program, []byte("a program"), 0o600))
	require.NoError(t, os.WriteFile(text, []byte("a text"), 0o600))
	require.NoError(t, os.Chmod(program, mode))
	require.NoError(t, os.Chtimes(program, modified, modified))
	require.NoError(t, run([]string{out, program + "=tool", text + "=LICENSE"}))
	return out
}

// An archive has the files under the names that were asked for, and says of them only
// what does not depend on who packs them, and when.
func TestTheSameFilesGiveTheSameArchive(t *testing.T) {
	t.Parallel()
	first := packed(t, 0o700, time.Now())
	archive, err := zip.OpenReader(first)
	require.NoError(t, err)
	defer func() { _ = archive.Close() }()
	found := map[string]string{}
	for _, file := range archive.File {
		content, err := file.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(content)
		require.NoError(t, err)
		found[file.Mode().String()+" "+file.Name] = string(data)
		assert.True(t, file.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)), "%s", file.Modified)
	}
	assert.Equal(t, map[string]string{"-rwxr-xr-x tool": "a program", "-rw-r--r-- LICENSE": "a text"}, found)

	want, err := os.ReadFile(first)
	require.NoError(t, err)
	again, err := os.ReadFile(packed(t, 0o755, time.Now().Add(-100*time.Hour)))
	require.NoError(t, err)
	assert.Equal(t, want, again)
}

// What cannot be packed leaves nothing behind, and nothing that is there is overwritten.
func TestNothingHalf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	require.NoError(t, os.WriteFile(there, []byte("x"), 0o600))
	for _, file := range []string{there, there + "=../out", there + "=/out", there + "=", dir + "/missing=x"} {
		out := filepath.Join(dir, "out.zip")
		require.Error(t, run([]string{out, file}), file)
		assert.NoFileExists(t, out, file)
	}
	require.ErrorIs(t, run([]string{there, there + "=x"}), fs.ErrExist)
	assert.FileExists(t, there)
	require.Error(t, run([]string{there}))
}
