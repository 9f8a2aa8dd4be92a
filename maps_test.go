package sei

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tally is how much there is in the maps and lists of a value of this program, and of
// what it points to, by the path of fields that leads there.
type tally struct {
	sizes map[string]int
	seen  map[seenPointer]bool
}

type seenPointer struct {
	at   uintptr
	kind reflect.Type
}

func tallyOf(v any) map[string]int {
	c := &tally{map[string]int{}, map[seenPointer]bool{}}
	c.value(reflect.ValueOf(v), "engine")
	return c.sizes
}

func (c *tally) value(v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		c.pointer(v, path)
	case reflect.Interface:
		if !v.IsNil() {
			c.value(v.Elem(), path)
		}
	case reflect.Struct:
		c.fields(v, path)
	case reflect.Map:
		c.sizes[path] += v.Len()
		for entries := v.MapRange(); entries.Next(); {
			c.value(entries.Value(), path+"[]")
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			c.sizes[path] += v.Len()
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			c.value(v.Index(i), path+"[]")
		}
	default:
	}
}

func (c *tally) pointer(v reflect.Value, path string) {
	id := seenPointer{v.Pointer(), v.Type()}
	if v.IsNil() || c.seen[id] {
		return
	}
	c.seen[id] = true
	c.value(v.Elem(), path)
}

// fields goes into what is the program's own; what Vault and the standard library hold is
// theirs. An atomic pointer hides what it points to; of the snapshot it is what can be read
// anew at any time.
func (c *tally) fields(v reflect.Value, path string) {
	t := v.Type()
	foreign := t.PkgPath() != "" && !strings.HasPrefix(t.PkgPath(), "vault-plugin-secrets-sei")
	if foreign && !strings.HasPrefix(t.PkgPath(), "github.com/hashicorp/golang-lru/") {
		return
	}
	for i := range t.NumField() {
		c.value(v.Field(i), path+"."+t.Field(i).Name)
	}
}

// storm is what a caller can say, with ever new words.
func storm(t *testing.T, m *instantMount, names []string, round int) {
	t.Helper()
	try := func(op logical.Operation, path string, data body) {
		_, _ = m.send(t, op, path, data)
	}
	word := func(kind string) string { return fmt.Sprintf("%s_%d", kind, round) }
	for _, name := range append(names, word("nobody")) {
		try(logical.ReadOperation, "creds/"+name, body{"resource": word("wanted")})
		fingerprint := "0123456789abcdef"
		if resp, err := m.send(t, logical.ReadOperation, "creds/"+name, nil); err == nil && resp != nil {
			fingerprint, _ = resp.Data["fingerprint"].(string)
		}
		reset := time.Now().Add(time.Hour).Unix()
		try(logical.UpdateOperation, "creds/"+name+"/report", body{"fingerprint": fingerprint, "resource": word("made_up"), "remaining": round, "reset_at": reset})
		try(logical.UpdateOperation, "creds/"+name+"/report", body{"fingerprint": fingerprint, "resource": word("limited"), "status_code": 429})
		try(logical.UpdateOperation, "creds/"+name+"/report", body{"fingerprint": fingerprint, "status_code": 401})
		try(logical.UpdateOperation, "creds/"+name+"/report", body{"fingerprint": word("print"), "status_code": 401})
		try(logical.UpdateOperation, "reauth/"+name, body{"email": word("bad") + "@example.com", "key": word("bad"), "pat": word("bad"), "code": word("bad"), "state": word("bad")})
		try(logical.UpdateOperation, "reauth/"+name, body{word("field"): word("value")})
		try(logical.UpdateOperation, "validate/"+name, body{"email": email, "key": word("bad")})
		try(logical.UpdateOperation, "oauth/authorize/"+name, nil)
		try(logical.ReadOperation, "oauth/callback", body{"state": word("state"), "code": word("code")})
		try(logical.UpdateOperation, "oauth/callback", body{"state": word("state"), "code": word("code"), "confirmation": word("confirmation")})
		for _, path := range []string{"health/", "rotate/", "rollback/"} {
			try(logical.UpdateOperation, path+name, nil)
		}
		for _, path := range []string{"health/", "history/", "integrations/", "reauth/", "providers/"} {
			try(logical.ReadOperation, path+name, nil)
		}
	}
	try(logical.UpdateOperation, "integrations/"+word("wrong"), body{"provider": word("provider")})
	try(logical.HelpOperation, word("path"), nil)
}

// Nothing that a caller says makes a map or a list grow without end: whatever the engine
// holds after a thousand rounds of new words it held after the first hundred.
func TestCallersWordsFillNoMap(t *testing.T) {
	m := withInstant(t)
	m.disk.deaf = true
	names := []string{"key", "pool", "app", "one"}
	const first, last = 120, 400
	for round := range first {
		storm(t, m, names, round)
	}
	before := tallyOf(m.engine)
	require.Greater(t, len(before), 50, "maps and lists that were found")
	require.Contains(t, fmt.Sprint(before), "quotas.state")
	for round := first; round < last; round++ {
		storm(t, m, names, round)
	}
	for path, n := range tallyOf(m.engine) {
		assert.LessOrEqual(t, n, before[path]+20, path)
	}
}
