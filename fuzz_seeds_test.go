package sei

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

// seeds are for every path and operation: nothing, the fields that it has with values
// of all types, names of all kinds, and what is accepted.
func seeds(b *besieged) []attack {
	var all []attack
	for family := range families() {
		for op := range fuzzedOperations() {
			all = append(all, attack{op: uint8(op), family: uint8(family), how: asNew})
		}
	}
	for who, name := range b.names {
		all = append(all, b.sproutName(attack{who: uint8(who), how: asFloats}, name)...)
	}
	for i, name := range strangeNames() {
		for family := range families() {
			all = append(all, attack{family: uint8(family), name: name, op: uint8((family + i) % 3), raw: []byte(`{"provider":"github"}`), how: asNew})
		}
	}
	all = append(all, b.sproutTargets()...)
	all = append(all, b.sproutInvitations()...)
	return append(all, b.sproutValues()...)
}

// sproutTargets makes the seeds of targets of notifications.
func (b *besieged) sproutTargets() []attack {
	var all []attack
	add := func(op logical.Operation, family, name string, data body) {
		all = append(all, attack{op: uint8(slices.Index(fuzzedOperations(), op)), family: uint8(slices.Index(families(), family)), name: name, raw: encoded(data)})
	}
	add(logical.ListOperation, "notify/", "", nil)
	add(logical.ReadOperation, "notify/*", "ops", nil)
	add(logical.DeleteOperation, "notify/*", "ops", nil)
	add(logical.UpdateOperation, "notify/*/test", "ops", nil)
	add(logical.UpdateOperation, "notify/*", "ops", body{"events": "needs_reauth", "integrations": "jira-*", "settle": "1h", "labels": body{"a": "b"}})
	add(logical.UpdateOperation, "notify/*", "new", body{"url": b.receiver.URL + "/" + secretWord + "?sig=" + secretWord, "format": "teams"})
	return all
}

// sproutInvitations makes the seeds of invitations and of their form.
func (b *besieged) sproutInvitations() []attack {
	var all []attack
	add := func(op logical.Operation, family, name string, how uint8, raw string) {
		all = append(all, attack{op: uint8(slices.Index(fuzzedOperations(), op)), family: uint8(slices.Index(families(), family)), name: name, how: how, raw: []byte(raw)})
	}
	add(logical.ListOperation, "invites/", "", 0, "")
	add(logical.ReadOperation, "invites/*", "jira", 0, "")
	add(logical.UpdateOperation, "invites/*", "jira", 0, `{"ttl":"7d","identity":"eve@example.com","note":"SECRET"}`)
	add(logical.UpdateOperation, "invites/*", "bb", 0, `{"any_identity":true}`)
	add(logical.DeleteOperation, "invites/*/"+accessorWord, "jira", 0, "")
	form := url.Values{}
	for name, value := range b.forms["jira"] {
		form.Set(name, fmt.Sprint(value))
	}
	for _, token := range []string{tokenWord, secretWord, strings.Repeat("a", 43), tokenWord + "/", tokenWord + "%20"} {
		add(logical.ReadOperation, "invite/*", token, asQuery, "")
		add(logical.HeaderOperation, "invite/*", token, asQuery, "x=SECRET")
		add(logical.UpdateOperation, "invite/*", token, asQuery, form.Encode())
	}
	for _, raw := range []string{
		"", "email=SECRET&api_key=SECRET", "email=SECRET%40example.com&api_key=SECRET", "email=mia%40example.com&api_key=SECRET&expires_at=2020-01-01",
		"email=mia%40example.com&email=x&api_key=a&api_key=b", "url=https%3A%2F%2Fevil.example&api_key=SECRET&email=a%40b", "%ff=%00&=&email=%3Cscript%3E&api_key=%3Cscript%3E",
		`{"email":["SECRET"],"api_key":{"a":"SECRET"}}`, "expires_at=SECRET&email=+&api_key=+",
	} {
		add(logical.UpdateOperation, "invite/*", tokenWord, asQuery, raw)
		add(logical.UpdateOperation, "invite/*", tokenWord, 0, raw)
	}
	return all
}

// sproutValues makes one seed for each value in all fields that a write takes, and one
// for a secret in each field.
func (b *besieged) sproutValues() []attack {
	takes := func(name string) []string { return slices.Sorted(maps.Keys(b.forms[name])) }
	var all []attack
	taken := map[string][]string{
		"integrations/bb":     append(slices.Sorted(maps.Keys(b.read("integrations/bb"))), "client_secret"),
		"integrations/github": {"organizations", "required_scopes", "labels", "rotate_before"},
		"integrations/new":    {"provider", "auth_type"}, "config": slices.Sorted(maps.Keys(b.read("config"))), "creds/github": {"resource", "version", "fingerprint"},
		"reauth/github": takes("github"), "validate/jira": append(takes("jira"), "expires_at"), "reauth/bb": takes("bb"),
		"creds/jira/report":   {"fingerprint", "status_code", "remaining", "reset_at", "resource"},
		"notify/ops":          fieldsOf(notify.Fields()),
		"invites/jira":        fieldsOf(invite.Fields()),
		"invite/" + tokenWord: append(takes("jira"), "expires_at"),
	}
	state := append(b.stateFields(), "name")
	for _, path := range slices.Sorted(maps.Keys(taken)) {
		fields := slices.DeleteFunc(taken[path], func(name string) bool {
			return slices.Contains(state, name) || path == "integrations/bb" && (name == "provider" || name == "auth_type")
		})
		at := attack{family: uint8(len(families()) - 1), name: path}
		if path == "creds/github" {
			at.op = 2
		}
		for _, value := range strangeValues() {
			all = append(all, at.with(fields, value))
		}
		for _, field := range fields {
			all = append(all, at.with([]string{field}, `"`+secretWord+`"`))
		}
	}
	return all
}

func fieldsOf(fields []providers.Field) []string {
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// with has the same JSON in all fields.
func (a attack) with(fields []string, value string) attack {
	a.raw = []byte(`{"` + strings.Join(fields, `":`+value+`,"`) + `":` + value + `}`)
	return a
}

func (b *besieged) read(path string) body {
	resp, err := b.HandleRequest(context.Background(), &logical.Request{Operation: logical.ReadOperation, Path: path, Storage: b.disk})
	if err != nil {
		panic(err)
	}
	return resp.Data
}

// sproutName makes the seeds of what an integration accepts.
func (b *besieged) sproutName(at attack, name string) []attack {
	var all []attack
	add := func(op logical.Operation, path, name string, data body) {
		grown := at
		grown.op, grown.family, grown.name, grown.raw = uint8(slices.Index(fuzzedOperations(), op)), uint8(slices.Index(families(), path)), name, encoded(data)
		all = append(all, grown)
	}
	for _, path := range families() {
		if strings.Contains(path, "/*") {
			add(logical.UpdateOperation, path, "", nil)
			add(logical.ReadOperation, path, "", nil)
		}
	}
	add(logical.DeleteOperation, "integrations/*", "", nil)
	add(logical.DeleteOperation, "creds/*", "", nil)
	if form := b.forms[name]; form != nil {
		add(logical.UpdateOperation, "reauth/*", "", form)
		add(logical.UpdateOperation, "validate/*", "", form)
		wrong := maps.Clone(form)
		for field := range wrong {
			if field != "email" && field != "username" {
				wrong[field] = secretWord
			}
		}
		add(logical.UpdateOperation, "reauth/*", "", wrong)
	}
	add(logical.UpdateOperation, "creds/*/report", "", body{"fingerprint": fingerprintWord, "status_code": 401, "remaining": 5, "reset_at": 1900000000, "resource": "core"})
	add(logical.CreateOperation, "integrations/*", "new", without(without(b.seeded[name], "ca_cert"), "proxy_url"))
	add(logical.UpdateOperation, "integrations/*", "", body{"description": secretWord, "labels": body{"a": secretWord}, "pin_identity": true, "health_check_interval": "1h"})
	add(logical.UpdateOperation, "config", "", body{"creds_ttl": 60, "history_limit": 1, "allowed_hosts": []any{secretWord + ".example.com"}})
	add(logical.ReadOperation, "oauth/callback", "", body{"state": stateWord, "code": codeWord})
	add(logical.ReadOperation, "oauth/callback", "", body{"state": stateWord, "code": secretWord})
	add(logical.UpdateOperation, "oauth/callback", "", body{"state": stateWord, "code": codeWord, "confirmation": confirmationWord})
	add(logical.UpdateOperation, "oauth/callback", "", body{"state": stateWord, "code": codeWord, "confirmation": secretWord})
	add(logical.UpdateOperation, "oauth/callback", "", body{"state": stateWord, "code": codeWord})
	add(logical.UpdateOperation, "oauth/callback", "", body{"state": stateWord, "error": "access_denied"})
	add(logical.ReadOperation, "oauth/callback", "", body{"state": stateWord, "error": "access_denied"})
	add(logical.ReadOperation, "creds/*", "", body{"resource": "graphql"})
	add(logical.ReadOperation, "creds/*", "", body{"version": "7", "wait": "30s"})
	add(logical.ReadOperation, "creds/*", "", body{"fingerprint": fingerprintWord + "0", "wait": "61"})
	return all
}

func strangeNames() []string {
	return []string{
		"..", "a..b", "a%2Fb", "%2e%2e", "a/b", "a/../b", "new/", "UPPER", "ä", "\u202e", "a b", "a\x00b", "a\nb", "\xff\xfe",
		strings.Repeat("a", 128), strings.Repeat("a", 129), strings.Repeat("a", 10_000), "nobody", ".", "-", secretWord, "report", "authorize", "callback",
	}
}

// strangeValues are JSON.
func strangeValues() []string {
	return []string{
		`null`, `true`, `"true"`, `""`, `" "`, `"SECRET"`, `"SECRET\u0000"`, `["SECRET"]`, `[["SECRET"]]`, `{"SECRET":"SECRET"}`, `{"a":{"b":["SECRET"]}}`, `"SECRET=SECRET"`,
		`0`, `-0`, `-1`, `0.5`, `1e400`, `1e30`, `9223372036854775808`, `"NaN"`, `"9999999999h"`, `"1d"`, `[]`, `{}`, `"https://SECRET@example.com"`, `"https://example.com"`,
	}
}

func encoded(data body) []byte {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err) // a seed is wrong
	}
	return raw
}

// Every operation of every path has a seed that is accepted.
func TestSeedsReachEveryOperation(t *testing.T) {
	b := besiege(t)
	defer func() { b.close() }()
	accepted := map[string]int{}
	for _, seed := range seeds(b) {
		req := seed.request(b)
		route := b.Route(req.Path)
		if route == nil || route.Operations[req.Operation] == nil {
			continue
		}
		resp, err := b.HandleRequest(t.Context(), req)
		if err == nil && !resp.IsError() {
			accepted[string(req.Operation)+" "+route.Pattern]++
		}
		if !b.restore(t, b.changed(t)) {
			b.close()
			b = besiege(t)
		}
	}
	for _, path := range paths(b.engine) {
		for op := range path.Operations {
			assert.Positive(t, accepted[string(op)+" "+path.Pattern], "%s %s", op, path.Pattern)
		}
	}
}
