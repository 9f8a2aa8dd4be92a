package ecosystem_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"vault-plugin-secrets-sei/acceptance/harness"
)

const kubernetesDir = "../../examples/kubernetes"

// shape is what a definition says of an object: the type of each field, or the shape of
// the object in it. A field with a * is required; the key [] is of each element of a list,
// and * alone stands for any key.
type shape map[string]any

// manifestShapes are what the definitions of the operators say of the kinds that the
// examples use: config/crd/bases of the Vault Secrets Operator v1.4.1, and config/crds/bases
// of the External Secrets Operator v2.9.0 (cc5bfbc22).
func manifestShapes() map[string]shape {
	generator := shape{"apiVersion": "string", "kind*": "string", "name*": "string"}
	return map[string]shape{
		"secrets.hashicorp.com/v1beta1 VaultConnection": {"address*": "string", "caCertSecretRef": "string", "tlsServerName": "string"},
		"secrets.hashicorp.com/v1beta1 VaultAuth": {
			"vaultConnectionRef": "string", "method": "string", "mount": "string", "namespace": "string",
			"kubernetes": shape{"role": "string", "serviceAccount": "string", "audiences": shape{"[]": "string"}},
		},
		"secrets.hashicorp.com/v1beta1 VaultDynamicSecret": {
			"vaultAuthRef": "string", "mount*": "string", "path*": "string", "requestHTTPMethod": "string", "allowStaticCreds": "bool", "refreshAfter": "string",
			"destination*": shape{"name*": "string", "create": "bool", "transformation": shape{
				"excludeRaw": "bool", "excludes": shape{"[]": "string"}, "includes": shape{"[]": "string"}, "templates": shape{"*": shape{"name": "string", "text*": "string"}},
			}},
			"rolloutRestartTargets": shape{"[]": shape{"kind*": "string", "name*": "string"}},
		},
		"generators.external-secrets.io/v1alpha1 VaultDynamicSecret": {
			"path*": "string", "method": "string", "resultType": "string",
			"provider*": shape{"server*": "string", "namespace": "string", "auth": shape{
				"kubernetes": shape{"mountPath*": "string", "role*": "string", "serviceAccountRef": shape{"name*": "string", "namespace": "string"}},
			}},
		},
		"external-secrets.io/v1 ExternalSecret": {
			"refreshInterval": "string",
			"target":          shape{"name": "string", "template": shape{"engineVersion": "string", "data": shape{"*": "string"}}},
			"dataFrom":        shape{"[]": shape{"sourceRef": shape{"generatorRef": generator}}},
		},
	}
}

// assertShaped demands that value is of a type or shape.
func assertShaped(t *testing.T, where string, want, value any) {
	t.Helper()
	fields, isShape := want.(shape)
	switch value := value.(type) {
	case map[string]any:
		require.True(t, isShape, "%s is an object", where)
		for name := range fields {
			required, is := strings.CutSuffix(name, "*")
			assert.False(t, is && required != "" && value[required] == nil, "%s.%s is required", where, required)
		}
		for name, inner := range value {
			assertShaped(t, where+"."+name, field(fields, name), inner)
		}
	case []any:
		for _, inner := range value {
			assertShaped(t, where+"[]", fields["[]"], inner)
		}
	case string:
		assert.Equal(t, "string", want, where)
	case bool:
		assert.Equal(t, "bool", want, where)
	default:
		assert.Fail(t, "of a type that no definition has", "%s: %T", where, value)
	}
}

func field(fields shape, name string) any {
	for _, key := range []string{name, name + "*", "*"} {
		if want, found := fields[key]; found {
			return want
		}
	}
	return "no field of the definition"
}

// manifests reads a file of the examples, by kind, and holds it against the definitions.
func manifests(t *testing.T, name string) map[string]map[string]any {
	t.Helper()
	file, err := os.Open(filepath.Join(kubernetesDir, name))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	decoder, byKind := yaml.NewDecoder(file), map[string]map[string]any{}
	for {
		var manifest struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct{ Name, Namespace string }
			Spec       map[string]any `yaml:"spec"`
		}
		decoder.KnownFields(true)
		err := decoder.Decode(&manifest)
		if errors.Is(err, io.EOF) {
			return byKind
		}
		require.NoError(t, err)
		kind := manifest.APIVersion + " " + manifest.Kind
		require.Contains(t, manifestShapes(), kind)
		assert.NotEmpty(t, manifest.Metadata.Name)
		assertShaped(t, manifest.Kind, manifestShapes()[kind], manifest.Spec)
		byKind[manifest.Kind] = manifest.Spec
	}
}

// text is the string at a path of a manifest.
func text(t *testing.T, value any, path ...string) string {
	t.Helper()
	for _, key := range path {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	found, ok := value.(string)
	require.True(t, ok, path)
	return found
}

// What the operators ask for with the rights of a worker is answered, and their
// templates make of it what a worker needs.
func TestKubernetesOperators(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t)
	harness.Write(t, client.Logical(), "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client.Logical(), "sei/integrations/github-prod", map[string]any{"provider": "github", "url": fakes.URLs["GITHUB"]})
	policy, err := os.ReadFile(filepath.Join(policiesDir, "worker.hcl"))
	require.NoError(t, err)
	token := tokenWith(t, server, "worker", string(policy))
	reauth := func(token string) {
		fakes.World.GitHubEnterprise.AddClassic("octocat", token, "repo", "read:org")
		harness.Write(t, client.Logical(), "sei/reauth/github-prod", map[string]any{"pat": token})
	}
	reauth("ghp_for_an_operator")
	worker := server.Client(t)
	worker.SetToken(token)

	t.Run("External Secrets Operator", func(t *testing.T) {
		all := manifests(t, "external-secrets.yaml")
		generator, secret := all["VaultDynamicSecret"], all["ExternalSecret"]
		assert.Equal(t, "Data", text(t, generator, "resultType"))
		answer := operatorRead(t, worker, text(t, generator, "method"), text(t, generator, "path"))
		target, _ := secret["target"].(map[string]any)
		templates, _ := target["template"].(map[string]any)
		rendered := map[string]string{}
		for key, body := range asObject(t, templates["data"]) {
			rendered[key] = render(t, body, asStrings(t, answer.Data))
		}
		assertUsable(t, fakes, rendered, answer.Data)
	})
	t.Run("Vault Secrets Operator", func(t *testing.T) {
		spec := manifests(t, "vault-secrets-operator.yaml")["VaultDynamicSecret"]
		read := func() *api.Secret {
			return operatorRead(t, worker, text(t, spec, "requestHTTPMethod"), text(t, spec, "mount")+"/"+text(t, spec, "path"))
		}
		first := read()
		destination, _ := spec["destination"].(map[string]any)
		transformation, _ := destination["transformation"].(map[string]any)
		rendered := map[string]string{}
		for key, body := range asObject(t, transformation["templates"]) {
			rendered[key] = render(t, text(t, body, "text"), map[string]any{"Secrets": first.Data})
		}
		assertUsable(t, fakes, rendered, first.Data)
		assert.Equal(t, true, spec["allowStaticCreds"])
		assertStaticCreds(t, first.Data)
		assert.Equal(t, macOf(first.Data), macOf(read().Data), "nothing changed, and the targets are not restarted")
		reauth("ghp_for_an_operator_second")
		second := read()
		assertStaticCreds(t, second.Data)
		assert.NotEqual(t, macOf(first.Data), macOf(second.Data), "another credential, and the targets are restarted")
	})
}

// operatorRead sends what an operator sends.
func operatorRead(t *testing.T, client *api.Client, method, path string) *api.Secret {
	t.Helper()
	require.Equal(t, http.MethodGet, method)
	secret, err := client.Logical().ReadWithContext(t.Context(), path)
	require.NoError(t, err)
	require.NotNil(t, secret)
	assert.Empty(t, secret.LeaseID)
	return secret
}

// assertStaticCreds demands what the Vault Secrets Operator asks of static credentials: it
// reads others once, and never again. With a ttl of 2 s or less it would wait for a change.
func assertStaticCreds(t *testing.T, data map[string]any) {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text(t, data, "last_vault_rotation"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), at, harness.StartLimit)
	for _, name := range []string{"rotation_period", "ttl"} {
		seconds, ok := data[name].(json.Number)
		require.True(t, ok, name)
		number, err := seconds.Int64()
		require.NoError(t, err)
		assert.Greater(t, number, int64(2), name)
	}
}

// macOf stands for what that operator compares: all but the times.
func macOf(data map[string]any) string {
	rest := maps.Clone(data)
	for _, name := range []string{"ttl", "rotation_schedule", "rotation_period", "last_vault_rotation"} {
		delete(rest, name)
	}
	all, _ := json.Marshal(rest)
	return string(all)
}

// asObject returns the fields of an object.
func asObject(t *testing.T, value any) map[string]any {
	t.Helper()
	object, ok := value.(map[string]any)
	require.True(t, ok)
	return object
}

// asStrings is what the External Secrets Operator makes of an answer.
func asStrings(t *testing.T, data map[string]any) map[string]any {
	t.Helper()
	texts := map[string]any{}
	for key, value := range data {
		if text, ok := value.(string); ok {
			texts[key] = text
			continue
		}
		texts[key] = asJSON(t, value)
	}
	return texts
}

// render runs a template with the functions that the examples use of the operators'.
func render(t *testing.T, body, data any) string {
	t.Helper()
	text, ok := body.(string)
	require.True(t, ok)
	parsed, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"get": func(object map[string]any, key string) any { return object[key] },
		"fromJson": func(text string) (object any, err error) {
			err = json.Unmarshal([]byte(text), &object)
			return object, err
		},
	}).Parse(text)
	require.NoError(t, err)
	var rendered bytes.Buffer
	require.NoError(t, parsed.Execute(&rendered, data))
	return rendered.String()
}

// assertUsable sends the rendered credential to the upstream.
func assertUsable(t *testing.T, f *harness.Fakes, rendered map[string]string, data map[string]any) {
	t.Helper()
	assert.Equal(t, []string{"authorization", "fingerprint", "url"}, slices.Sorted(maps.Keys(rendered)))
	assert.Equal(t, data["fingerprint"], rendered["fingerprint"])
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rendered["url"]+"/api/v3/user", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Authorization", rendered["authorization"])
	answer, err := f.Client(t).Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	assert.Equal(t, http.StatusOK, answer.StatusCode)
}
