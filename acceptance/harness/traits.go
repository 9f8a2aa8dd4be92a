package harness

import (
	"fmt"
	"testing"
)

// Trait is something in which servers differ, and none of the plugin's doing. A story asks
// for one with the condition [has:TRAIT].
type Trait string

// What servers have or lack. traits says which.
const (
	AuditByAPI    Trait = "audit-by-api"
	DeadTokens    Trait = "dead-tokens"
	Events        Trait = "events"
	FloatLimit    Trait = "float-limit"
	JSONLimits    Trait = "json-limits"
	LeanTexts     Trait = "lean-texts"
	ManyStrings   Trait = "many-strings"
	Mlock         Trait = "mlock"
	ReloadByType  Trait = "reload-by-type"
	RelativePaths Trait = "relative-paths"
	StandbyReads  Trait = "standby-reads"
	UnmountCuts   Trait = "unmount-cuts"
)

// traits has for each trait what it is, and who has it. It was found by running the tests on
// Vault 1.19.5 and 1.21.1 and on OpenBao 2.6.2.
func traits() map[Trait]trait {
	return map[Trait]trait{
		AuditByAPI:    {"its API enables audit devices", ofVault},
		DeadTokens:    {"it tells a token that has ended from a request that is not allowed", ofVault},
		Events:        {"it has events, and policies for who subscribes to them", ofVault},
		FloatLimit:    {"it refuses a number that no float can hold with a 400", ofOpenBao},
		JSONLimits:    {"it answers what is no JSON, or too long or too deep, with a 500", vaultFrom(minorOfJSONLimits)},
		LeanTexts:     {"it hands on a long text for no more of the processor than as much JSON", ofVault},
		ManyStrings:   {"it takes more than a thousand strings in one request", ofVault},
		Mlock:         {"it locks its memory unless disable_mlock is set", ofVault},
		ReloadByType:  {"its CLI reloads the plugins of a type", ofVault},
		RelativePaths: {"a path with encoded dots comes to the plugin", ofVault},
		StandbyReads:  {"its standbys answer reads themselves", ofOpenBao},
		UnmountCuts:   {"the end of a mount does not wait for its requests", ofVault},
	}
}

// minorOfJSONLimits is the newest version of Vault 1 that the tests run on: 1.19 has none, and
// between them none was tried.
const minorOfJSONLimits = 20

func ofVault(p Product) bool { return p.Name == vaultName }

func ofOpenBao(p Product) bool { return p.Name == openBaoName }

func vaultFrom(minor int) func(Product) bool {
	return func(p Product) bool { return p.isVault(minor) }
}

type trait struct {
	sentence string
	of       func(Product) bool
}

// Has reports whether the server has a trait. It panics if the trait is not in the table.
func (p Product) Has(which Trait) bool {
	found, ok := traits()[which]
	if !ok {
		panic(fmt.Sprintf("the table of traits lacks %q", which))
	}
	return found.of(p)
}

// Has reports whether the server that the tests run on has a trait.
func Has(t testing.TB, which Trait) bool {
	t.Helper()
	return Running(t).Has(which)
}

// Need skips a test that is about what the server lacks, and says so.
func Need(t testing.TB, which Trait) {
	t.Helper()
	if p := Running(t); !p.Has(which) {
		t.Skipf("not so of %s: %s", p, traits()[which].sentence)
	}
}
