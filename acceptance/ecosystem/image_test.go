package ecosystem_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl"
	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

const openBaoExample = "examples/openbao/server.hcl"

// layout is an image in a folder, as OCI lays it out.
type layout string

// ociDescriptor is what a manifest says of another, or of a blob.
type ociDescriptor struct {
	MediaType, Digest string
	Platform          struct{ OS, Architecture string }
}

func (l layout) blob(digest string) string {
	return filepath.Join(string(l), "blobs", strings.ReplaceAll(digest, ":", "/"))
}

// read reads a file of JSON.
func (l layout) read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// index is the descriptor of the image for all platforms.
func (l layout) index(t *testing.T) ociDescriptor {
	t.Helper()
	var all struct{ Manifests []ociDescriptor }
	l.read(t, filepath.Join(string(l), "index.json"), &all)
	require.NotEmpty(t, all.Manifests)
	return all.Manifests[0]
}

// ociManifest is of an image for one platform.
type ociManifest struct {
	Config ociDescriptor
	Layers []ociDescriptor
}

// makeImage makes the image of a release for one platform, and checks all that Vault's
// runtime needs of it: a program in the root, the authorities, and a user who is not root.
func makeImage(t *testing.T, folder, version, platform string) layout {
	t.Helper()
	made := layout(filepath.Join(t.TempDir(), "image"))
	out, err := bash(t, os.Environ(), strings.Join([]string{"scripts/image.sh", version, folder, string(made), platform}, " "))
	require.NoError(t, err, out)
	index := made.index(t)
	assert.Contains(t, out, index.Digest+" image "+version+"\n")
	var platforms struct{ Manifests []ociDescriptor }
	made.read(t, made.blob(index.Digest), &platforms)
	require.Len(t, platforms.Manifests, 1)
	assert.Equal(t, platform, platforms.Manifests[0].Platform.OS+"/"+platforms.Manifests[0].Platform.Architecture)

	var manifest ociManifest
	made.read(t, made.blob(platforms.Manifests[0].Digest), &manifest)
	var config struct {
		Config struct {
			User       string
			Entrypoint []string
		}
	}
	made.read(t, made.blob(manifest.Config.Digest), &config)
	assert.Equal(t, "65532:65532", config.Config.User)
	assert.Equal(t, []string{"/" + harness.PluginName}, config.Config.Entrypoint)
	want, err := os.Open(filepath.Join(folder, harness.PluginName+"_"+version+"_"+strings.ReplaceAll(platform, "/", "_")))
	require.NoError(t, err)
	found := made.files(t, manifest)
	assert.Equal(t, sumOf(t, want), found[harness.PluginName])
	assert.Contains(t, found, "etc/ssl/certs/ca-certificates.crt")
	assert.Len(t, found, 2, "no shell and no libraries")
	return made
}

// files has the sum of each file in an image.
func (l layout) files(t *testing.T, manifest ociManifest) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, layer := range manifest.Layers {
		file, err := os.Open(l.blob(layer.Digest))
		require.NoError(t, err)
		unpacked, err := gzip.NewReader(file)
		require.NoError(t, err)
		for archive := tar.NewReader(unpacked); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if header.Typeflag == tar.TypeReg {
				all[header.Name] = sumOf(t, io.NopCloser(archive))
			}
		}
		require.NoError(t, file.Close())
	}
	return all
}

// ServeHTTP is as much of a registry as one image needs, under any name and tag:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pull
func (l layout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found := regexp.MustCompile(`^/v2/(?:.+/(?:manifests|blobs)/([^/]+))?$`).FindStringSubmatch(r.URL.Path)
	if found == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	if found[1] == "" {
		return
	}
	digest := found[1]
	if !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(digest) {
		var all struct{ Manifests []ociDescriptor }
		data, err := os.ReadFile(filepath.Join(string(l), "index.json"))
		if err != nil || json.Unmarshal(data, &all) != nil || len(all.Manifests) == 0 {
			http.NotFound(w, r)
			return
		}
		digest = all.Manifests[0].Digest
	}
	data, err := os.ReadFile(l.blob(digest))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	var typed struct{ MediaType string }
	_ = json.Unmarshal(data, &typed) // layers are no JSON
	if typed.MediaType == "" {
		typed.MediaType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", typed.MediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	_, _ = w.Write(data)
}

// exampleOf reads the plugin's block of the example.
func exampleOf(t *testing.T, text string) (server, plugin map[string]any) {
	t.Helper()
	require.NoError(t, hcl.Decode(&server, text))
	blocks, ok := server["plugin"].([]map[string]any)
	require.True(t, ok)
	require.Len(t, blocks, 1)
	secret, ok := blocks[0]["secret"].([]map[string]any)
	require.True(t, ok, "a plugin of the type secret")
	sei, ok := secret[0]["sei"].([]map[string]any)
	require.True(t, ok, "a plugin whose name is the type of the mount in all documents")
	require.Len(t, sei, 1)
	return server, sei[0]
}

// The example is HCL, has the fields that OpenBao 2.6 has, and names the program as it is
// in the image's root: PluginConfig and Config in command/server/config.go of OpenBao 2.6.2.
func TestOpenBaoExample(t *testing.T) {
	t.Parallel()
	text := harness.PageText(t, openBaoExample)
	server, plugin := exampleOf(t, text)
	assert.Equal(t, harness.PluginName, plugin["binary_name"])
	assert.Regexp(t, `^v[0-9]+\.[0-9]+\.[0-9]+$`, plugin["version"])
	assert.Regexp(t, `^[0-9a-f]{64}$`, plugin["sha256sum"])
	assert.Regexp(t, `^[a-z0-9.-]+/[a-z0-9/-]+$`, plugin["image"], "without tag: OpenBao adds the version")
	assert.Len(t, plugin, 4)
	assert.Equal(t, true, server["plugin_auto_download"])
	assert.Equal(t, true, server["plugin_auto_register"])
	assert.Equal(t, "fail", server["plugin_download_behavior"])
	known := []string{
		"plugin", "plugin_directory", "plugin_auto_download", "plugin_auto_register", "plugin_download_behavior",
		"storage", "listener", "api_addr", "cluster_addr",
	}
	for key := range server {
		assert.Contains(t, known, key)
	}
}

// testOnOpenBao runs the example with an image from a registry on loopback: the server
// downloads it, demands its sum, registers the engine and mounts it.
func testOnOpenBao(t *testing.T, image layout, version, sum string) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), harness.Vault(), "version").Output()
	require.NoError(t, err)
	if !strings.HasPrefix(string(said), "OpenBao ") {
		t.Skip("declarative plugins need OpenBao as VAULT_BIN")
	}
	registry := strings.TrimPrefix(harness.Listen(t, image), "http://")
	bao := newOpenBao(t, registry, version, sum)
	wrong := newOpenBao(t, registry, version, strings.Repeat("0", 64))
	out, err := wrong.initPlugins(t)
	require.Error(t, err)
	assert.Contains(t, out, "plugin hash mismatch")
	out, err = bao.initPlugins(t)
	require.NoError(t, err, out)
	assert.FileExists(t, filepath.Join(bao.dir, "plugins", "secret-sei-"+version))

	client := bao.start(t)
	require.NoError(t, client.Sys().MountWithContext(t.Context(), "sei", &api.MountInput{Type: "sei"}))
	read, err := client.Logical().ListWithContext(t.Context(), "sei/providers")
	require.NoError(t, err)
	require.NotNil(t, read)
	assert.Contains(t, read.Data["keys"], "jira")
	mounts, err := client.Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, version, mounts["sei/"].RunningVersion)
	assert.Equal(t, sum, mounts["sei/"].RunningSha256)
}

// openBao is a server of the example, in a folder of its own.
type openBao struct{ dir, config, address string }

func newOpenBao(t *testing.T, registry, version, sum string) openBao {
	t.Helper()
	dir, err := os.MkdirTemp("", "sei-") //nolint:usetesting // t.TempDir is too long for the sockets of plugins
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	bao := openBao{dir: dir, config: filepath.Join(dir, "server.hcl"), address: harness.FreeAddress(t)}
	text := harness.PageText(t, openBaoExample)
	_, plugin := exampleOf(t, text)
	for old, now := range map[string]string{
		plugin["image"].(string):   registry + "/vault-plugin-secrets-sei", //nolint:forcetypeassert // TestOpenBaoExample
		plugin["version"].(string): version,                                //nolint:forcetypeassert // TestOpenBaoExample
		strings.Repeat("0", 64):    sum, "/opt/openbao": dir, "0.0.0.0:8200": bao.address,
		"https://openbao-1.example.com:8200": "http://" + bao.address, "https://openbao-1.example.com:8201": "http://" + harness.FreeAddress(t),
	} {
		require.Equal(t, 1, min(1, strings.Count(text, old)), old)
		text = strings.ReplaceAll(text, old, now)
	}
	text = regexp.MustCompile(`(?s)tls_cert_file.*?tls_key_file[^\n]*`).ReplaceAllString(text, "tls_disable = true")
	require.NoError(t, os.WriteFile(bao.config, []byte(text), 0o600))
	return bao
}

func (b openBao) initPlugins(t *testing.T) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), harness.Vault(), "plugin", "init", "-config="+b.config).CombinedOutput()
	return string(out), err
}

// start starts the server, initializes and unseals it.
func (b openBao) start(t *testing.T) *api.Client {
	t.Helper()
	log, err := os.Create(filepath.Join(b.dir, "server.log"))
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	server, err := harness.StartProcess(log, os.Environ(), harness.Vault(), "server", "-config="+b.config)
	require.NoError(t, err)
	t.Cleanup(func() {
		server.Stop(10 * time.Second)
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s", said)
		}
	})
	config := api.DefaultConfig()
	config.Address = "http://" + b.address
	client, err := api.NewClient(config)
	require.NoError(t, err)
	var keys *api.InitResponse
	eventually(t, func(ctx context.Context) (err error) {
		keys, err = client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
		return err
	})
	_, err = client.Sys().UnsealWithContext(t.Context(), keys.KeysB64[0])
	require.NoError(t, err)
	client.SetToken(keys.RootToken)
	eventually(t, func(ctx context.Context) error {
		_, err := client.Sys().ListMountsWithContext(ctx)
		return err
	})
	return client
}

// eventually tries for half a minute.
func eventually(t *testing.T, try func(context.Context) error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = try(t.Context()); err == nil {
			return
		}
	}
	require.NoError(t, err)
}
