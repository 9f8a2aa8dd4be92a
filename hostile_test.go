package sei

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// siege is a request that must be refused: the JSON in the field of the path.
type siege struct {
	path, field, raw string
	// says is what the refusal says of the field: its limit or what it must be.
	says string
}

// big is text of 1 MiB that is easy to find.
func big() string { return strings.Repeat(marked+"_", 1<<20/(len(marked)+1)) }

func quoted(text string) string { return `"` + text + `"` }

// tenThousand repeats JSON, as an array.
func tenThousand(element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", 10_000), ",") + "]"
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func sieges() map[string]siege {
	const whole, duration = "must be a whole number", "must be a duration of whole seconds"
	manyLabels := map[string]string{}
	for range 10_000 {
		manyLabels[strings.Repeat("k", len(manyLabels)%200+1)+string(rune('a'+len(manyLabels)/200))] = marked
	}
	labels, _ := json.Marshal(manyLabels)
	return map[string]siege{
		"a text of 1 MiB":                    {"integrations/jira", "description", quoted(big()), "4096 bytes"},
		"a url of 1 MiB":                     {"integrations/jira", "url", quoted("https://" + big()), "4096 bytes"},
		"certificates of 1 MiB":              {"integrations/jira", "ca_cert", quoted(big()), "65536 bytes"},
		"a list of one element of 1 MiB":     {"integrations/github", "organizations", quoted(big()), "256 bytes"},
		"an element of 1 MiB":                {"integrations/github", "organizations", `["acme","` + big() + `"]`, "256 bytes"},
		"a label of 1 MiB":                   {"integrations/jira", "labels", `{"a":"` + big() + `"}`, "256 bytes"},
		"a key of a label of 1 MiB":          {"integrations/jira", "labels", `{"` + big() + `":"a"}`, "256 bytes"},
		"a flag of 1 MiB":                    {"integrations/jira", "pin_identity", quoted(big()), "must be true or false"},
		"a duration of 1 MiB":                {"integrations/jira", "rotate_before", quoted(big()), "64 bytes"},
		"a client secret of 1 MiB":           {"integrations/bb", "client_secret", quoted(big()), "16384 bytes"},
		"a redirect of 1 MiB":                {"integrations/bb", "redirect_uri", quoted("https://" + big()), "4096 bytes"},
		"a provider of 1 MiB":                {"integrations/new", "provider", quoted(big()), "must be one of"},
		"a choice of 1 MiB":                  {"integrations/azure_devops", "service", quoted(big()), "must be one of"},
		"a host of 1 MiB":                    {"config", "allowed_hosts", quoted(big()), "256 bytes"},
		"a duration of the mount of 1 MiB":   {"config", "creds_ttl", quoted(big()), "64 bytes"},
		"a count of 1 MiB":                   {"config", "history_limit", quoted(big()), "64 bytes"},
		"a secret of 1 MiB":                  {"reauth/gitlab", "pat", quoted(big()), "16384 bytes"},
		"a secret to validate of 1 MiB":      {"validate/gitlab", "pat", quoted(big()), "16384 bytes"},
		"a token of a pool of 1 MiB":         {"reauth/github", "pat", quoted(big()), "16384 bytes"},
		"a fingerprint of 1 MiB":             {"creds/jira/report", "fingerprint", quoted(big()), "4096 bytes"},
		"10,000 labels":                      {"integrations/jira", "labels", string(labels), "100 pairs"},
		"10,000 labels as pairs":             {"integrations/jira", "labels", tenThousand(quoted(marked + "=x")), "100 pairs"},
		"a list of 10,000":                   {"integrations/github", "organizations", tenThousand(quoted(marked)), "200 elements"},
		"10,000 hosts":                       {"config", "allowed_hosts", tenThousand(quoted(marked + ".example.com")), "200 elements"},
		"10,000 tokens":                      {"reauth/github", "pat", tenThousand(quoted(marked)), "100 tokens"},
		"8 Mi commas for a pool":             {"reauth/github", "pat", quoted(strings.Repeat(",", 8<<20)), "100 tokens"},
		"8 Mi commas for a list":             {"integrations/github", "organizations", quoted(strings.Repeat(",", 8<<20)), "200 elements"},
		"8 Mi commas for labels":             {"integrations/jira", "labels", quoted(strings.Repeat(",", 8<<20)), "100 pairs"},
		"5,000 arrays in each other":         {"integrations/jira", "labels", nested(5_000), "key=value pairs"},
		"5,000 arrays for a secret":          {"reauth/gitlab", "pat", nested(5_000), "must be a string"},
		"5,000 arrays in a pool":             {"reauth/github", "pat", nested(5_000), "strings as elements"},
		"a number beyond all floats":         {"config", "history_limit", "1e400", whole},
		"a number beyond 64 bits":            {"config", "history_limit", "9223372036854775808", whole},
		"a number beyond a float's ones":     {"config", "history_limit", "9007199254740994", "must be"},
		"a negative number":                  {"config", "history_limit", "-1", "must be between"},
		"half a number":                      {"config", "history_limit", "1.5", whole},
		"no number":                          {"config", "history_limit", `"NaN"`, whole},
		"infinity":                           {"config", "history_limit", `"+Inf"`, whole},
		"a hexadecimal number":               {"config", "history_limit", `"0x10"`, whole},
		"half a second":                      {"config", "creds_ttl", "1.5", duration},
		"a duration that is no number":       {"config", "creds_ttl", `"NaN"`, duration},
		"a duration beyond all floats":       {"config", "creds_ttl", "1e400", duration},
		"seconds that overflow":              {"config", "creds_ttl", "36028797018964058", "must be"}, // 90 s modulo 2^64 ns
		"days that overflow":                 {"config", "creds_ttl", `"213503982334601d"`, duration},
		"hours that overflow":                {"config", "creds_ttl", `"9999999999999h"`, duration},
		"a flag as another word":             {"integrations/jira", "pin_identity", `"yes"`, "must be true or false"},
		"a flag as a number":                 {"integrations/jira", "pin_identity", "1", "must be true or false"},
		"a text as a number":                 {"integrations/jira", "description", "4815162342", "must be a string"},
		"a secret as a number":               {"reauth/gitlab", "pat", "4815162342", "must be a string"},
		"a secret as a flag":                 {"reauth/gitlab", "pat", "true", "must be a string"},
		"null as a text":                     {"integrations/jira", "description", "null", "must not be null"},
		"null as labels":                     {"integrations/jira", "labels", "null", "must not be null"},
		"null as a list":                     {"integrations/github", "organizations", "null", "must not be null"},
		"null as a flag":                     {"integrations/jira", "pin_identity", "null", "must not be null"},
		"null as a duration":                 {"integrations/jira", "rotate_before", "null", "must not be null"},
		"null as a secret":                   {"reauth/gitlab", "pat", "null", "must not be null"},
		"null as a client's secret":          {"integrations/bb", "client_secret", "null", "must not be null"},
		"null in a list":                     {"integrations/github", "organizations", "[null]", "strings as elements"},
		"null as a label":                    {"integrations/jira", "labels", `{"a":null}`, "strings as values"},
		"null as a setting of the mount":     {"config", "creds_ttl", "null", "must not be null"},
		"null as a fingerprint":              {"creds/jira/report", "fingerprint", "null", "must not be null"},
		"a zero byte in a secret":            {"reauth/gitlab", "pat", `"` + marked + `\u0000"`, "control characters"},
		"a text that turns right to left":    {"integrations/jira", "description", `"\u0085"`, "control characters"},
		"an object for a text":               {"integrations/jira", "description", `{"` + marked + `":1}`, "must be a string"},
		"a key with two values, a bad last":  {"config", "creds_ttl", `60,"creds_ttl":"` + marked + `"`, duration},
		"a status of no HTTP answer":         {"creds/jira/report", "status_code", "1000", "must be between"},
		"a moment that cannot be":            {"creds/jira/report", "reset_at", "1e300", "must be a time"},
		"a moment of 1 MiB":                  {"creds/jira/report", "reset_at", quoted(big()), "64 bytes"},
		"a resource of 1 MiB":                {"creds/jira/report", "resource", quoted(big()), "4096 bytes"},
		"a resource that is none":            {"creds/jira/report", "resource", quoted("A" + marked), "short name in small letters"},
		"an expiry of 1 MiB":                 {"reauth/jira", "expires_at", quoted(big()), "64 bytes"},
		"an expiry beyond what RFC 3339 can": {"reauth/jira", "expires_at", `"9999-12-31T23:59:59-12:00"`, "year 9999"},
	}
}

// request is the siege with whatever else the path needs.
func (s siege) request(t *testing.T, b *besieged, numbers bool) *logical.Request {
	t.Helper()
	data := body{}
	decoder := json.NewDecoder(strings.NewReader(`{"` + s.field + `":` + s.raw + `}`))
	if numbers {
		decoder.UseNumber()
	}
	if err := decoder.Decode(&data); err != nil {
		t.Skip("JSON has no such float")
	}
	name, inPath := strings.CutPrefix(s.path, "reauth/")
	if inPath {
		for field, value := range b.forms[name] {
			if field != s.field {
				data[field] = value
			}
		}
	}
	if strings.HasSuffix(s.path, "/report") && s.field != "fingerprint" {
		data["fingerprint"] = b.served["jira"]["fingerprint"]
	}
	return &logical.Request{Operation: logical.UpdateOperation, Path: s.path, Data: data, Storage: b.disk}
}

// Every value that is too large, too many or of the wrong type is refused by the name of
// its field and its limit, is not repeated, changes nothing, reaches nobody, and takes
// little more memory than it came with.
func TestHostileValues(t *testing.T) {
	b := besiege(t)
	defer b.close()
	documented := documentedCodes(t)
	b.restore(t, nil)
	for name, s := range sieges() {
		for how, numbers := range map[string]bool{"as Vault reads it": true, "as a plugin gets it": false} {
			t.Run(name+", "+how, func(t *testing.T) {
				req := s.request(t, b, numbers)
				allocated := heapAllocated()
				resp, err := b.HandleRequest(t.Context(), req)
				assert.Less(t, heapAllocated()-allocated, uint64(8<<20), "bytes allocated")
				require.NoError(t, err)
				require.True(t, resp.IsError())
				tellsNothing(t, b, req, resp, err)
				answersAsDocumented(t, b, documented, req, resp, err)
				said := resp.Error().Error()
				assert.Regexp(t, "^invalid_field: .*"+s.field, said)
				assert.Contains(t, said, s.says)
				assert.Less(t, len(said), 600)
				assert.NotContains(t, said, "4815162342")
				assert.Empty(t, b.changed(t))
				for fake, upstream := range b.world.Fakes() {
					assert.Empty(t, upstream.Requests(), fake)
				}
			})
		}
	}
}

// A thousand such requests leave nothing behind.
func TestHostileCallersTakeNoMemory(t *testing.T) {
	b := besiege(t)
	defer b.close()
	requests := []*logical.Request{
		{Operation: logical.ReadOperation, Path: callbackPath, Data: body{"state": big(), "code": big()}, Storage: b.disk},
		{Operation: logical.UpdateOperation, Path: callbackPath, Data: body{"state": big(), "code": big(), "confirmation": big()}, Storage: b.disk},
	}
	for name, s := range sieges() {
		if !strings.Contains(name, "beyond all floats") {
			requests = append(requests, s.request(t, b, false))
		}
	}
	storm := func(most int) {
		for sent := range most {
			_, _ = b.HandleRequest(t.Context(), requests[sent%len(requests)])
			name := fmt.Sprint("nobody-", sent)
			_, _, _ = b.HandleExistenceCheck(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "integrations/" + name, Storage: b.disk})
			_, _ = b.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: "creds/" + name, Storage: b.disk})
		}
	}
	storm(len(requests)) // what is kept once
	before := heapInUse()
	storm(1_000)
	assert.Less(t, heapInUse()-before, int64(1<<20), "bytes kept")
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Names that are none reach no other integration and no other path.
func TestHostileNames(t *testing.T) {
	b := besiege(t)
	defer b.close()
	for _, name := range []string{
		"..", ".", "../jira", "%2e%2e", "jira%2F", "jira%2Freport", "jira/../github", "jira/", "jira//", "/jira", "JIRA", "jir\u0430", "jira\u200b", "jira\x00", "jira\n",
		"\xff\xfe", "-jira", "jira-", "jira.", strings.Repeat("a", 129), strings.Repeat("a", 10_000), "a..b", "",
	} {
		for _, family := range []string{"reauth/", "validate/", "creds/", "history/", "rotate/", "rollback/", "oauth/authorize/", "health/", "integrations/"} {
			for _, op := range []logical.Operation{logical.ReadOperation, logical.UpdateOperation, logical.DeleteOperation} {
				req := &logical.Request{Operation: op, Path: family + name, Storage: b.disk}
				resp, err := b.HandleRequest(t.Context(), req)
				switch {
				case err == nil && !resp.IsError() && op == logical.DeleteOperation && family == "integrations/": // of what is not there
				default:
					require.True(t, err != nil || resp.IsError(), "%s %.99q", op, req.Path)
				}
				require.Empty(t, b.changed(t), "%s %.99q", op, req.Path)
			}
		}
	}
}

// The framework would name the keys that it does not know.
func TestHelpRepeatsNothing(t *testing.T) {
	m := newMount(t)
	for _, path := range []string{"reauth/jira", "config"} {
		sent := body{marked: marked, openAPIPrefix: "sei"}
		resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.HelpOperation, Path: path, Data: sent, Storage: m.storage})
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprint(resp.Data, resp.Warnings), marked)
		assert.Contains(t, resp.Data, "help")
		assert.Len(t, sent, 2)
	}
}
