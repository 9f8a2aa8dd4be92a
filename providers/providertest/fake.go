package providertest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
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
	// Auth is the scheme of the Authorization header: Basic, Bearer or "".
	Auth string `json:"auth,omitempty"`
	// Token is a short name of the token, "" where it is none of the fake's.
	Token string `json:"token,omitempty"`
	// APIVersion is GitHub's version header.
	APIVersion string `json:"api_version,omitempty"`
	// Body is how many bytes of body came.
	Body int64 `json:"body,omitempty"`
	// Cookies is how many cookies came.
	Cookies int `json:"cookies,omitempty"`
	// Status is what was answered, 0 where a fault broke the connection.
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
}

// fake is what all fakes share: the log and the fault.
type fake struct {
	mu       sync.Mutex
	requests []*Request
	fault    Fault
	hits     int
}

// Behave makes the fake misbehave.
func (f *fake) Behave(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.hits = fault, 0
}

// Requests returns what came so far.
func (f *fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	noted := make([]Request, 0, len(f.requests))
	for _, r := range f.requests {
		noted = append(noted, *r)
	}
	return noted
}

// Forget empties the log.
func (f *fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = nil
}

// take returns the fault that applies to a request, if one does.
func (f *fake) take(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault.zero() || !strings.HasSuffix(r.URL.Path, f.fault.Path) {
		return Fault{}, false
	}
	f.hits++
	if f.fault.Times > 0 && f.hits > f.fault.Times {
		return Fault{}, false
	}
	return f.fault, true
}

// serve notes the request, lets a fault answer it if there is one, and next if not.
func (f *fake) serve(w http.ResponseWriter, r *http.Request, tokenName string, next http.Handler) {
	n, _ := io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	entry := &Request{
		Method: r.Method, Host: hostname(r.Host), Path: r.URL.Path, Query: r.URL.RawQuery,
		UserAgent: r.UserAgent(), Accept: r.Header.Get("Accept"), Auth: scheme, Token: tokenName,
		APIVersion: r.Header.Get("X-GitHub-Api-Version"), Body: n, Cookies: len(r.Cookies()),
	}
	r.ContentLength = n
	sw := &statusWriter{ResponseWriter: w}
	// Noted before it is answered: a client may have gone before the answer ends.
	f.mu.Lock()
	f.requests = append(f.requests, entry)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		entry.Status = sw.status
		f.mu.Unlock()
	}()
	if fault, ok := f.take(r); ok {
		fault.answer(sw, r)
		return
	}
	next.ServeHTTP(sw, r)
}

// knows reports whether a path is one of mux's, whatever the method.
func knows(mux *http.ServeMux, r *http.Request) bool {
	get := r.Clone(r.Context())
	get.Method = http.MethodGet
	_, pattern := mux.Handler(get)
	return pattern != ""
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hostname cuts the port off.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

// object is a JSON object of an answer.
type object map[string]any

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func writeText(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
