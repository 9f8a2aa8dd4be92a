package torture_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/histories"
)

// Every node of these clusters forwards what it is asked to the one that leads, so a record
// must be linearizable whoever is asked: that is the model. Standbys that answer reads by
// themselves promise less, and have a test of their own (TestStandbysThatAnswerReads).

const (
	// judgeLimit bounds the check of one history.
	judgeLimit = 2 * time.Minute
	// picturesFolder is where pictures of histories that fail are kept, from this package on.
	picturesFolder = "../../build/histories"
)

// kindOf is that of an operation that is recorded, by the path below its mount; "" for others.
func kindOf(path string) histories.Kind {
	_, path, _ = strings.Cut(path, "/")
	first, _, _ := strings.Cut(path, "/")
	switch first {
	case "creds":
		return histories.Read
	case "reauth", "invite":
		return histories.Write
	case "history", "rotate", "rollback":
		return histories.Kind(first)
	}
	return ""
}

// begins notes that a client asks something about a record, and returns what notes the answer.
// What is not an operation of a record whose writes are the load's is not noted.
func (l *load) begins(client *api.Client, s *subject, path string) func(histories.Operation) {
	kind := kindOf(path)
	if kind == "" || s.enter == nil && s.consent == nil {
		return func(histories.Operation) {}
	}
	return l.recorder.Begin(s.name, client.Address(), kind)
}

// answered is what is recorded of a write: of one with an answer what that says, of any other
// whether it may have been carried out. Of a rotation or a rollback, which have no label, it
// always may: Vault asks again where a connection breaks, and the refusal is then that of the
// second time; and the engine ends by itself a rotation whose answer was lost.
func answered(s *subject, done swap, label string, err error) histories.Operation {
	if err == nil {
		return histories.Operation{Outcome: histories.Done, Version: done.version, Credential: done.label, Token: tokenOf(s, done)}
	}
	outcome := histories.Unknown
	if label != "" && notCarriedOut(err) {
		outcome = histories.Refused
	}
	return histories.Operation{Outcome: outcome, Credential: label}
}

// notCarriedOut reports whether it is certain that a write was not. Of a code that was used up
// it is not: Vault asks a plugin again that died, and the first time may have used it.
func notCarriedOut(err error) bool {
	var answer *api.ResponseError
	if errors.As(err, &answer) {
		return !usedUp(err) && answer.StatusCode >= 400 && answer.StatusCode < 500
	}
	return strings.Contains(err.Error(), "connection refused")
}

// shown is what is recorded of a read. Nothing is an answer where none says so.
func shown(s *subject, path string, data map[string]any, none bool) histories.Operation {
	switch {
	case none:
		return histories.Operation{Outcome: histories.Done}
	case data == nil:
		return histories.Operation{Outcome: histories.Unknown}
	case strings.Contains(path, "/history/"):
		return histories.Operation{Outcome: histories.Done, Entries: entriesOf(data)}
	}
	parts, seen := labelsIn(data), told(data)
	if len(parts) > 0 {
		seen.label = parts[0]
	}
	return histories.Operation{Outcome: histories.Done, Version: seen.version, Credential: seen.label, Parts: parts, Token: tokenOf(s, seen)}
}

func entriesOf(data map[string]any) (entries []histories.Entry) {
	list, _ := data["entries"].([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		if e := told(fields); e.cause != "refresh" {
			entries = append(entries, histories.Entry{Version: e.version, Credential: e.label, Cause: e.cause})
		}
	}
	return entries
}

// tokenOf is the fingerprint of the access token where there is one.
func tokenOf(s *subject, seen swap) string {
	if s.consent == nil {
		return ""
	}
	return seen.fingerprint
}

// labelsIn are the numbers that the parts of a credential tell, each once.
func labelsIn(data map[string]any) []string {
	found := regexp.MustCompile(`-n\d+`).FindAllString(partsOf(data), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// judge checks the histories of all records, and demands that each is linearizable.
func (r *torture) judge(t *testing.T) {
	t.Helper()
	all := r.recorder.Operations()
	begun := time.Now()
	results, err := histories.Check(all, judgeLimit, filepath.Join(picturesFolder, t.Name()))
	require.NoError(t, err)
	r.judged = results
	for _, result := range results {
		if result.Failed() {
			t.Errorf("the history of %s is not linearizable: %q, undecided: %t; picture: %s; seed %d", result.Record, result.Violations, result.Undecided, result.Picture, r.seed)
		}
	}
	t.Logf("%d operations in %d histories, checked in %s", len(all), len(results), time.Since(begun).Round(time.Millisecond))
}
