package sei

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// answersDir has what upstreams were recorded or documented to answer, and in README.md the
// table of what the engine makes of each.
const answersDir = "testdata/answers"

// kept is an answer in a file of answersDir.
type kept struct {
	Kind    string
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

// text is the answer's body: a string to the byte, and JSON as it is in the file.
func (k kept) text(t *testing.T) string {
	t.Helper()
	if strings.HasPrefix(string(k.Body), `"`) {
		var text string
		require.NoError(t, json.Unmarshal(k.Body, &text))
		return text
	}
	return string(k.Body)
}

func readAnswer(t *testing.T, name string) kept {
	t.Helper()
	data, err := os.ReadFile(answersDir + "/" + name + ".json")
	require.NoError(t, err)
	var k kept
	require.NoError(t, json.Unmarshal(data, &k))
	return k
}

// replayLine is a line of the table.
type replayLine struct {
	answer, asked string
	// part and path are the question that gets the answer, see catalogtest.Question; the
	// path "oauth" is the token endpoint. Without a part no check asks what it answers.
	part, path string
	// status is set where the source does not show it.
	status int
	// beside are further answers, by the path that gets them: no fake has their account.
	beside map[string]string
	// with are credential fields other than the question's: the answer tells of an account
	// of its own.
	with body
	// token is what the answer says of the credential: works, dead or unknown.
	token string
	// reauth and health are what the engine says then.
	reauth, health string
}

func replayTable(t *testing.T) []replayLine {
	t.Helper()
	data, err := os.ReadFile(answersDir + "/README.md")
	require.NoError(t, err)
	var lines []replayLine
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		require.Len(t, cells, 6, line)
		one := replayLine{answer: strings.Trim(cells[0], "|` "), asked: cells[1], token: cells[2], reauth: cells[3], health: cells[4]}
		if one.asked != "no check" {
			one.ask(t, one.asked)
		}
		lines = append(lines, one)
	}
	return lines
}

// ask reads "jira, service account: /myself as 401 and jira/projects to /search with email=mia@example.com".
func (l *replayLine) ask(t *testing.T, asked string) {
	t.Helper()
	asked, with, has := strings.Cut(asked, " with ")
	if has {
		l.with = body{}
		for _, pair := range strings.Fields(with) {
			name, value, _ := strings.Cut(pair, "=")
			l.with[name] = value
		}
	}
	asked, more, has := strings.Cut(asked, " and ")
	if has {
		answer, path, ok := strings.Cut(more, " to ")
		require.True(t, ok, more)
		l.beside = map[string]string{path: answer}
	}
	asked, status, has := strings.Cut(asked, " as ")
	if has {
		code, err := strconv.Atoi(status)
		require.NoError(t, err)
		l.status = code
	}
	var ok bool
	l.part, l.path, ok = strings.Cut(asked, ": ")
	require.True(t, ok, asked)
}

// TestReplay answers a request of the engine with each answer that an upstream was recorded
// or documented to give, byte for byte, and holds what comes of it against the table. It is
// no fake that gives it: the fake answers the other requests.
func TestReplay(t *testing.T) {
	for _, line := range replayTable(t) {
		t.Run(line.answer+" to "+line.asked, func(t *testing.T) {
			t.Parallel()
			if line.part == "" {
				return
			}
			answer := readAnswer(t, line.answer)
			if answer.Status == 0 {
				require.NotZero(t, line.status, "the source shows no status; the table must say with which it is tried")
				answer.Status = line.status
			}
			reauth, health := line.replay(t, answer)
			assert.Equal(t, [2]string{line.reauth, line.health}, [2]string{reauth, health})
		})
	}
}

// TestEachAnswerHasItsLine demands an outcome of each answer in the folder.
func TestEachAnswerHasItsLine(t *testing.T) {
	lines := replayTable(t)
	require.NoError(t, fs.WalkDir(os.DirFS(answersDir), ".", func(path string, d fs.DirEntry, err error) error {
		name, isAnswer := strings.CutSuffix(path, ".json")
		if err == nil && isAnswer {
			assert.True(t, slices.ContainsFunc(lines, func(l replayLine) bool { return l.answer == name }), "no line of the table has %s", name)
		}
		return err
	}))
}

// TestNoLineErrs holds the table against what each answer says of the credential: one that
// works is never called bad, and one that is dead never good.
func TestNoLineErrs(t *testing.T) {
	for _, line := range replayTable(t) {
		switch line.token {
		case "works":
			assert.NotEqual(t, "credential_rejected", line.reauth, line.answer)
			assert.NotEqual(t, "needs_reauth", line.health, line.answer)
		case "dead":
			assert.NotEqual(t, "verified", line.reauth, line.answer)
			assert.NotContains(t, []string{"healthy", "expiring"}, line.health, line.answer)
		case "unknown":
			assert.NotContains(t, []string{"verified", "credential_rejected"}, line.reauth, line.answer)
			assert.NotContains(t, []string{"healthy", "expiring", "needs_reauth"}, line.health, line.answer)
		case "no word": // of the credential: it stands beside the proof, or no check asks
		default:
			assert.Fail(t, "the table says nothing of the credential", "%s: %q", line.answer, line.token)
		}
	}
}

// replay returns the code of a re-authentication that is answered so, and the status of a
// check after it.
func (l replayLine) replay(t *testing.T, answer kept) (reauth, health string) {
	t.Helper()
	if l.path == "oauth" {
		return l.replayOAuth(t, answer)
	}
	path := l.path
	if path == everyRequest {
		path = ""
	}
	questions := catalogtest.Parts()[l.part].Questions
	i := slices.IndexFunc(questions, func(q catalogtest.Question) bool { return strings.HasSuffix(q.Path, path) })
	require.GreaterOrEqual(t, i, 0, "no question of %s ends in %s", l.part, l.path)
	q := questions[i]
	provider, _, _ := strings.Cut(l.part, ",")
	m := withCase(t, provider, q.Of)
	sent := sentFields(q.Of.Credential)
	maps.Copy(sent, l.with)
	if path != "" {
		path = q.Path
	}
	asked := m.intercept(t, path, answer)
	for path, name := range l.beside {
		m.intercept(t, path, readAnswer(t, name))
	}
	reauth = m.codeOf(t, "reauth/one", sent)
	require.Positive(t, asked.Load(), "nobody asked %s", l.path)
	return reauth, m.statusOf(t, "one")
}

// replayOAuth answers the exchange of a code, and then the refresh of an access token that
// has ended.
func (l replayLine) replayOAuth(t *testing.T, answer kept) (reauth, health string) {
	t.Helper()
	made, name, path := withOAuth, "bb", "/access_token"
	if l.part == "azure_devops" {
		made, name, path = withEntra, "ado", "/token"
	}
	m := made(t)
	consented := func() body {
		address, _ := m.write(t, "oauth/authorize/"+name, nil).data["authorize_url"].(string)
		back, err := m.world.Consent(address, true)
		require.NoError(t, err)
		query := queryOf(back)
		return body{"code": query["code"], "state": query["state"]}
	}
	m.write(t, "reauth/"+name, consented())
	query := consented()
	asked := m.intercept(t, path, answer)
	for path, name := range l.beside {
		m.intercept(t, path, readAnswer(t, name))
	}
	reauth = m.codeOf(t, "reauth/"+name, query)
	require.Positive(t, asked.Load(), "nobody asked %s", l.path)
	m.pass(oauthTokenEnds)
	return reauth, m.statusOf(t, name)
}

// everyRequest as a path means all of them.
const everyRequest = "every request"

// oauthTokenEnds is longer than an access token of the fakes lives.
const oauthTokenEnds = 3 * time.Hour

// codeOf is the code of a refusal, or verified.
func (m *oauthMount) codeOf(t *testing.T, path string, sent body) string {
	t.Helper()
	r := m.do(t, logical.UpdateOperation, path, sent)
	if r.status == 0 {
		return "verified"
	}
	code, _, _ := strings.Cut(r.message, ": ")
	return code
}

func (m *oauthMount) statusOf(t *testing.T, name string) string {
	t.Helper()
	return fmt.Sprint(m.write(t, "health/"+name, nil).data["status"])
}

// intercept gives the answer to each request, to every host, whose path ends so, and counts
// them.
func (m *oauthMount) intercept(t *testing.T, path string, answer kept) *atomic.Int64 {
	t.Helper()
	asked := &atomic.Int64{}
	for host, behind := range m.world.Hosts() {
		m.world.Handle(host, replayed{t, path, answer, asked}.before(behind))
	}
	return asked
}

// replayed answers each request whose path ends so.
type replayed struct {
	t      *testing.T
	path   string
	answer kept
	asked  *atomic.Int64
}

func (r replayed) before(behind http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, r.path) {
			behind.ServeHTTP(w, req)
			return
		}
		r.asked.Add(1)
		r.write(w)
	})
}

// write writes the answer to the connection as it is: net/http would add headers of its own.
// A source that shows JSON and no headers at all leaves out that it was called JSON.
func (r replayed) write(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if !assert.NoError(r.t, err) {
		return
	}
	defer func() { _ = conn.Close() }()
	text := r.answer.text(r.t)
	_, _ = fmt.Fprintf(buffered, "HTTP/1.1 %d %s\r\n", r.answer.Status, http.StatusText(r.answer.Status))
	if len(r.answer.Headers) == 0 && strings.HasPrefix(text, "{") {
		_, _ = fmt.Fprint(buffered, "Content-Type: application/json\r\n")
	}
	for _, name := range slices.Sorted(maps.Keys(r.answer.Headers)) {
		_, _ = fmt.Fprintf(buffered, "%s: %s\r\n", name, strings.ReplaceAll(r.answer.Headers[name], "\n", " "))
	}
	_, _ = fmt.Fprintf(buffered, "Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
	_ = buffered.Flush()
}
