package providertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Request is what a fake notes of a request. It holds no credential.
type Request struct {
	Method    string `json:"method"`
	Host      string `json:"host"`
	Path      string `json:"path"`
	Query     string `json:"query,omitempty"`
	UserAgent string `json:"user_agent"`
	Accept    string `json:"accept,omitempty"`
	// Auth is the scheme of the Authorization header, Basic or Bearer, or the name of
	// the header that the upstream takes in its place; "" where nothing came.
	Auth string `json:"auth,omitempty"`
	// Token is a short name of the token, "" where it is none of the fake's.
	Token string `json:"token,omitempty"`
	// APIVersion is GitHub's version header.
	APIVersion string `json:"api_version,omitempty"`
	// ContentType is the body's.
	ContentType string `json:"content_type,omitempty"`
	// Body is how many bytes of body came.
	Body int64 `json:"body,omitempty"`
	// Cookies is how many cookies came.
	Cookies int `json:"cookies,omitempty"`
	// Status is what was answered; 0 until then, and where a fault broke the
	// connection.
	Status int `json:"status"`
}

// Fake is a fake upstream. All methods may be called while it serves.
type Fake interface {
	http.Handler
	// Behave makes the fake misbehave until it is told otherwise; the zero Fault
	// makes it behave again.
	Behave(f Fault)
	// Requests returns what came so far.
	Requests() []Request
	// Forget empties the log.
	Forget()
	// Revoke makes a token unknown.
	Revoke(token string)
	// Secrets returns what must not show up anywhere else.
	Secrets() []Secret
}

// Base is what all fakes share: the log and the fault.
type Base struct {
	Mu sync.Mutex
	// log guards what came, apart from mu: a fake may answer while it holds mu.
	log      sync.Mutex
	requests []*Request
	secrets  map[string]string // value → kind
	fault    Fault
	hits     int
}

// Behave makes the fake misbehave.
func (f *Base) Behave(fault Fault) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.fault, f.hits = fault, 0
}

// Requests returns what came so far.
func (f *Base) Requests() []Request {
	f.log.Lock()
	defer f.log.Unlock()
	requests := make([]Request, len(f.requests))
	for i, r := range f.requests {
		requests[i] = *r
	}
	return requests
}

// Forget empties the log.
func (f *Base) Forget() {
	f.log.Lock()
	defer f.log.Unlock()
	f.requests = nil
}

// take returns the fault that applies to a request, if one does.
func (f *Base) take(r *http.Request) (Fault, bool) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if f.fault.zero() || !strings.HasSuffix(r.URL.Path, f.fault.Path) {
		return Fault{}, false
	}
	f.hits++
	if f.fault.Times > 0 && f.hits > f.fault.Times {
		return Fault{}, false
	}
	return f.fault, true
}

// Serve notes the request, lets a fault answer it if there is one, and next if not.
func (f *Base) Serve(w http.ResponseWriter, r *http.Request, tokenName string, next http.Handler) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	n := int64(len(body))
	f.noteShown(r, body)
	entry := &Request{
		Method: r.Method, Host: Hostname(r.Host), Path: r.URL.Path, Query: discreet(r.URL),
		UserAgent: r.UserAgent(), Accept: r.Header.Get("Accept"), Auth: authScheme(r), Token: tokenName,
		APIVersion: r.Header.Get("X-GitHub-Api-Version"), ContentType: r.Header.Get("Content-Type"), Body: n, Cookies: len(r.Cookies()),
	}
	f.log.Lock()
	f.requests = append(f.requests, entry)
	f.log.Unlock()
	r.ContentLength, r.Body = n, io.NopCloser(bytes.NewReader(body))
	sw := &statusWriter{ResponseWriter: w, answered: func(status int) {
		f.log.Lock()
		defer f.log.Unlock()
		entry.Status = status
	}}
	fault, faulty := f.take(r)
	switch {
	case !faulty:
		next.ServeHTTP(sw, r)
	case fault.carriesOut():
		fault.after(sw, r, next)
	default:
		fault.answer(sw, r)
	}
}

// discreet returns the query without what must stay secret of an OAuth request.
func discreet(u *url.URL) string {
	if !strings.Contains(u.Path, "/oauth2/") || u.RawQuery == "" {
		return u.RawQuery
	}
	q := u.Query()
	for _, name := range []string{"state", "code", "code_challenge", "code_verifier", "client_secret", "refresh_token", "access_token"} {
		if q.Has(name) {
			q.Set(name, "hidden")
		}
	}
	return q.Encode()
}

// authScheme names the way in which a credential came, and never what with.
func authScheme(r *http.Request) string {
	name, _, found := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case name == "Basic" || name == "Bearer" || name == "token":
		return name
	case name != "" || found:
		return "other"
	}
	for _, name := range []string{"X-Api-Key", "Private-Token"} {
		if r.Header.Get(name) != "" {
			return name
		}
	}
	return ""
}

// Knows reports whether a path is one of mux's, whatever the method.
func Knows(mux *http.ServeMux, r *http.Request) bool {
	get := r.Clone(r.Context())
	get.Method = http.MethodGet
	_, pattern := mux.Handler(get)
	return pattern != ""
}

// statusWriter tells the status; all answers of the fakes begin with WriteHeader.
type statusWriter struct {
	http.ResponseWriter
	answered func(status int)
}

func (w *statusWriter) WriteHeader(status int) {
	w.answered(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hostname cuts the port off.
func Hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// Object is a JSON object of an answer.
type Object map[string]any

// WriteJSON answers with a JSON body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// WriteText answers with a body of any content type.
func WriteText(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
