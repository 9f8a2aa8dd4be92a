package sei

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
)

// recorded are events of every type, as Vault gets them.
func recorded(t *testing.T) []map[string]any {
	t.Helper()
	log := &eventLog{}
	m := withEvents(t, log)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "wrong"}, 400, "credential_rejected")
	m.write(t, "rollback/jira", nil)
	m.refused(t, logical.UpdateOperation, "rotate/jira", nil, 400, "rotate_unsupported")
	m.jira.Revoke("key-1")
	m.write(t, "health/jira", nil)
	// What needs another upstream, and days.
	m.emit(t.Context(), backend.Event{Type: backend.EventRotate, Integration: "jira", Provider: "jira", Version: 4, Status: backend.StatusHealthy})
	m.emit(t.Context(), backend.Event{Type: backend.EventExpiring, Integration: "jira", Provider: "jira", Version: 4, DaysLeft: 7, Fingerprint: "3bca3d370d2b6cce"})
	return log.sent
}

// Every event has what Vault and its clients expect, whatever it tells of.
func TestEveryEventSaysWhereAndWhat(t *testing.T) {
	types := map[any]bool{}
	for _, sent := range recorded(t) {
		types[sent["type"]] = true
		kind, _ := sent["type"].(string)
		assert.Equal(t, strings.TrimPrefix(kind, "sei/"), sent["operation"], kind)
		assert.Equal(t, "jira", sent["name"], kind)
		assert.Equal(t, sent["path"], sent["data_path"], kind)
		about := "creds/jira"
		if kind == "sei/health-changed" || kind == "sei/expiring" {
			about = "health/jira"
		}
		assert.Equal(t, about, sent["path"], kind)
		modified, isText := sent["modified"].(string)
		assert.True(t, isText)
		swapped := slices.Contains([]string{"sei/reauth", "sei/rollback", "sei/rotate"}, kind) && sent["code"] == ""
		assert.Equal(t, strconv.FormatBool(swapped), modified, "%s %s", kind, sent["code"])
	}
	assert.Equal(t, map[any]bool{
		"sei/reauth": true, "sei/reauth-failed": true, "sei/rollback": true, "sei/rotate": true, "sei/health-changed": true, "sei/expiring": true,
	}, types)
}

// delivered is an event as a subscriber gets it: Vault puts the mount before its paths
// (vault/eventbus/bus.go, patchMountPath).
func delivered(sent map[string]any, mount string) map[string]any {
	event := maps.Clone(sent)
	for _, field := range []string{"path", "data_path"} {
		if within, ok := event[field].(string); ok {
			event[field] = path.Join(mount, within)
		}
	}
	return event
}

// operatorRoute is the key under which Vault Secrets Operator 1.6 looks for the resources
// that an event concerns, "" if for none: its SharedWebSocket.routeEvent, for engines that
// are neither KV nor leases.
func operatorRoute(event map[string]any, mount string) string {
	if event["modified"] != "true" {
		return ""
	}
	mount = strings.TrimSuffix(mount, "/")
	name, _ := event["name"].(string)
	if name == "" || mount == "" { // as of servers that do not name the mount
		where, _ := event["path"].(string)
		parts := strings.SplitN(where, "/", 3)
		if len(parts) < 3 {
			return ""
		}
		mount, name = parts[0], parts[2]
	}
	return mount + "/" + name
}

// operatorKey is the key of a resource: its buildVaultEventKey.
func operatorKey(mount, read string) string { return mount + "/" + path.Base(read) }

// A swap reaches the resource of Vault Secrets Operator that reads the credential, and
// nothing else makes it read again.
func TestVaultSecretsOperatorIsTold(t *testing.T) {
	for _, mount := range []string{"sei", "team/tools"} {
		for _, sent := range recorded(t) {
			kind, _ := sent["type"].(string)
			// A mount of the type sei is subscribed to as sei*.
			assert.True(t, matches("sei*", kind), kind)
			event := delivered(sent, mount)
			want := ""
			if sent["modified"] == "true" {
				want = operatorKey(mount, "creds/jira")
			}
			assert.Equal(t, want, operatorRoute(event, mount+"/"), kind)
			assert.NotEqual(t, operatorKey(mount, "creds/other"), operatorRoute(event, mount+"/"))
			if mount == "sei" {
				assert.Equal(t, want, operatorRoute(event, ""), "%s from a server that does not name the mount", kind)
			}
		}
	}
}

// grant is a rule of a policy that lets a subscriber receive events.
type grant struct {
	path  string
	types []string
}

// matches is Vault's, of patterns that end in an asterisk or have none.
func matches(pattern, text string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return text == pattern || open && strings.HasPrefix(text, prefix)
}

// receives is Vault's rule: the token has subscribe on the path of the event, for its type.
// Servers that do not know path yet judge by data_path, and nobody but root receives an
// event that lacks it. https://developer.hashicorp.com/vault/docs/concepts/events#policies
func receives(event map[string]any, judgedBy string, policy []grant) bool {
	where, _ := event[judgedBy].(string)
	kind, _ := event["type"].(string)
	return where != "" && slices.ContainsFunc(policy, func(g grant) bool {
		return matches(g.path, where) && slices.ContainsFunc(g.types, func(t string) bool { return matches(t, kind) })
	})
}

// The policies of docs/operations.md receive what they say, on older and newer servers.
func TestWhoMayReceiveEvents(t *testing.T) {
	everything := []grant{{"sei/creds/*", []string{"sei/*"}}, {"sei/health/*", []string{"sei/*"}}}
	worker := []grant{{"sei/creds/jira", []string{"sei/*"}}}
	for _, sent := range recorded(t) {
		event := delivered(sent, "sei/")
		for _, judgedBy := range []string{"path", "data_path"} {
			require.True(t, receives(event, judgedBy, everything), "%v", event)
			aboutHealth := sent["path"] == "health/jira"
			assert.Equal(t, !aboutHealth, receives(event, judgedBy, worker), "%v", event)
			assert.False(t, receives(event, judgedBy, []grant{{"sei/creds/other", []string{"sei/*"}}}))
			assert.False(t, receives(event, judgedBy, []grant{{"sei/*", []string{"kv*"}}}))
		}
	}
}
