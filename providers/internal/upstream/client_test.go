package upstream_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func asUpstream(err error, into **upstream.Error) bool { return errors.As(err, into) }

// secret and words must never appear in an error.
const (
	secret = "s3cr3t-t0ken"
	words  = "words-of-the-upstream"
)

// site is a TLS server and the route to it.
type site struct {
	*httptest.Server
	route upstream.Route
	hits  atomic.Int64
}

func newSite(t *testing.T, handler http.HandlerFunc, change ...func(*httptest.Server)) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	for _, c := range change {
		c(s.Server)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	s.route = upstream.Route{CACert: pemOf(s.Certificate().Raw), AllowedHosts: allow(t, s.Listener.Addr().String())}
	return s
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (s *site) get(t *testing.T) (*upstream.Response, error) {
	t.Helper()
	return newClient(t).Do(t.Context(), s.route, get(s.URL+"/path?token="+secret))
}

// failsWith demands a kind and a clean sentence.
func failsWith(t *testing.T, err error, want upstream.Kind, parts ...string) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, want, kindOf(err), err.Error())
	for _, p := range parts {
		assert.ErrorContains(t, err, p)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown := fmt.Sprintf(verb, err)
		assert.NotContains(t, shown, secret)
		assert.NotContains(t, shown, words)
	}
}

func TestRequest(t *testing.T) {
	var seen *http.Request
	var body []byte
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a":1}`)
	})
	c := newClient(t)
	header := http.Header{"authorization": {"Bearer " + secret}, "User-Agent": {"somebody else"}}

	res, err := c.Do(t.Context(), s.route, upstream.Request{Method: http.MethodGet, URL: s.URL + "/path?q=1", Header: header, Body: []byte("x"), ReadOnly: true})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, res.Status)
	assert.Equal(t, "127.0.0.1", res.Host)
	assert.Equal(t, "vault-plugin-secrets-sei/1.2.3", seen.UserAgent())
	assert.Equal(t, "Bearer "+secret, seen.Header.Get("Authorization"))
	assert.Equal(t, "/path?q=1", seen.URL.String())
	assert.Empty(t, body, "a GET has no body")

	_, err = c.Do(t.Context(), s.route, upstream.Request{Method: http.MethodPost, URL: s.URL, Body: []byte("form=1")})
	require.NoError(t, err)
	assert.Equal(t, "form=1", string(body))
	assert.Empty(t, seen.Cookies(), "no cookie is kept")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newSite(t, func(http.ResponseWriter, *http.Request) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		res, err := s.get(t)
		require.NoError(t, err)
		assert.Equal(t, status, res.Status)
		assert.EqualValues(t, 1, s.hits.Load())
	}
	assert.Zero(t, other.hits.Load())
}

func TestRetries(t *testing.T) {
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	cases := []struct {
		name     string
		handler  http.HandlerFunc
		readOnly bool
		want     int64
	}{
		{"a 500 to a read is tried once more", status(500), true, 2},
		{"a 503 to a read is tried once more", status(503), true, 2},
		{"a 500 to a write is not", status(500), false, 1},
		{"a broken connection of a read is tried once more", abort, true, 2},
		{"a broken connection of a write is not", abort, false, 1},
		{"a 429 is never tried again", status(429), true, 1},
		{"a 401 is never tried again", status(401), true, 1},
		{"a 403 is never tried again", status(403), true, 1},
		{"a 404 is never tried again", status(404), true, 1},
		{"a redirect is never tried again", status(302), true, 1},
		{"a success is never tried again", status(200), true, 1},
		{"a large answer is never asked for again", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) }, true, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, c.handler)
			_, _ = newClient(t).Do(t.Context(), s.route, upstream.Request{Method: http.MethodPost, URL: s.URL, ReadOnly: c.readOnly, Body: []byte("x")})
			assert.Equal(t, c.want, s.hits.Load())
		})
	}
	t.Run("the second answer counts", func(t *testing.T) {
		var n atomic.Int64
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) == 1 {
				w.WriteHeader(http.StatusBadGateway)
			}
		})
		res, err := s.get(t)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, res.Status)
	})
	t.Run("without time for it there is no second attempt", func(t *testing.T) {
		s := newSite(t, status(500))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Millisecond)
		defer cancel()
		_, _ = newClient(t).Do(ctx, s.route, get(s.URL))
		assert.LessOrEqual(t, s.hits.Load(), int64(1))
	})
}

func TestSizes(t *testing.T) {
	t.Run("a body of 1 MiB is read", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
		res, err := s.get(t)
		require.NoError(t, err)
		assert.Len(t, res.Body, 1<<20)
	})
	t.Run("one byte more is too large", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20+1)) })
		_, err := s.get(t)
		failsWith(t, err, upstream.TooLarge, "1 MiB")
	})
	t.Run("a body that never ends is too large", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, words); err != nil {
					return
				}
			}
		})
		_, err := s.get(t)
		failsWith(t, err, upstream.TooLarge)
	})
	t.Run("a gzip bomb is too large", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Contains(t, r.Header.Get("Accept-Encoding"), "gzip")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			block := make([]byte, 1<<20)
			for range 64 {
				_, _ = z.Write(block)
			}
			_ = z.Close()
		})
		_, err := s.get(t)
		failsWith(t, err, upstream.TooLarge)
	})
	t.Run("a small gzipped body is read", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, "hello")
			_ = z.Close()
		})
		res, err := s.get(t)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(res.Body))
	})
	t.Run("a header bomb is too large", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat(words, 100))
			}
		})
		_, err := s.get(t)
		failsWith(t, err, upstream.TooLarge, "64 KiB")
	})
}

func TestTLS(t *testing.T) {
	nothing := func(http.ResponseWriter, *http.Request) {}
	t.Run("an unknown authority is refused, with advice", func(t *testing.T) {
		s := newSite(t, nothing)
		s.route.CACert = ""
		_, err := s.get(t)
		failsWith(t, err, upstream.TLS, "ca_cert")
		assert.Zero(t, s.hits.Load())
	})
	t.Run("the given authority is trusted instead of the system's", func(t *testing.T) {
		s := newSite(t, nothing)
		_, err := s.get(t)
		require.NoError(t, err)
	})
	t.Run("another name is refused, with advice", func(t *testing.T) {
		s := newSite(t, nothing)
		s.route.ServerName = "jira.example.net"
		_, err := s.get(t)
		failsWith(t, err, upstream.TLS, "tls_server_name")
	})
	t.Run("the name may be given", func(t *testing.T) {
		s := newSite(t, nothing)
		s.route.ServerName = "example.com"
		_, err := s.get(t)
		require.NoError(t, err)
	})
	t.Run("an expired certificate is refused", func(t *testing.T) {
		certificate, authority := expired(t)
		s := newSite(t, nothing, func(srv *httptest.Server) { srv.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} })
		s.route.CACert = authority
		_, err := s.get(t)
		failsWith(t, err, upstream.TLS, "expired")
	})
	for name, version := range map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11} {
		t.Run("TLS "+name+" is refused", func(t *testing.T) {
			s := newSite(t, nothing, func(srv *httptest.Server) { srv.TLS = &tls.Config{MinVersion: version, MaxVersion: version} })
			_, err := s.get(t)
			failsWith(t, err, upstream.TLS, "1.2")
			assert.Zero(t, s.hits.Load())
		})
	}
	t.Run("TLS 1.2 is accepted", func(t *testing.T) {
		s := newSite(t, nothing, func(srv *httptest.Server) { srv.TLS = &tls.Config{MaxVersion: tls.VersionTLS12} })
		_, err := s.get(t)
		require.NoError(t, err)
	})
	t.Run("a port without TLS is told", func(t *testing.T) {
		port, _ := counting(t)
		_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, "127.0.0.1")}, get("https://127.0.0.1:"+port))
		failsWith(t, err, upstream.TLS, "does not speak TLS")
	})
}

// expired makes a certificate for 127.0.0.1 that ended an hour ago.
func expired(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "old"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pemOf(der)
}

func TestTrouble(t *testing.T) {
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("nobody listens", func(t *testing.T) {
		_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, "127.0.0.1")}, get("https://127.0.0.1:1/?token="+secret))
		failsWith(t, err, upstream.Refused, "refused the connection")
	})
	t.Run("the time limit passes", func(t *testing.T) {
		s := newSite(t, slow)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := newClient(t).Do(ctx, s.route, get(s.URL))
		failsWith(t, err, upstream.Timeout, "time limit")
	})
	t.Run("the time limit passes in the body", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, words)
			_ = http.NewResponseController(w).Flush()
			slow(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := newClient(t).Do(ctx, s.route, get(s.URL))
		failsWith(t, err, upstream.Timeout, "time limit")
	})
	t.Run("the caller gives up", func(t *testing.T) {
		s := newSite(t, slow)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := newClient(t).Do(ctx, s.route, get(s.URL))
		failsWith(t, err, upstream.Canceled, "cancelled")
		assert.LessOrEqual(t, s.hits.Load(), int64(1))
	})
	t.Run("the body is cut short", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, words)
		})
		_, err := s.get(t)
		failsWith(t, err, upstream.Reset, "broke")
	})
	t.Run("the answer is not HTTP", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, words+" "+words+"\r\n\r\n")
				_ = conn.Close()
			}
		})
		_, err := s.get(t)
		failsWith(t, err, upstream.Reset)
	})
	t.Run("nobody asked to switch protocols", func(t *testing.T) {
		done := make(chan struct{})
		t.Cleanup(func() { close(done) })
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 "+words+"\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				go func() { <-done; _ = conn.Close() }()
			}
		})
		began := time.Now()
		_, err := s.get(t)
		failsWith(t, err, upstream.Reset)
		assert.Less(t, time.Since(began), 5*time.Second)
	})
	t.Run("what is not packed as it says is told, and asked for once", func(t *testing.T) {
		packed := bytes.NewBuffer(nil)
		z := gzip.NewWriter(packed)
		_, _ = io.WriteString(z, words)
		_ = z.Close()
		wrongSum, corrupt := bytes.Clone(packed.Bytes()), bytes.Clone(packed.Bytes())
		wrongSum[len(wrongSum)-8] ^= 1
		corrupt[10] |= 0b110 // a type of block that does not exist
		for _, body := range [][]byte{[]byte(words), []byte("{}"), wrongSum, corrupt, packed.Bytes()[:packed.Len()-9]} {
			s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(body)
			})
			_, err := s.get(t)
			failsWith(t, err, upstream.NotJSON)
			assert.EqualValues(t, 1, s.hits.Load())
		}
	})
	t.Run("a credential with a line break is not sent", func(t *testing.T) {
		s := newSite(t, slow)
		req := get(s.URL)
		req.Header = http.Header{"Authorization": {"Bearer " + secret + "\r\nX-Evil: 1"}}
		_, err := newClient(t).Do(t.Context(), s.route, req)
		failsWith(t, err, upstream.InvalidValue)
		assert.Zero(t, s.hits.Load())
	})
	t.Run("a bad method is told", func(t *testing.T) {
		s := newSite(t, slow)
		_, err := newClient(t).Do(t.Context(), s.route, upstream.Request{Method: "G ET", URL: s.URL})
		failsWith(t, err, upstream.InvalidURL)
	})
	t.Run("a closed client sends nothing", func(t *testing.T) {
		s := newSite(t, slow)
		c := upstream.New("1")
		c.Close()
		_, err := c.Do(t.Context(), s.route, get(s.URL))
		failsWith(t, err, upstream.Canceled)
	})
}

func TestProxyWordsAreNotQuoted(t *testing.T) {
	for status, part := range map[int]string{407: "407", 403: "403"} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, words, status) }))
		defer proxy.Close()
		route := upstream.Route{ProxyURL: proxy.URL, AllowedHosts: allow(t, "127.0.0.1", "jira.example.com")}
		_, err := newClient(t).Do(t.Context(), route, get("https://jira.example.com/?token="+secret))
		failsWith(t, err, upstream.Proxy, part)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var connections atomic.Int64
	s := newSite(t, func(http.ResponseWriter, *http.Request) {}, func(srv *httptest.Server) {
		srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		}
	})
	c := newClient(t)
	for range 5 {
		_, err := c.Do(t.Context(), s.route, get(s.URL))
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, connections.Load())
}

func TestCloseDropsConnections(t *testing.T) {
	var open atomic.Int64
	s := newSite(t, func(http.ResponseWriter, *http.Request) {}, func(srv *httptest.Server) {
		srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			case http.StateActive, http.StateIdle, http.StateHijacked:
			}
		}
	})
	c := upstream.New("1")
	_, err := c.Do(t.Context(), s.route, get(s.URL))
	require.NoError(t, err)
	require.EqualValues(t, 1, open.Load())
	c.Close()
	require.Eventually(t, func() bool { return open.Load() == 0 }, 5*time.Second, time.Millisecond)
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := goleak.IgnoreCurrent()
	func() {
		srv := httptest.NewTLSServer(http.NotFoundHandler())
		defer srv.Close()
		c := upstream.New("1")
		defer c.Close()
		for i := range 100 { // more routes than are kept
			route := upstream.Route{
				CACert:       pemOf(srv.Certificate().Raw) + strings.Repeat("\n", i),
				AllowedHosts: allow(t, srv.Listener.Addr().String()),
			}
			_, err := c.Do(t.Context(), route, get(srv.URL))
			require.NoError(t, err)
		}
	}()
	goleak.VerifyNone(t, before)
}

func TestJSON(t *testing.T) {
	type account struct {
		Login string `json:"login"`
	}
	cases := []struct {
		name, contentType, body string
		ok                      bool
	}{
		{"JSON", "application/json", `{"login":"mia"}`, true},
		{"JSON with a charset", "application/json;charset=UTF-8", `{"login":"mia"}`, true},
		{"a vendor's JSON", "application/vnd.github+json", ` {"login":"mia"} ` + "\n", true},
		{"odd parameters", "application/json; charset", `{"login":"mia"}`, true},
		{"HTML", "text/html", `{"login":"mia"}`, false},
		{"HTML labelled JSON", "application/json", `<html>`, false},
		{"no content type", "", `{"login":"mia"}`, false},
		{"text that ends like JSON", "text/x+json", `{"login":"mia"}`, false},
		{"a part of JSON", "application/json", `{"login":"mia"`, false},
		{"two values", "application/json", `{"login":"mia"}{}`, false},
		{"text after it", "application/json", `{"login":"mia"} x`, false},
		{"another type", "application/json", `{"login":7}`, false},
		{"nothing", "application/json", ``, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res := &upstream.Response{Host: "h", Status: 200, Header: http.Header{"Content-Type": {c.contentType}}, Body: []byte(c.body)}
			var a account
			err := res.JSON(&a)
			if c.ok {
				require.NoError(t, err)
				assert.Equal(t, "mia", a.Login)
				return
			}
			assert.Equal(t, upstream.NotJSON, kindOf(err))
		})
	}
	t.Run("a peek ignores the content type", func(t *testing.T) {
		var a account
		res := &upstream.Response{Body: []byte(`{"login":"mia"}`)}
		assert.True(t, res.Peek(&a))
		assert.Equal(t, "mia", a.Login)
	})
}
