package webhook

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

const canary = "canary-of-the-address"

// receiver is a webhook on loopback that a test decides about.
func receiver(t *testing.T, answer http.HandlerFunc) providers.Posting {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	allowed, err := providers.ParseAllowedHosts([]string{server.Listener.Addr().String()})
	require.NoError(t, err)
	return providers.Posting{
		URL: providers.NewSecret(server.URL + "/hook/" + canary + "?sig=" + canary), Header: map[string]string{"webhook-id": "msg_1"},
		Body: []byte(`{"type":"sei.test"}`), AllowedHosts: allowed,
		CACert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	}
}

func newPoster(t *testing.T) providers.Poster {
	t.Helper()
	client := upstream.New("test")
	t.Cleanup(client.Close)
	return New(client)
}

func TestAMessageIsPosted(t *testing.T) {
	var got *http.Request
	var body []byte
	p := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	})
	posted, err := newPoster(t).Post(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, providers.Posted{Status: http.StatusAccepted}, posted)
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "msg_1", got.Header.Get("webhook-id"))
	assert.JSONEq(t, `{"type":"sei.test"}`, string(body))
	for name, values := range got.Header {
		assert.NotContains(t, name+strings.Join(values, " "), canary)
	}
}

// An answer of any status is one, nothing is sent twice, and a redirect is not followed.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header map[string]string
		want   providers.Posted
	}{
		"broken":    {500, nil, providers.Posted{Status: 500}},
		"limited":   {429, map[string]string{"Retry-After": "17"}, providers.Posted{Status: 429, RetryAfter: 17 * time.Second}},
		"years":     {429, map[string]string{"Retry-After": "999999999"}, providers.Posted{Status: 429, RetryAfter: 24 * time.Hour}},
		"gone":      {410, nil, providers.Posted{Status: 410}},
		"elsewhere": {307, map[string]string{"Location": "/other"}, providers.Posted{Status: 307}},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			p := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				for key, value := range c.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(c.status)
			})
			posted, err := newPoster(t).Post(t.Context(), p)
			require.NoError(t, err)
			assert.Equal(t, c.want, posted)
			assert.EqualValues(t, 1, asked.Load())
		})
	}
}

// A receiver that may have got the message is told from one that cannot.
func TestNoAnswer(t *testing.T) {
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "https://" + closed.Addr().String() + "/" + canary
	require.NoError(t, closed.Close())
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		change func(*providers.Posting)
		unsent bool
		want   providers.Outcome
	}{
		"drops":          {answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: providers.Unreachable},
		"stalls":         {answer: func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, want: providers.Unreachable},
		"is away":        {change: func(p *providers.Posting) { p.URL = providers.NewSecret(nobody) }, unsent: true, want: providers.Unreachable},
		"is not trusted": {change: func(p *providers.Posting) { p.CACert = "" }, unsent: true, want: providers.Unreachable},
		"is not allowed": {change: func(p *providers.Posting) { p.AllowedHosts = providers.AllowedHosts{} }, unsent: true, want: providers.AddressNotAllowed},
		"is no address":  {change: func(p *providers.Posting) { p.URL = providers.NewSecret("https://[" + canary) }, unsent: true, want: providers.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			p := receiver(t, c.answer)
			if c.change != nil {
				c.change(&p)
			}
			if strings.Contains(p.URL.Reveal(), nobody) {
				p.AllowedHosts, err = providers.ParseAllowedHosts([]string{closed.Addr().String()})
				require.NoError(t, err)
			}
			limit := 20 * time.Second // the first handshake reads the system's certificates
			if name == "stalls" {
				limit = 500 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := newPoster(t).Post(ctx, p)
			var failed *providers.PostError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, c.want, failed.Outcome)
			assert.Equal(t, c.unsent, failed.Unsent, err.Error())
			assert.NotContains(t, err.Error(), canary)
		})
	}
}

// What can be judged before anything is sent is, and names the setting.
func TestCheck(t *testing.T) {
	good := receiver(t, nil)
	for field, change := range map[string]func(*providers.Posting){
		"":                func(*providers.Posting) {},
		"url":             func(p *providers.Posting) { p.URL = providers.NewSecret("http://10.1.2.3/" + canary) },
		"ca_cert":         func(p *providers.Posting) { p.CACert = "not PEM" },
		"proxy_url":       func(p *providers.Posting) { p.ProxyURL = "http://169.254.169.254:80" },
		"tls_server_name": func(p *providers.Posting) { p.ServerName = "a..b" },
	} {
		p := good
		change(&p)
		err := newPoster(t).Check(p)
		if field == "" {
			require.NoError(t, err)
			continue
		}
		var refused *providers.Error
		require.ErrorAs(t, err, &refused, field)
		assert.Equal(t, []string{field}, refused.Fields)
		assert.NotContains(t, err.Error(), canary)
	}
}
