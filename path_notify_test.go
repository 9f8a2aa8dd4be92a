package sei

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/providertest"
)

const hookPath = "/hook/canary-of-the-hook-0123456789"

// channel is a receiver of notifications on loopback. What it was sent can be taken from
// said, after the answer.
type channel struct {
	*httptest.Server
	said chan string

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newChannel(t *testing.T) *channel {
	t.Helper()
	c := &channel{said: make(chan string, 1000)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all strings.Builder
		_ = r.Header.Write(&all)
		body, _ := io.ReadAll(r.Body)
		c.said <- all.String() + string(body)
		c.mu.Lock()
		answer := c.answer
		c.answer = nil
		c.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// answersFirst makes it answer the next message so, nil for to take it.
func (c *channel) answersFirst(answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// hears waits for a message that holds all parts, and returns it.
func (c *channel) hears(t *testing.T, parts ...string) string {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case text := <-c.said:
			all := true
			for _, part := range parts {
				all = all && strings.Contains(text, part)
			}
			if all {
				return text
			}
		case <-timeout:
			require.Fail(t, "no such message", "%q", parts)
		}
	}
}

func (c *channel) hook() string { return c.URL + hookPath }

// withLog is withJira, whose engine runs and writes to the log.
func withLog(t *testing.T, log io.Writer) *mount {
	t.Helper()
	m := withJira(t)
	m.Cleanup(t.Context())
	m.engine = newEngine(m.storage, catalog.All("test"), time.Now)
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{
		StorageView: m.storage, System: &logical.StaticSystemView{PluginEnvironment: &logical.PluginEnvironment{}},
		Logger: hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Trace}),
	}))
	e := m.engine
	t.Cleanup(func() { e.Cleanup(t.Context()) })
	require.NoError(t, m.initialize(t.Context(), nil))
	return m
}

// A credential that is revoked is told of, and so is that another one works; neither what
// is sent, nor an answer, nor the log holds a secret.
func TestTargetsAreTold(t *testing.T) {
	log := &serverLog{}
	m, c := withLog(t, log), newChannel(t)
	m.write(t, "notify/ops", body{"url": c.hook(), "settle": 0, "events": "needs_reauth,recovered,reauth", "signing_key": fuzzSigningKey})
	m.jira.Revoke("key-1")
	m.write(t, "health/jira", nil)
	said := c.hears(t, `"type":"sei.needs_reauth"`, `"integration":"jira"`, `"code":"credential_rejected"`, "Webhook-Signature: v1,", "User-Agent: vault-plugin-secrets-sei/")
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	said += c.hears(t, `"type":"sei.reauth"`, `"version":2`)
	said += c.hears(t, `"type":"sei.recovered"`, `"previous_status":"needs_reauth"`)
	read := m.read(t, "notify/ops")
	assert.NotEmpty(t, read["last_delivered_at"])
	assert.Equal(t, strings.TrimPrefix(c.URL, "http://"), read["host"])
	secrets := append(m.jira.Secrets(), providertest.Secret{Kind: "hook", Value: hookPath}, providertest.Secret{Kind: "key", Value: fuzzSigningKey})
	assertSecretless(t, secrets, said, fmt.Sprint(read), "log: "+log.text.String())
}

// What an operator does to an integration is told at once, and not with the next look at all.
func TestTargetsHearOfWritesAtOnce(t *testing.T) {
	m, c := withLog(t, &serverLog{}), newChannel(t)
	m.write(t, "notify/ops", body{"url": c.hook(), "settle": 0, "events": "needs_reauth,forget", "labels": "team=ops"})
	m.jira.Revoke("key-1")
	m.write(t, "health/jira", nil)
	m.write(t, "integrations/jira", body{"labels": "team=ops"})
	c.hears(t, `"type":"sei.needs_reauth"`, `"code":"credential_rejected"`)
	m.do(t, logical.DeleteOperation, "creds/jira", nil)
	c.hears(t, `"type":"sei.forget"`)
}

// A receiver that does what a network does gets every change all the same, with one id.
func TestAReceiverOnLoopbackThatFails(t *testing.T) {
	layer.Check(t, "how a receiver is told that drops connections, stalls, or answers 500 or 429, in real time")
	t.Parallel()
	log := &serverLog{}
	m := withLog(t, log)
	m.write(t, "config", body{"allowed_hosts": "http://127.0.0.1"})
	channels := map[string]*channel{}
	for name, answer := range map[string]http.HandlerFunc{
		"drops":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"stalls": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"breaks": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"limits": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "6")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"healthy": nil,
	} {
		channels[name] = newChannel(t)
		channels[name].answersFirst(answer)
		m.write(t, "notify/"+name, body{"url": channels[name].hook(), "settle": 0})
	}
	m.jira.Revoke("key-1")
	begun := time.Now()
	m.write(t, "health/jira", nil)
	channels["healthy"].hears(t, "sei.needs_reauth")
	assert.Less(t, time.Since(begun), 5*time.Second, "the others do not hold it up")
	for name, c := range channels {
		if name == "healthy" {
			continue
		}
		first := c.hears(t, "sei.needs_reauth")
		again := c.hears(t, "sei.needs_reauth")
		assert.Equal(t, idOf(first), idOf(again), name)
		assert.NotEmpty(t, idOf(first), name)
	}
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	for _, c := range channels {
		c.hears(t, "sei.recovered")
	}
	assert.Zero(t, log.lines(hookPath))
}

func idOf(message string) string {
	_, rest, _ := strings.Cut(message, "Webhook-Id: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

// What a target takes is strict, and what is secret does not read back.
func TestTargetsAreStrict(t *testing.T) {
	m := newMount(t)
	url := "http://127.0.0.1:1" + hookPath
	for name, c := range map[string]struct {
		sent body
		code string
	}{
		"no url":                  {body{"format": "slack"}, "missing_field"},
		"a blank url":             {body{"url": " "}, "invalid_field"},
		"links that lead nowhere": {body{"url": url, "invite": true}, "missing_field"},
		"a credential":            {body{"url": url, "api_key": "canary"}, "field_not_allowed"},
		"another format":          {body{"url": url, "format": "xml"}, "invalid_field"},
		"another event":           {body{"url": url, "events": "needs_reauth,all"}, "invalid_field"},
		"a pattern that is none":  {body{"url": url, "integrations": "jira-[a"}, "invalid_field"},
		"a short key":             {body{"url": url, "signing_key": "whsec_c2hvcnQ="}, "invalid_field"},
		"a list for the url":      {body{"url": []any{url}}, "invalid_field"},
		"a user in the url":       {body{"url": "https://ada:canary@chat.example.com/"}, "invalid_field"},
		"a fragment":              {body{"url": "https://chat.example.com/#canary"}, "invalid_field"},
		"metadata of a cloud":     {body{"url": "https://169.254.169.254/canary"}, "address_not_allowed"},
		"no encryption":           {body{"url": "http://10.0.0.1/canary"}, "address_not_allowed"},
		"a proxy of its own":      {body{"url": url, "proxy_url": "http://169.254.169.254:80"}, "address_not_allowed"},
	} {
		refused := m.refused(t, logical.UpdateOperation, "notify/ops", c.sent, 400, c.code)
		assert.NotContains(t, refused.message, "canary", name)
		assert.Equal(t, 404, m.do(t, logical.ReadOperation, "notify/ops", nil).status, "%s: nothing was written", name)
	}
	m.write(t, "notify/ops", body{"url": url, "labels": body{"team": "a"}, "settle": "2m"})
	read := m.read(t, "notify/ops")
	assert.Equal(t, true, read["url_set"])
	assert.Equal(t, "127.0.0.1:1", read["host"])
	assert.Equal(t, false, read["signing_key_set"])
	assert.Equal(t, "json", read["format"])
	assert.EqualValues(t, 120, read["settle"])
	assert.Equal(t, []string{"needs_reauth", "degraded", "unreachable", "expiring", "recovered", "rotation_failed"}, read["events"])
	assert.NotContains(t, fmt.Sprint(read), "canary")
	m.refused(t, logical.UpdateOperation, "notify/ops", body{"proxy_url": "http://127.0.0.1:3128"}, 400, "missing_field")
	list := m.ok(t, logical.ListOperation, "notify/", nil).data
	assert.Equal(t, []string{"ops"}, list["keys"])
	assert.Equal(t, map[string]any{"ops": map[string]any{
		"host": "127.0.0.1:1", "format": "json", "last_delivered_at": "", "last_failure": "", "last_failure_at": "", "pending": 0,
	}}, list["key_info"])
	m.refused(t, logical.UpdateOperation, "notify/ops/test", body{"url": url}, 400, "field_not_allowed")
	m.refused(t, logical.UpdateOperation, "notify/ops/test", nil, 502, "upstream_unreachable")
	assert.Contains(t, m.read(t, "notify/ops")["last_failure"], "refused the connection")
	m.refused(t, logical.UpdateOperation, "notify/none/test", nil, 404, "unknown_target")
	m.ok(t, logical.DeleteOperation, "notify/ops", nil)
	assert.Equal(t, 404, m.do(t, logical.ReadOperation, "notify/ops", nil).status)
}

// Where storage refuses writes, people are told, and status says what goes wrong until it
// is over.
func TestTargetsAreToldWhereStorageRefuses(t *testing.T) {
	u := newUnattended(t)
	posted := make(chan string, 10)
	u.upstream.mood.Store("")
	u.registry.Posts(posting(posted))
	u.Cleanup(t.Context())
	u.engine = newEngine(u.storage, u.registry, time.Now)
	require.NoError(t, u.Setup(t.Context(), &logical.BackendConfig{StorageView: u.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: u.log})}))
	e := u.engine
	t.Cleanup(func() { e.Cleanup(t.Context()) })
	u.send(t, logical.UpdateOperation, "notify/ops", body{"url": "https://chat.example.com" + hookPath, "settle": 0})
	u.storage.refuses.Store(true)
	u.upstream.mood.Store("refuses")
	require.NoError(t, u.initialize(t.Context(), nil))
	_, err := u.HandleRequest(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "health/a", Storage: u.storage})
	require.NoError(t, err)
	select {
	case text := <-posted:
		require.Contains(t, text, "sei.needs_reauth")
	case <-time.After(30 * time.Second):
		require.Fail(t, "it is told with the next look at all only")
	}
	warned := func() bool {
		return strings.Contains(fmt.Sprint(u.send(t, logical.ReadOperation, "status", nil).Warnings), "telling notify/ops fails since")
	}
	require.Eventually(t, warned, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, 1, u.log.lines("telling notify/ops"))
	assert.Zero(t, u.log.lines("chat.example.com"))
	u.storage.refuses.Store(false)
	require.Eventually(t, func() bool { return !warned() }, 20*time.Second, 50*time.Millisecond)
	assert.Equal(t, 2, u.log.lines("telling notify/ops"), "and that it is over")
	assert.Empty(t, posted, "it was told once")
}

// posting is a receiver in this process.
type posting chan string

func (posting) Check(providers.Posting) error { return nil }

func (p posting) Post(_ context.Context, m providers.Posting) (providers.Posted, error) {
	p <- string(m.Body)
	return providers.Posted{Status: http.StatusOK}, nil
}
