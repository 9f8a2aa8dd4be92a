package sei

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// What Vault's UI shows of a path is what the path says of itself.
func TestEveryPathIsDescribed(t *testing.T) {
	m := newMount(t)
	secrets := m.secretNames()
	for _, p := range paths(m.engine) {
		for name, f := range p.Fields {
			checkField(t, p.Pattern+": field "+name, f, secrets[name] || targetSecrets()[p.Pattern][name])
		}
		for op, handler := range p.Operations {
			where := fmt.Sprintf("%s %s", op, p.Pattern)
			props := handler.Properties()
			assert.NotEmpty(t, props.Summary, "%s has no summary", where)
			checkAnswers(t, where, props.Responses, secrets)
		}
	}
}

// targetSecrets are the fields of targets that hold a secret, by pattern: url is none
// elsewhere. So is what confirms an authorization.
func targetSecrets() map[string]map[string]bool {
	return map[string]map[string]bool{
		"^" + notifyPath + framework.GenericNameRegex("name") + "$": {"url": true, "signing_key": true},
		"^" + callbackPath + "$":                                    {"confirmation": true},
	}
}

// secretNames are the fields that hold a secret, wherever they stand.
func (m *mount) secretNames() map[string]bool {
	names := map[string]bool{"headers": true, "pats": true}
	m.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		for _, f := range slices.Concat(spec.SettingsOf(auth.Name), auth.Fields, auth.Issued) {
			names[f.Name] = names[f.Name] || f.Kind.Secret()
		}
	})
	return names
}

func checkField(t *testing.T, where string, f *framework.FieldSchema, secret bool) {
	t.Helper()
	assert.NotEmpty(t, f.Description, "%s has no description", where)
	if !assert.NotNil(t, f.DisplayAttrs, "%s has no display attributes", where) {
		return
	}
	assert.NotEmpty(t, f.DisplayAttrs.Name, "%s has no display name", where)
	if !f.DisplayAttrs.Identifier {
		assert.NotEmpty(t, f.DisplayAttrs.Group, "%s has no group", where)
	}
	assert.Equal(t, secret, f.DisplayAttrs.Sensitive, "%s is a secret, or is marked as one", where)
}

func checkAnswers(t *testing.T, where string, answers map[int][]framework.Response, secrets map[string]bool) {
	t.Helper()
	assert.True(t, len(answers[200]) == 1 || len(answers[204]) == 1, "%s does not say what a success is", where)
	for status, described := range answers {
		require.Len(t, described, 1, "%s: %d", where, status)
		assert.NotEmpty(t, described[0].Description, "%s: %d has no description", where, status)
		if status == 200 {
			assert.NotEmpty(t, described[0].Fields, "%s: the answer has no fields", where)
		}
		for name, f := range described[0].Fields {
			// A code in an answer is that of a refusal, and what authorizes or invites is the whole
			// address.
			secret := secrets[name] && name != "code" || strings.Contains(where, "oauth/authorize") && name == "authorize_url" || strings.HasPrefix(where, "update ^invites/") && name == "url"
			checkField(t, where+": answer's field "+name, f, secret)
			assert.NotEqual(t, framework.TypeDurationSecond, f.Type, "%s: %s reads as a number, not as a duration", where, name)
		}
	}
}

// document is what Vault makes of the engine's document: it comes as JSON, and some
// of it is lost then.
func (m *mount) document(t *testing.T) *framework.OASDocument {
	t.Helper()
	resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.HelpOperation, Storage: m.storage, Data: body{openAPIPrefix: "sei"}})
	require.NoError(t, err)
	raw, err := json.Marshal(resp.Data["openapi"])
	require.NoError(t, err)
	var sent map[string]any
	require.NoError(t, json.Unmarshal(raw, &sent))
	doc, err := framework.NewOASDocumentFromMap(sent)
	require.NoError(t, err)
	return doc
}

// Vault drops the references in the document of an external plugin.
func TestNoFormOfTheExplorerIsEmpty(t *testing.T) {
	m := newMount(t)
	for path, item := range m.document(t).Paths {
		for method, op := range operationsOf(item) {
			where := method + " " + path
			if op.RequestBody != nil {
				checkContent(t, where+": body", op.RequestBody.Content)
			}
			for status, answer := range op.Responses {
				if status != 204 {
					checkContent(t, fmt.Sprintf("%s: %d", where, status), answer.Content)
				}
			}
		}
	}
	form := m.document(t).Paths["/reauth/{name}"].Post.RequestBody.Content["application/json"].Schema
	require.Contains(t, form.Properties, "api_key")
	assert.True(t, form.Properties["api_key"].DisplayAttrs.Sensitive)
	assert.Contains(t, form.Properties["api_key"].Description, "Harness CI/CD: ")
	assert.Empty(t, form.Required, "it depends on the integration")
}

func checkContent(t *testing.T, where string, content framework.OASContent) {
	t.Helper()
	assert.Len(t, content, 1, where)
	for kind, media := range content {
		if assert.NotNil(t, media.Schema, where) && kind == "application/json" {
			assert.NotEmpty(t, media.Schema.Properties, "%s has no properties", where)
		}
	}
}

func operationsOf(item *framework.OASPathItem) map[string]*framework.OASOperation {
	all := map[string]*framework.OASOperation{"get": item.Get, "post": item.Post, "patch": item.Patch, "delete": item.Delete}
	for method, op := range all {
		if op == nil {
			delete(all, method)
		}
	}
	return all
}

func TestOperationIDsAreUniqueAndReadWell(t *testing.T) {
	wellRead := regexp.MustCompile(`^sei-(list|read|write|delete|configure|check|reauthenticate|validate|forget|report|rotate|roll-back|authorize|finish|invite|open|use)(-[a-z]+)+$`)
	seen := map[string]string{}
	for path, item := range newMount(t).document(t).Paths {
		for method, op := range operationsOf(item) {
			assert.Regexp(t, wellRead, op.OperationID, "%s %s", method, path)
			assert.Empty(t, seen[op.OperationID], "%s %s is %s, too", method, path, op.OperationID)
			seen[op.OperationID] = method + " " + path
		}
	}
}

// The callback is opened by browsers.
func TestTheCallbackAnswersWithPages(t *testing.T) {
	item := newMount(t).document(t).Paths["/"+callbackPath]
	assert.True(t, item.Unauthenticated)
	require.Len(t, item.Get.Parameters, 3)
	for _, op := range []*framework.OASOperation{item.Get, item.Post} {
		for status, answer := range op.Responses {
			assert.Contains(t, answer.Content, "text/html", status)
		}
	}
	form := item.Post.RequestBody.Content
	require.Contains(t, form, "application/x-www-form-urlencoded")
	assert.Len(t, form, 1)
	for _, field := range []string{"state", "code", "error", "confirmation"} {
		assert.Contains(t, form["application/x-www-form-urlencoded"].Schema.Properties, field)
	}
	assert.Empty(t, item.Post.Parameters)
}

func TestEveryPathExplainsItself(t *testing.T) {
	m := newMount(t)
	for _, p := range paths(m.engine) {
		assert.NotEmpty(t, p.HelpSynopsis, p.Pattern)
		assert.NotEmpty(t, p.HelpDescription, p.Pattern)
		for op, handler := range p.Operations {
			props := handler.Properties()
			if op == logical.UpdateOperation || op == logical.DeleteOperation || op == logical.CreateOperation {
				assert.True(t, props.ForwardPerformanceStandby && props.ForwardPerformanceSecondary, "%s %s must forward", op, p.Pattern)
			}
		}
	}
}

func TestSecretsAreMarkedSensitive(t *testing.T) {
	m := newMount(t)
	for _, p := range paths(m.engine) {
		for _, secret := range []string{"api_key", "pat"} {
			if f := p.Fields[secret]; f != nil {
				assert.True(t, f.DisplayAttrs.Sensitive, "%s %s", p.Pattern, secret)
			}
			assertNoExistenceCheck(t, p, secret)
		}
	}
	assert.Contains(t, m.SpecialPaths().SealWrapStorage, "credentials/")
	assert.Contains(t, m.SpecialPaths().SealWrapStorage, "config")
}

// assertNoExistenceCheck: the check would convert, and quote, a secret.
func assertNoExistenceCheck(t *testing.T, p *framework.Path, secret string) {
	t.Helper()
	if p.Fields[secret] != nil {
		assert.Nil(t, p.ExistenceCheck, p.Pattern)
	}
}
