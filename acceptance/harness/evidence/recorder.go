package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files in which a recorder keeps answers. Those of oauth/authorize are apart:
// they hold the state, by design.
const (
	answersFile        = "answers"
	authorizationsFile = "authorizations"
)

// recorder stands before a server: it keeps every answer but those that are a
// credential, and notes as canaries what is sent to the engine in secret.
type recorder struct {
	dir      string
	evidence Run
	sent     sent
	judge    *judge
	mu       sync.Mutex // guards the files
}

// Record returns an address that leads to the server at host, and keeps in dir what
// comes back.
func Record(t testing.TB, host, dir string) string {
	t.Helper()
	r := &recorder{dir: dir, evidence: Of(t), sent: newSent()}
	r.judge = newJudge(r.evidence)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(&url.URL{Scheme: "http", Host: host})
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery // as it was, also where it makes no sense
			pr.Out.Header.Del("Accept-Encoding")     // what is compressed cannot be searched
		},
		ModifyResponse: r.answered,
		FlushInterval:  -1,
		// A server that is gone must look so: no answer, rather than one of the proxy's.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:    &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.asked(request)
		proxy.ServeHTTP(w, request)
	}))
	server.Config.ErrorLog = quiet()
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		_ = server.Listener.Close()
		require.NoError(t, r.judge.close())
	})
	return server.URL
}

// asked notes the secrets in a request.
func (r *recorder) asked(request *http.Request) {
	if request.Body == nil || request.Body == http.NoBody {
		return
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.TransferEncoding = nil
	for _, s := range r.sent.secrets(request.URL.Path, body) {
		r.evidence.Canary(s.kind, s.value)
	}
}

// secretPaths are those whose answer is a credential by design: creds/, and Vault's raw
// storage, where tests look what is kept. In what Vault says of all its paths are words
// that tests have for a secret.
func secretPaths() *regexp.Regexp {
	return regexp.MustCompile(`^/v1/([^/]+/creds/[^/]+$|sys/raw/|sys/internal/specs/)`)
}

func authorizePath() *regexp.Regexp { return regexp.MustCompile(`^/v1/[^/]+/oauth/authorize/`) }

// answered keeps an answer, and compares it with the OpenAPI document. A refusal is kept
// whatever the path is; of a credential it is only said how it differs.
func (r *recorder) answered(answer *http.Response) error {
	path := answer.Request.URL.Path
	good := answer.StatusCode < http.StatusBadRequest
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	if good && secretPaths().MatchString(path) {
		answer.Body = &kept{ReadCloser: answer.Body, save: func(body []byte, whole bool) { r.compare(answer, body, whole) }}
		return nil
	}
	file := answersFile
	if authorizePath().MatchString(path) {
		file = authorizationsFile
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "\n%s %s %s\n", answer.Request.Method, path, answer.Status)
	_ = answer.Header.Write(&head)
	answer.Body = &kept{ReadCloser: answer.Body, text: head, save: func(text []byte, whole bool) {
		r.write(file, withoutReturned(path, text))
		r.compare(answer, text[head.Len():], whole)
		if file == authorizationsFile {
			r.begun(text[head.Len():])
		}
	}}
	return nil
}

// withoutReturned is an answer of the callback without what its form sends back: state and
// code stand in the address of the page, too, for whoever came back with them.
func withoutReturned(path string, text []byte) []byte {
	if !strings.HasSuffix(path, "/oauth/callback") {
		return text
	}
	return regexp.MustCompile(`<input type="hidden" name="(state|code)" value="[^"]*">`).ReplaceAll(text, nil)
}

// compare leaves out what was cut off, as by the end of a server.
func (r *recorder) compare(answer *http.Response, body []byte, whole bool) {
	if whole {
		r.judge.compare(answer, body)
	}
}

// begun notes the state of an authorization, and the challenge, by which a verifier is
// known that nobody has seen.
func (r *recorder) begun(body []byte) {
	var answer struct {
		Data struct {
			URL string `json:"authorize_url"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &answer)
	begun, err := url.Parse(answer.Data.URL)
	if err != nil || answer.Data.URL == "" {
		return
	}
	r.evidence.Canary("state", begun.Query().Get("state"))
	r.evidence.Canary(challengeKind, begun.Query().Get("code_challenge"))
}

func (r *recorder) write(name string, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := os.OpenFile(filepath.Join(r.dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return // the server's folder is gone: its test has ended
	}
	defer func() { _ = file.Close() }()
	_, _ = file.Write(text)
}

// kept is a body that is saved when it has been read.
type kept struct {
	io.ReadCloser
	text bytes.Buffer
	save func(text []byte, whole bool)
	once sync.Once
}

func (k *kept) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.text.Write(p[:n])
	if err != nil {
		k.once.Do(func() { k.save(k.text.Bytes(), errors.Is(err, io.EOF)) })
	}
	return n, err
}

func (k *kept) Close() error {
	k.once.Do(func() { k.save(k.text.Bytes(), false) })
	return k.ReadCloser.Close()
}
