package sei

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

// seeds are for every path and operation: nothing, each documented field with values of
// all types, and what is accepted.
func seeds(b *besieged) []attack {
	var all []attack
	for family, path := range families() {
		for op, operation := range fuzzedOperations() {
			at := attack{op: uint8(op), family: uint8(family), how: asNew}
			all = append(all, at)
			if operation == logical.UpdateOperation || operation == logical.ReadOperation && path == "creds/*" {
				all = append(all, sproutFields(b, at, path)...)
			}
		}
	}
	for who, name := range b.names {
		at := attack{who: uint8(who), how: asFloats}
		all = append(all, b.sproutName(at, name)...)
	}
	for _, name := range strangeNames() {
		for family := range families() {
			all = append(all, attack{family: uint8(family), name: name, op: 2}, attack{family: uint8(family), name: name, raw: []byte(`{"provider":"github"}`)})
		}
	}
	return all
}

// sproutFields makes one seed for each field and value, and one of all fields.
func sproutFields(b *besieged, at attack, path string) []attack {
	route := b.Route(strings.Replace(path, "*", b.names[0], 1))
	if route == nil {
		return nil
	}
	var all []attack
	whole := body{}
	for _, field := range slices.Sorted(maps.Keys(fieldsOf(route))) {
		whole[field] = secretWord
		for _, value := range strangeValues() {
			grown := at
			grown.raw = []byte(`{"` + field + `":` + value + `}`)
			all = append(all, grown)
		}
	}
	at.raw = encoded(whole)
	return append(all, at)
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
			for _, op := range fuzzedOperations()[:5] {
				add(op, path, "", nil)
			}
		}
	}
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
	add(logical.ReadOperation, "oauth/callback", "", body{"state": stateWord, "error": "access_denied"})
	add(logical.ReadOperation, "creds/*", "", body{"resource": "graphql"})
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
