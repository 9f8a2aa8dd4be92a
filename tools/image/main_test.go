package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	version  = "v0.9.0"
	source   = "https://git.example.com/team/plugin"
	revision = "0123456789abcdef0123456789abcdef01234567"
	builder  = "https://ci.example.com/release"
)

// release writes what scripts/release.sh would, with texts for programs.
func release(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_arm64"} {
		file := plugin + "_" + version + "_" + platform
		put(t, filepath.Join(folder, file), "program of "+platform)
		put(t, filepath.Join(folder, file+".cdx.json"), `{"bomFormat":"CycloneDX","of":"`+platform+`"}`)
	}
	sumUp(t, folder)
	return folder
}

func put(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// sumUp writes SHA256SUMS of what is in a folder, in sha256sum's form.
func sumUp(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, plugin+"*"))
	require.NoError(t, err)
	var lines strings.Builder
	for _, file := range files {
		lines.WriteString(sumOf(t, file) + "  " + filepath.Base(file) + "\n")
	}
	put(t, filepath.Join(folder, "SHA256SUMS"), lines.String())
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// makeImage runs the command for both platforms, and returns the digests by what they are of.
func makeImage(t *testing.T, folder string, args ...string) (out string, digests map[string]string) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "image")
	args = append([]string{"-release", folder, "-version", version, "-out", out, "-source", source, "-revision", revision, "-builder", builder}, args...)
	var printed bytes.Buffer
	require.NoError(t, run(t.Context(), append(args, "linux/amd64", "linux/arm64"), &printed))
	digests = map[string]string{}
	for line := range strings.Lines(printed.String()) {
		digest, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		digests[what] = digest
	}
	return out, digests
}

// Whoever pulls the image finds in its root the program whose sum the release published,
// for each platform, run by a user who is not root; and what refers to the image, whether
// or not the registry has an API for that.
func TestWhatIsPulledIsTheRelease(t *testing.T) {
	t.Parallel()
	for _, referrers := range []bool{true, false} {
		server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		folder := release(t)
		tag := strings.TrimPrefix(server.URL, "http://") + "/team/" + plugin + ":" + version
		_, digests := makeImage(t, folder, "-push", tag)

		ref, err := name.ParseReference(tag)
		require.NoError(t, err)
		index, err := remote.Index(ref)
		require.NoError(t, err)
		digest, err := index.Digest()
		require.NoError(t, err)
		assert.Equal(t, digests["image "+version], digest.String())
		manifest, err := index.IndexManifest()
		require.NoError(t, err)
		assert.Equal(t, source, manifest.Annotations["org.opencontainers.image.source"])
		require.Len(t, manifest.Manifests, 2)
		for _, arch := range []string{"amd64", "arm64"} {
			testPlatform(t, ref, folder, arch)
		}
		said := document(t, ref, digest, inToto)
		testProvenance(t, said, digest.Hex, folder)
	}
}

// testPlatform pulls as OpenBao does: by tag and platform.
func testPlatform(t *testing.T, ref name.Reference, folder, arch string) {
	t.Helper()
	image, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
	require.NoError(t, err)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	assert.Equal(t, arch, config.Architecture)
	assert.Equal(t, "65532:65532", config.Config.User)
	assert.Equal(t, []string{"/" + plugin}, config.Config.Entrypoint)
	assert.Equal(t, map[string]string{
		"org.opencontainers.image.title": plugin, "org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "MPL-2.0",
		"org.opencontainers.image.source": source, "org.opencontainers.image.revision": revision,
		"org.opencontainers.image.description": "Secrets engine for Vault and OpenBao that keeps the credentials of integrations with engineering tools",
	}, config.Config.Labels)
	assert.Len(t, config.RootFS.DiffIDs, 2)
	assert.Len(t, config.History, 2)

	file := filepath.Join(folder, plugin+"_"+version+"_linux_"+arch)
	sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	require.NoError(t, err)
	found := files(t, image)
	program := sha256.Sum256(found["-rwxr-xr-x "+plugin])
	assert.Contains(t, string(sums), hex.EncodeToString(program[:])+"  "+filepath.Base(file)+"\n")
	assert.NotEmpty(t, found["-rw-r--r-- "+rootsFile])
	assert.Len(t, found, 2, "%s", maps.Keys(found))

	digest, err := image.Digest()
	require.NoError(t, err)
	sbom, err := os.ReadFile(file + ".cdx.json")
	require.NoError(t, err)
	assert.Equal(t, string(sbom), string(document(t, ref, digest, cycloneDX)))
}

// files are those of an image's file system, by mode and name.
func files(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		assert.Zero(t, header.Uid+header.Gid, header.Name)
		if header.Typeflag == tar.TypeDir {
			continue
		}
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		all[header.FileInfo().Mode().String()+" "+header.Name] = data
	}
}

// document is the only one of its kind that refers to a digest.
func document(t *testing.T, ref name.Reference, digest v1.Hash, kind string) []byte {
	t.Helper()
	referrers, err := remote.Referrers(ref.Context().Digest(digest.String()))
	require.NoError(t, err)
	manifest, err := referrers.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1)
	image, err := remote.Image(ref.Context().Digest(manifest.Manifests[0].Digest.String()))
	require.NoError(t, err)
	is, err := image.Manifest()
	require.NoError(t, err)
	// Not as the list has it: this registry takes the configuration's media type there.
	assert.Equal(t, kind, is.ArtifactType)
	assert.Equal(t, digest, is.Subject.Digest)
	layers, err := image.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	content, err := layers[0].Compressed()
	require.NoError(t, err)
	defer func() { _ = content.Close() }()
	data, err := io.ReadAll(content)
	require.NoError(t, err)
	return data
}

// testProvenance fails unless a statement is of this image, and names what went in.
func testProvenance(t *testing.T, said []byte, digest, folder string) {
	t.Helper()
	var got statement
	require.NoError(t, json.Unmarshal(said, &got))
	assert.Equal(t, "https://in-toto.io/Statement/v1", got.Type)
	assert.Equal(t, "https://slsa.dev/provenance/v1", got.PredicateType)
	assert.Equal(t, []resource{{Name: plugin, Digest: map[string]string{"sha256": digest}}}, got.Subject)
	assert.Equal(t, builder, got.Predicate.RunDetails.Builder.ID)
	assert.Equal(t, parameters{version, []string{"linux/amd64", "linux/arm64"}}, got.Predicate.BuildDefinition.ExternalParameters)
	used := got.Predicate.BuildDefinition.ResolvedDependencies
	for _, arch := range []string{"amd64", "arm64"} {
		file := plugin + "_" + version + "_linux_" + arch
		assert.Contains(t, used, resource{Name: file, Digest: map[string]string{"sha256": sumOf(t, filepath.Join(folder, file))}})
	}
	assert.Contains(t, used, resource{URI: "git+" + source, Digest: map[string]string{"gitCommit": revision}})
	authorities, err := roots()
	require.NoError(t, err)
	sum := sha256.Sum256(authorities)
	assert.Contains(t, used, resource{Name: rootsFile, URI: rootsURI(), Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}})
	assert.Regexp(t, `^pkg:golang/golang.org/x/crypto/x509roots/fallback@v0`, rootsURI())
}

// What nobody told is not said: no label, no commit, and a builder without a name.
func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	t.Parallel()
	all, err := assemble(order{release: release(t), facts: facts{version: version}, platforms: []string{"linux/amd64"}})
	require.NoError(t, err)
	manifest, err := all.index.IndexManifest()
	require.NoError(t, err)
	assert.NotContains(t, manifest.Annotations, "org.opencontainers.image.source")
	assert.NotContains(t, manifest.Annotations, "org.opencontainers.image.revision")
	layers, err := all.referrers[1].image.Layers()
	require.NoError(t, err)
	content, err := layers[0].Compressed()
	require.NoError(t, err)
	said, err := io.ReadAll(content)
	require.NoError(t, err)
	assert.Contains(t, string(said), "builder-not-named")
	assert.NotContains(t, string(said), "git")
}

// The same release gives the same image in every byte, wherever and whenever it is made;
// another SBOM gives the same image with another referrer.
func TestTheSameReleaseGivesTheSameImage(t *testing.T) {
	t.Parallel()
	first, digests := makeImage(t, release(t))
	folder := release(t)
	second, again := makeImage(t, folder)
	assert.Equal(t, digests, again)
	assert.Len(t, digests, 4)
	assert.Equal(t, tree(t, first), tree(t, second))

	sbom := plugin + "_" + version + "_linux_arm64.cdx.json"
	put(t, filepath.Join(folder, sbom), "{}")
	sumUp(t, folder)
	_, other := makeImage(t, folder)
	assert.NotEqual(t, digests["SBOM linux/arm64"], other["SBOM linux/arm64"])
	digests["SBOM linux/arm64"] = other["SBOM linux/arm64"]
	assert.Equal(t, digests, other)

	put(t, filepath.Join(folder, strings.TrimSuffix(sbom, ".cdx.json")), "another program")
	sumUp(t, folder)
	_, other = makeImage(t, folder)
	assert.NotEqual(t, digests["image "+version], other["image "+version])
}

// tree has the sum of each file below a folder.
func tree(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all[strings.TrimPrefix(path, folder)] = sumOf(t, path)
		}
		return err
	}))
	return all
}

// A program that is not the published one, or not there, makes no image, and neither does
// a folder that holds something else get lost.
func TestRefusals(t *testing.T) {
	t.Parallel()
	good := release(t)
	changed := release(t)
	put(t, filepath.Join(changed, plugin+"_"+version+"_linux_amd64"), "another program")
	unsummed := release(t)
	put(t, filepath.Join(unsummed, "SHA256SUMS"), "")
	broken := release(t)
	put(t, filepath.Join(broken, "SHA256SUMS"), "abc  file\n")
	full := t.TempDir()
	put(t, filepath.Join(full, "mine"), "mine")
	out := filepath.Join(t.TempDir(), "out")
	for want, args := range map[string][]string{
		"is not what SHA256SUMS says":     {"-release", changed, "-out", out, "linux/amd64"},
		"has no sum":                      {"-release", unsummed, "-out", out, "linux/amd64"},
		"a line that is no sum":           {"-release", broken, "-out", out, "linux/amd64"},
		"the release has no":              {"-release", good, "-out", out, "linux/riscv64"},
		`"darwin/arm64" is no`:            {"-release", good, "-out", out, "darwin/arm64"},
		`"linux" is no`:                   {"-release", good, "-out", out, "linux"},
		"twice":                           {"-release", good, "-out", out, "linux/amd64", "linux/amd64"},
		"at least one platform":           {"-release", good, "-out", out},
		"holds something else":            {"-release", good, "-out", full, "linux/amd64"},
		"can only contain the characters": {"-release", good, "-out", filepath.Join(t.TempDir(), "x"), "-push", "UPPER/case:v1", "linux/amd64"},
		"tag must be between":             {"-release", good, "-out", filepath.Join(t.TempDir(), "x"), "-push", "localhost:1/no-tag", "linux/amd64"},
		"flag provided but not defined":   {"-relase", good},
	} {
		err := run(t.Context(), append([]string{"-version", version}, args...), io.Discard)
		require.Error(t, err, want)
		assert.Contains(t, err.Error(), want)
		assert.NoDirExists(t, out, want)
	}
	assert.FileExists(t, filepath.Join(full, "mine"))
	made, _ := makeImage(t, good)
	require.NoError(t, run(t.Context(), []string{"-release", good, "-version", version, "-out", made, "linux/amd64"}, io.Discard), "an image is replaced")
}

// The authorities are all of Mozilla's that may be trusted without a condition.
func TestRoots(t *testing.T) {
	t.Parallel()
	want := 0
	conditional := 0
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			conditional++
			continue
		}
		want++
	}
	data, err := roots()
	require.NoError(t, err)
	now := 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		assert.True(t, certificate.IsCA)
		now++
	}
	assert.Equal(t, want, now)
	assert.Greater(t, now, 100)
	assert.Positive(t, conditional, "or leaving them out need not be said")
	assert.True(t, x509.NewCertPool().AppendCertsFromPEM(data))
}
