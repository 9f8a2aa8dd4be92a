package sei

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	answers "github.com/hashicorp/vault/sdk/helper/testhelpers/schema"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/invite"
)

// Words of a body that stand for what no seed can know.
const (
	secretWord = "SECRET" // something that must not be seen again
	stateWord  = "STATE"
	codeWord   = "CODE"
	// confirmationWord is that of the two before.
	confirmationWord = "CONFIRMATION"
	fingerprintWord  = "FINGERPRINT"
	accessorWord     = "ACCESSOR"
	tokenWord        = "TOKEN"
)

// marked is what SECRET stands for: not the name of anything, and easy to find however
// it is quoted.
const marked = "c4n4ry7f3a"

// How a fuzzed request comes.
const (
	asFloats = 1 << iota // numbers as Vault hands them to plugins; else as it reads them
	asQuery              // the body is a query or a form
	asNew                // Vault asks first whether there is such a thing
)

func fuzzedOperations() []logical.Operation {
	return []logical.Operation{
		logical.UpdateOperation, logical.CreateOperation, logical.ReadOperation, logical.ListOperation, logical.DeleteOperation,
		logical.PatchOperation, logical.HelpOperation, logical.RollbackOperation, logical.RenewOperation, logical.RevokeOperation,
		logical.AliasLookaheadOperation, logical.ResolveRoleOperation, logical.HeaderOperation, logical.RecoverOperation, logical.RotationOperation, "no-such-operation",
	}
}

// families are the paths; * is a name, and the last is anything.
func families() []string {
	return []string{
		"integrations/*", "reauth/*", "validate/*", "creds/*", "creds/*/report", "health/*", "history/*", "oauth/authorize/*", "rotate/*", "rollback/*",
		"providers/*", "integrations/", "health/", "providers/", "oauth/callback", "status", "metrics", "config", "notify/*", "notify/*/test", "notify/", "invites/*", "invites/*/" + accessorWord, "invites/", "invite/*", "*",
	}
}

// attack is one request of a hostile caller.
type attack struct {
	op, family, who, how uint8
	// name is the name in the path; where it is empty it is that of the integration who.
	name string
	raw  []byte
}

// request is the attack as Vault would hand it to the engine.
func (a attack) request(b *besieged) *logical.Request {
	name := a.name
	if name == "" {
		name = b.names[int(a.who)%len(b.names)]
	}
	family := families()[int(a.family)%len(families())]
	return &logical.Request{
		Operation: fuzzedOperations()[int(a.op)%len(fuzzedOperations())], Path: b.pathOf(family, name), Storage: b.disk,
		Data: a.data(b, name), ID: "request-1", EntityID: "entity-1", DisplayName: "token-mia", ClientToken: "a-token",
	}
}

// pathOf is a path of a family.
func (b *besieged) pathOf(family, name string) string {
	path := strings.Replace(family, "*", name, 1)
	return strings.NewReplacer(accessorWord, b.accessor, tokenWord, b.token).Replace(path)
}

// data is the body, or the query where it is none.
func (a attack) data(b *besieged, name string) body {
	text := string(a.raw)
	fingerprint, _ := b.served[name]["fingerprint"].(string)
	for word, meaning := range map[string]string{secretWord: marked, stateWord: b.state, codeWord: b.code, confirmationWord: b.confirmation, fingerprintWord: fingerprint} {
		text = strings.ReplaceAll(text, word, meaning)
	}
	data := body{}
	decoder := json.NewDecoder(strings.NewReader(text))
	if a.how&asFloats == 0 {
		decoder.UseNumber()
	}
	if a.how&asQuery == 0 && decoder.Decode(&data) == nil {
		return data
	}
	values, _ := url.ParseQuery(text) // what can be read of it
	data = body{}
	for key, list := range values {
		data[key] = list
		if len(list) == 1 {
			data[key] = list[0]
		}
	}
	return data
}

// FuzzRequest sends anything to any path and demands: no panic; no secret, sent or
// stored, in an answer but that of creds/, in an error, an event or the log; a code and
// a status that are documented; an answer as the schema says; configuration written by
// integrations/ and config alone; records that can still be read; bounded memory.
func FuzzRequest(f *testing.F) {
	b := besiege(f)
	defer func() { b.close() }()
	seeds := seeds(b)
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.op, s.family, s.who, s.how, s.name, s.raw)
	}
	documented := documentedCodes(f)
	f.Fuzz(func(t *testing.T, op, family, who, how uint8, name string, raw []byte) {
		withstands(t, b, documented, attack{op, family, who, how, name, raw})
		if changed := b.changed(t); !b.restore(t, changed) {
			b.close()
			b = besiege(t)
		}
	})
}

// withstands sends one request and looks at everything that it did.
func withstands(t *testing.T, b *besieged, documented map[string][]string, a attack) {
	t.Helper()
	req := a.request(b)
	allocated := heapAllocated()
	if a.how&asNew != 0 {
		_, _, err := b.HandleExistenceCheck(t.Context(), req)
		tellsNothing(t, b, req, nil, err)
	}
	resp, err := b.HandleRequest(t.Context(), req)
	spent := heapAllocated() - allocated
	require.Less(t, spent, uint64(32<<20+64*len(a.raw)), "memory of %s %s", req.Operation, req.Path)
	changed := b.changed(t)
	if len(changed) > 0 {
		b.noteIssued()
	}
	tellsNothing(t, b, req, resp, err)
	if slices.Contains(fuzzedOperations()[:5], req.Operation) {
		answersAsDocumented(t, b, documented, req, resp, err)
	}
	for _, key := range changed {
		require.True(t, mayWrite(req, key), "%s %s changed %s", req.Operation, req.Path, key)
	}
	if len(changed) > 0 {
		b.readable(t, changed)
	}
}

// mayWrite says which entries a request can be for.
func mayWrite(req *logical.Request, key string) bool {
	family, _, _ := strings.Cut(req.Path, "/")
	kind, _, _ := strings.Cut(key, "/")
	switch family {
	case "integrations":
		return kind != "config"
	case "config":
		return kind == "config"
	case "reauth", "rotate", "rollback", "creds":
		return slices.Contains([]string{"credentials", "health", "rotating", "oauth"}, kind)
	case "oauth":
		if req.Path == callbackPath && req.Operation == logical.ReadOperation {
			return kind == "oauth" && req.Data["error"] != nil // it has ended
		}
		return slices.Contains([]string{"credentials", "health", "oauth"}, kind)
	case "health":
		return kind == "health" || kind == "credentials"
	case "notify":
		return kind == "notify"
	case "invites":
		return kind == "invites"
	case "invite":
		return req.Operation == logical.UpdateOperation && slices.Contains([]string{"credentials", "health", "invites", "oauth"}, kind)
	}
	return req.Operation == logical.RollbackOperation && (kind == "oauth" || kind == "invites")
}

// tellsNothing demands that no secret is in what others can see.
func tellsNothing(t *testing.T, b *besieged, req *logical.Request, resp *logical.Response, err error) {
	t.Helper()
	require.NotContains(t, b.log.String(), "panicked")
	shown := fmt.Sprintf("%v %s", err, b.log.String())
	encoded, failure := json.Marshal(b.events.sent)
	require.NoError(t, failure)
	shown += string(encoded)
	said := ""
	if resp != nil {
		encoded, failure = json.Marshal(withoutForms(req, resp))
		require.NoError(t, failure, "Vault could not send this answer")
		said = string(encoded)
	}
	require.NotContains(t, shown+said, "internal error", "something panicked")
	path := req.Path                                                                         // what it names can be named
	if !strings.Contains(path, marked) && !strings.Contains(said, "address_not_allowed: ") { // which names a host
		require.NotContains(t, shown, marked, "something that was sent")
		require.NotContains(t, strings.ReplaceAll(said, shownAgain(req), ""), marked, "something that was sent")
	}
	if req.Operation != logical.ReadOperation || !strings.HasPrefix(req.Path, "creds/") || resp.IsError() {
		shown += said
	}
	for secret := range b.secrets {
		if !strings.Contains(path, secret) {
			require.NotContains(t, shown, secret)
		}
	}
	for secret := range b.kept {
		if !strings.Contains(path, secret) {
			require.NotContains(t, shown+said, secret)
		}
	}
}

// withoutForms is the answer without what the callback's form sends back: it is in the address
// that the page has.
func withoutForms(req *logical.Request, resp *logical.Response) *logical.Response {
	page, isPage := resp.Data[logical.HTTPRawBody].(string)
	if !isPage || req.Path != callbackPath {
		return resp
	}
	copied := *resp
	copied.Data = maps.Clone(resp.Data)
	copied.Data[logical.HTTPRawBody] = withoutReturned(page)
	return &copied
}

// shownAgain is what a form may show again, as a page has it: an e-mail address, which
// stays filled in after a refusal, if no secret was sent that is the same.
func shownAgain(req *logical.Request) string {
	login, _ := req.Data["email"].(string)
	if login = strings.TrimSpace(login); strings.HasPrefix(req.Path, invite.Path) && strings.Contains(login, "@") && req.Data["api_key"] != login {
		return login
	}
	return " "
}

// answersAsDocumented demands a documented code and status, or the answer of the schema.
func answersAsDocumented(t *testing.T, b *besieged, documented map[string][]string, req *logical.Request, resp *logical.Response, err error) {
	t.Helper()
	if err == nil && !resp.IsError() {
		answers.ValidateResponse(t, answers.GetResponseSchema(t, b.Route(req.Path), req.Operation), resp, true)
		return
	}
	if resp == nil {
		require.True(t, errors.Is(err, logical.ErrUnsupportedOperation) || errors.Is(err, logical.ErrUnsupportedPath), "%s %s: %v", req.Operation, req.Path, err)
		return
	}
	status, _ := logical.RespondErrorCommon(req, resp, err)
	code, _, _ := strings.Cut(resp.Error().Error(), ": ")
	require.Contains(t, documented[code], fmt.Sprint(max(status, 400)), "%s %s: %s", req.Operation, req.Path, resp.Error())
	if refusal, ok := resp.Data["data"].(map[string]any); ok {
		require.Equal(t, code, refusal["code"])
	}
}

// documentedCodes reads the codes and their statuses from docs/api.md. They are read here and not
// in docs/ because each answer that the engine gives is held against them.
func documentedCodes(t testing.TB) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("docs/api.md")
	require.NoError(t, err)
	codes := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_`, ]+`) \\| ([0-9]{3}) \\|").FindAllStringSubmatch(string(page), -1) {
		for name := range strings.SplitSeq(strings.ReplaceAll(row[1], "`", ""), ", ") {
			codes[name] = append(codes[name], row[2])
		}
	}
	require.Greater(t, len(codes), 25)
	return codes
}

func heapAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
