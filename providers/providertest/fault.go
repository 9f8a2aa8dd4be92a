package providertest

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is a way to misbehave. Without any field but Path and Times set it is no
// fault at all.
type Fault struct {
	// Path limits the fault to paths that end with it.
	Path string `json:"path,omitempty"`
	// Times is how many requests are affected; 0 means all.
	Times int `json:"times,omitempty"`
	// Wait passes before the header is sent.
	Wait time.Duration `json:"-"`
	// Status, Header and Body are answered. The content type is JSON if Header
	// does not name it, and none if it is empty there.
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	// Size pads the body with this many bytes, in one JSON string.
	Size int `json:"size,omitempty"`
	// Drip passes between the header and the rest of the body.
	Drip time.Duration `json:"-"`
	// Cut closes the connection in the middle of the body.
	Cut bool `json:"cut,omitempty"`
	// Reset closes the connection without any answer.
	Reset bool `json:"reset,omitempty"`
	// Late holds back the answer of a request that is carried out, as if there were
	// no fault. Nothing else of the fault is done.
	Late time.Duration `json:"-"`
	// Edit changes the body of a request that is carried out, as if there were no
	// fault. Nothing else of the fault is done.
	Edit func(body string) string `json:"-"`
	// Stream is written on the bare connection in place of an answer, whole or until
	// the client has gone, and Pace passes after each piece. Nothing else of the fault
	// is done.
	Stream iter.Seq[[]byte] `json:"-"`
	Pace   time.Duration    `json:"-"`
}

// longWait is longer than any check lasts.
const longWait = 10 * time.Minute

// NamedFault returns one of the faults that FaultNames lists. The argument is
// what some of them need: the target of a redirect.
func NamedFault(name, argument string) (Fault, bool) {
	f, ok := namedFaults(argument)[name]
	return f, ok
}

// FaultNames lists the names that NamedFault knows, sorted.
func FaultNames() []string { return slices.Sorted(maps.Keys(namedFaults(""))) }

func namedFaults(argument string) map[string]Fault {
	page := "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action=\"/login\"></form></body></html>"
	html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
	faults := map[string]Fault{
		"none":                   {},
		"slow_headers":           {Wait: longWait, Status: http.StatusOK, Body: "{}"},
		"slow_body":              {Status: http.StatusOK, Body: `{"login":"`, Drip: longWait},
		"late":                   {Late: longWait},
		"reset":                  {Reset: true},
		"cut":                    {Status: http.StatusOK, Body: `{"login":"exa`, Cut: true},
		"too_large":              {Status: http.StatusOK, Size: 5 << 20},
		"truncated_json":         {Status: http.StatusOK, Body: `{"login":"example-user","accountId":"5b10`},
		"wrong_types":            {Status: http.StatusOK, Body: `{"login":["x"],"id":"1","accountId":{},"name":7,"active":"yes"}`},
		"not_an_object":          {Status: http.StatusOK, Body: `[]`},
		"empty_object":           {Status: http.StatusOK, Body: `{}`},
		"two_values":             {Status: http.StatusOK, Body: `{"login":"a","id":1,"accountId":"a","name":"a"} {}`},
		"login_page":             {Status: http.StatusOK, Header: html, Body: page},
		"signin_203":             {Status: http.StatusNonAuthoritativeInfo, Header: html, Body: page},
		"redirect":               {Status: http.StatusFound, Header: map[string]string{"Location": argument, "Content-Type": "text/html"}},
		"redirect_loop":          {Status: http.StatusTemporaryRedirect, Header: map[string]string{"Location": "?again"}},
		"redirect_back":          {Status: http.StatusPermanentRedirect, Header: map[string]string{"Location": strings.Replace(argument, "https://", "http://user:password@", 1)}},
		"redirect_nowhere":       {Status: http.StatusSeeOther, Header: map[string]string{"Location": "http://%zz"}},
		"no_content":             {Status: http.StatusNoContent},
		"nothing":                {Status: http.StatusOK},
		"brotli":                 {Status: http.StatusOK, Header: map[string]string{"Content-Encoding": "br"}, Body: "\x0b\x02\x80{}\x03"},
		"zstd":                   {Status: http.StatusOK, Header: map[string]string{"Content-Encoding": "zstd"}, Body: "\x28\xb5\x2f\xfd"},
		"deflate":                {Status: http.StatusOK, Header: map[string]string{"Content-Encoding": "deflate"}, Body: "\x78\x9c\xab\xae\x05\x00\x01\x75\x00\xf9"},
		"not_gzip":               {Status: http.StatusOK, Header: map[string]string{"Content-Encoding": "gzip"}, Body: "{}"},
		"unauthorized_empty":     {Status: http.StatusUnauthorized},
		"unauthorized_jira":      JiraUnauthorized().At(""),
		"unauthorized_html":      {Status: http.StatusUnauthorized, Header: html, Body: UnauthorizedPage},
		"forbidden_html":         {Status: http.StatusForbidden, Header: html, Body: page},
		"not_found_html":         {Status: http.StatusNotFound, Header: html, Body: page},
		"gone":                   {Status: http.StatusGone, Body: `{"message":"gone"}`},
		"rate_limited":           {Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "7"}},
		"rate_limited_no_header": {Status: http.StatusTooManyRequests},
		"server_error":           {Status: http.StatusInternalServerError, Body: `{"message":"oops"}`},
		"bad_gateway_html":       {Status: http.StatusBadGateway, Header: html, Body: page},
		"unavailable":            {Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "5"}},
	}
	maps.Copy(faults, streamFaults())
	return faults
}

// UnauthorizedPage is what a proxy with a login of its own answers.
const UnauthorizedPage = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n" +
	"<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

func (f Fault) zero() bool {
	return f.Wait == 0 && f.Status == 0 && f.Size == 0 && f.Drip == 0 && f.Late == 0 && f.Edit == nil && f.Stream == nil && !f.Cut && !f.Reset
}

// carriesOut reports whether the request is carried out all the same.
func (f Fault) carriesOut() bool { return f.Late > 0 || f.Edit != nil }

// after carries out a request, and holds back its answer or changes it.
func (f Fault) after(w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	if !sleep(r, f.Late) {
		panic(http.ErrAbortHandler)
	}
	body := answer.Body.String()
	if f.Edit != nil {
		body = f.Edit(body)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = io.WriteString(w, body)
}

// answer misbehaves. It returns when it is done or the client has gone.
func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	if !sleep(r, f.Wait) || f.Reset {
		panic(http.ErrAbortHandler)
	}
	if f.Stream != nil {
		f.stream(w)
		return
	}
	body := f.Body
	if f.Size > 0 {
		body = `{"padding":"` + strings.Repeat("x", f.Size) + `"}`
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	for name, value := range f.Header {
		if header.Set(name, value); value == "" {
			header[http.CanonicalHeaderKey(name)] = nil // not even what net/http would guess
		}
	}
	if f.Cut || f.Drip > 0 {
		header.Set("Content-Length", strconv.Itoa(len(body)+1))
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, body)
	if !f.Cut && f.Drip == 0 {
		return
	}
	_ = http.NewResponseController(w).Flush()
	if !sleep(r, f.Drip) || f.Cut {
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprint(w, " ")
}

// sleep reports whether the time passed while the client was still there.
func sleep(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
