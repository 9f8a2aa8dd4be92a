package bench_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/bench"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

const (
	floorName = "floor"
	// smallName is the engine once more, so that the mount small/ has a process of its own:
	// of mounts that share one, only the first to be reloaded starts a new one.
	smallName = "engine-of-small"
	// hosts are enough for 64 checks at once, of which the engine has four at one host.
	hosts = 32
	// fillers write at a time when the mounts are filled.
	fillers = 32
	// versioned is how many names the mount of KV v2 has.
	versioned = 1000
	// The first integrations are of OAuth, the next are pools, all others have one token.
	oauthCount, poolCount, poolTokens = 2, 2, 4
)

// benchmark is a server with what is compared: sei/ and small/ are mounts of the engine,
// kv1/ and kv2/ are Vault's own, floor/ is a plugin that does nothing.
type benchmark struct {
	t        *testing.T
	effort   effort
	server   *harness.Server
	vault    *bench.Vault
	upstream *bench.Upstream
	fakes    *harness.Fakes
	filled   int
	report   bench.Report
	growth   growth
}

func newBenchmark(t *testing.T, e effort) *benchmark {
	t.Helper()
	b := &benchmark{t: t, effort: e, server: harness.StartRaft(t), fakes: harness.StartFakes(t)}
	client := b.server.Client(t)
	// An audit device and the server's log cost all that is compared the same, and would
	// hide differences.
	b.server.DisableAudit(t)
	_, err := client.Logical().WriteWithContext(t.Context(), "sys/loggers", map[string]any{"level": "warn"})
	require.NoError(t, err)
	b.vault = bench.NewVault("http://"+b.server.Host(), b.server.Token)
	b.upstream, err = bench.NewUpstream(t.Context(), hosts)
	require.NoError(t, err)
	t.Cleanup(b.upstream.Close)
	b.mountAll(client)
	b.fillSmall()
	return b
}

func (b *benchmark) mountAll(client *api.Client) {
	b.server.Mount(b.t, "sei")
	b.registerOthers(client)
	for path, options := range map[string]*api.MountInput{
		"kv1":     {Type: "kv", Options: map[string]string{"version": "1"}},
		"kv2":     {Type: "kv", Options: map[string]string{"version": "2"}},
		floorName: {Type: floorName},
		"small":   {Type: smallName},
	} {
		require.NoError(b.t, client.Sys().MountWithContext(b.t.Context(), path, options))
	}
	for _, mount := range []string{"sei", "small"} {
		b.write(mount+"/config", map[string]any{
			"allowed_hosts": "http://127.0.0.1,https://bitbucket.org,https://api.bitbucket.org", "health_check_interval": 0,
		})
	}
	// It upgrades itself in the background at first.
	b.server.Wait(b.t, "serve KV v2", func(ctx context.Context) bool { return b.vault.WriteFields(ctx, "kv2/data/first", kv2Value(0)) == nil })
}

// registerOthers builds the plugin that does nothing, copies the engine, and puts both into
// the catalogue.
func (b *benchmark) registerOthers(client *api.Client) {
	floor, small := filepath.Join(b.server.Plugins, floorName), filepath.Join(b.server.Plugins, smallName)
	build := exec.CommandContext(b.t.Context(), "go", "build", "-trimpath", "-o", floor, "../../bench/floor")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b.t, err, "%s", out)
	engine, err := os.ReadFile(filepath.Join(b.server.Plugins, harness.PluginName))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(small, engine, 0o700))
	for _, path := range []string{floor, small} {
		binary, err := os.ReadFile(path)
		require.NoError(b.t, err)
		sum := sha256.Sum256(binary)
		require.NoError(b.t, client.Sys().RegisterPluginWithContext(b.t.Context(), &api.RegisterPluginInput{
			Name: filepath.Base(path), Type: api.PluginTypeSecrets, Command: filepath.Base(path), SHA256: hex.EncodeToString(sum[:]),
		}))
	}
}

func (b *benchmark) write(path string, fields map[string]any) {
	b.t.Helper()
	require.NoError(b.t, b.vault.WriteFields(b.t.Context(), path, fields))
}

// nameOf is the name of integration n, and of entry n of KV v1.
func nameOf(n int) string { return fmt.Sprintf("i%06d", n) }

// plain leads a number to an integration with one token, of so many. Numbers that are
// close are apart.
func plain(n, of int) int {
	const first = oauthCount + poolCount
	return first + int(uint64(n)*2654435761%uint64(of-first))
}

func kv1Value(n int) map[string]any { return map[string]any{"pat": bench.Token(nameOf(n), 1)} }

func kv2Value(n int) map[string]any { return map[string]any{"data": kv1Value(n)} }

// grow fills the mounts until there are so many integrations.
func (b *benchmark) grow(size int) {
	began := time.Now()
	for n := b.filled; n < min(size, oauthCount); n++ {
		b.authorize("sei", nameOf(n))
	}
	for n := b.filled; n < min(size, versioned); n++ {
		b.write("kv2/data/"+nameOf(n), kv2Value(n))
	}
	b.fill("sei", max(b.filled, oauthCount), size)
	b.parallel(b.filled, size, func(ctx context.Context, n int) error {
		return b.vault.WriteFields(ctx, "kv1/"+nameOf(n), kv1Value(n))
	})
	b.filled = size
	b.say("%d integrations and as many entries of KV v1 after %s", size, time.Since(began).Round(time.Millisecond))
}

func (b *benchmark) fillSmall() {
	for n := range oauthCount {
		b.authorize("small", nameOf(n))
	}
	b.fill("small", oauthCount, benchSmall)
}

// fill creates the integrations from first to before last, and gives them credentials.
func (b *benchmark) fill(mount string, first, last int) {
	b.parallel(first, last, func(ctx context.Context, n int) error {
		err := b.vault.WriteFields(ctx, mount+"/integrations/"+nameOf(n), map[string]any{"provider": "github", "auth_type": "pat", "url": b.upstream.Address(n)})
		if err != nil {
			return err
		}
		return b.vault.WriteFields(ctx, mount+"/reauth/"+nameOf(n), credential(n, 1))
	})
}

// credential is the nth of integration n: of a pool, so many accounts.
func credential(n, version int) map[string]any {
	if n >= oauthCount+poolCount {
		return map[string]any{"pat": bench.Token(nameOf(n), version)}
	}
	tokens := make([]string, 0, poolTokens)
	for member := range poolTokens {
		tokens = append(tokens, bench.Token(fmt.Sprintf("%s-%d", nameOf(n), member), version))
	}
	return map[string]any{"pat": tokens}
}

// parallel calls do for each number from first to before last.
func (b *benchmark) parallel(first, last int, do func(ctx context.Context, n int) error) {
	b.t.Helper()
	group, ctx := errgroup.WithContext(b.t.Context())
	group.SetLimit(fillers)
	for n := first; n < last && ctx.Err() == nil; n++ {
		group.Go(func() error { return do(ctx, n) })
	}
	require.NoError(b.t, group.Wait())
}

// authorize creates an integration whose access token outlives the measurement.
func (b *benchmark) authorize(mount, name string) {
	bitbucket := b.fakes.World.Bitbucket
	callback := b.server.Addr + "/v1/" + mount + "/oauth/callback"
	bitbucket.AddClient(authserver.OAuthClient{ID: mount, Secret: "a-client-secret", RedirectURI: callback, Scopes: []string{"account"}})
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	bitbucket.SetLife(24 * time.Hour)
	b.write(mount+"/integrations/"+name, map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": mount, "client_secret": "a-client-secret", "redirect_uri": callback,
		"proxy_url": b.fakes.World.ProxyURL(), "ca_cert": b.fakes.World.CAPEM(),
	})
	begun, err := b.server.Client(b.t).Logical().WriteWithContext(b.t.Context(), mount+"/oauth/authorize/"+name, nil)
	require.NoError(b.t, err)
	address, _ := begun.Data["authorize_url"].(string)
	back, err := b.fakes.World.Consent(address, true)
	require.NoError(b.t, err)
	b.write(mount+"/reauth/"+name, map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")})
}
