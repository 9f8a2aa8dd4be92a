package histories_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/histories"
)

type op = histories.Operation

// The short forms that histories are written in by hand.

func wrote(begin, end int64, version int, credential string) op {
	return op{Kind: histories.Write, Begin: begin, End: end, Outcome: histories.Done, Version: version, Credential: credential}
}

func unanswered(begin int64, credential string) op {
	return op{Kind: histories.Write, Begin: begin, End: begin + 5, Outcome: histories.Unknown, Credential: credential}
}

func read(begin, end int64, version int, credential string) op {
	return op{Kind: histories.Read, Begin: begin, End: end, Outcome: histories.Done, Version: version, Credential: credential}
}

func told(begin, end int64, entries ...histories.Entry) op {
	return op{Kind: histories.History, Begin: begin, End: end, Outcome: histories.Done, Entries: entries}
}

func did(kind histories.Kind, begin, end int64, version int, credential string) op {
	return op{Kind: kind, Begin: begin, End: end, Outcome: histories.Done, Version: version, Credential: credential}
}

func with(o op, change func(*op)) op {
	change(&o)
	return o
}

func token(name string) func(*op) { return func(o *op) { o.Token = name } }

func check(t *testing.T, folder string, all ...op) histories.Result {
	t.Helper()
	for i := range all {
		all[i].Record = "jira"
	}
	results, err := histories.Check(all, 10*time.Second, folder)
	require.NoError(t, err)
	require.Len(t, results, 1)
	require.False(t, results[0].Undecided)
	return results[0]
}

// What a record that does one thing at a time can have answered passes.
func TestGoodHistories(t *testing.T) {
	for name, all := range map[string][]op{
		"one after the other": {wrote(0, 1, 1, "a"), read(2, 3, 1, "a"), wrote(4, 5, 2, "b"), read(6, 7, 2, "b")},
		"a read beside a write has either": {
			wrote(0, 1, 1, "a"), wrote(2, 9, 2, "b"), read(3, 8, 1, "a"), read(4, 8, 2, "b"),
		},
		"a write without an answer was carried out": {
			wrote(0, 1, 1, "a"), unanswered(2, "d"), read(20, 21, 1, "a"), read(30, 31, 2, "d"), wrote(40, 41, 3, "c"),
		},
		"or it was not":                          {wrote(0, 1, 1, "a"), unanswered(2, "b"), wrote(20, 21, 2, "c"), read(30, 31, 2, "c")},
		"or nobody saw that it was":              {wrote(0, 1, 1, "a"), unanswered(2, "b"), wrote(20, 21, 3, "c"), read(30, 31, 3, "c")},
		"or a history saw it, later":             {wrote(0, 1, 1, "a"), unanswered(2, "b"), wrote(20, 21, 3, "c"), told(30, 31, histories.Entry{Version: 3, Credential: "c"}, histories.Entry{Version: 2, Credential: "b"})},
		"the credential in use is sent again":    {wrote(0, 1, 1, "a"), wrote(2, 3, 1, "a"), read(4, 5, 1, "a")},
		"a request is carried out twice":         {wrote(0, 1, 1, "a"), wrote(2, 20, 4, "b"), wrote(2, 9, 3, "c"), read(3, 5, 2, "b"), read(21, 22, 4, "b")},
		"a rotation is carried out twice":        {wrote(0, 1, 1, "a"), did(histories.Rotate, 2, 20, 3, "c"), read(3, 5, 2, "b"), read(21, 22, 3, "c")},
		"a refusal changes nothing":              {wrote(0, 1, 1, "a"), with(unanswered(2, "b"), func(o *op) { o.Outcome = histories.Refused }), read(20, 21, 1, "a")},
		"forgotten, and written again":           {wrote(0, 1, 1, "a"), did(histories.Forget, 2, 3, 0, ""), read(4, 5, 0, ""), told(6, 7, histories.Entry{Version: 1, Credential: "a", Cause: "forget"}), wrote(8, 9, 2, "b"), read(10, 11, 2, "b")},
		"perhaps forgotten":                      {wrote(0, 1, 1, "a"), {Kind: histories.Forget, Begin: 2, Outcome: histories.Unknown}, read(10, 11, 1, "a"), read(12, 13, 0, "")},
		"gone back to, and forward again":        {wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), did(histories.Rollback, 4, 5, 3, "a"), did(histories.Rollback, 6, 7, 4, "b"), read(8, 9, 4, "b")},
		"nothing to go back to":                  {wrote(0, 1, 1, "a"), did(histories.Rollback, 2, 3, 0, ""), did(histories.Forget, 4, 5, 0, ""), wrote(6, 7, 2, "b"), did(histories.Rollback, 8, 9, 0, "")},
		"a rollback without an answer":           {wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), {Kind: histories.Rollback, Begin: 4, Outcome: histories.Unknown}, read(10, 11, 3, "a")},
		"a rotation that the engine ended":       {wrote(0, 1, 1, "a"), {Kind: histories.Rotate, Begin: 4, Outcome: histories.Unknown}, read(10, 11, 1, "a"), read(20, 21, 2, "b")},
		"a link that tells no version":           {wrote(0, 1, 1, "a"), wrote(2, 3, 0, "b"), read(4, 5, 2, "b"), wrote(6, 7, 0, "c")},
		"an access token is renewed":             {with(wrote(0, 1, 1, "a"), token("t1")), with(read(2, 3, 1, "a"), token("t1")), with(read(4, 9, 1, "a"), token("t2")), with(read(5, 8, 1, "a"), token("t1")), with(read(10, 11, 1, "a"), token("t2"))},
		"an access token of an unanswered write": {wrote(0, 1, 1, "a"), unanswered(2, "b"), with(read(10, 11, 2, "b"), token("t1")), with(read(12, 13, 2, "b"), token("t2"))},
	} {
		t.Run(name, func(t *testing.T) {
			result := check(t, "", all...)
			assert.Empty(t, result.Violations)
			assert.False(t, result.Failed())
			assert.Equal(t, len(all), result.Operations)
		})
	}
}

// What it cannot have answered fails.
func TestBadHistories(t *testing.T) {
	const disorder = "no order of the operations explains what was answered"
	for name, c := range map[string]struct {
		all  []op
		says string
	}{
		"stale read":                            {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), read(4, 5, 1, "a")}, disorder},
		"stale history":                         {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), told(4, 5, histories.Entry{Version: 1, Credential: "a"})}, disorder},
		"two readers in disorder":               {[]op{wrote(0, 1, 1, "a"), wrote(2, 20, 2, "b"), read(3, 4, 2, "b"), read(5, 6, 1, "a")}, disorder},
		"a read before the write":               {[]op{wrote(0, 1, 1, "a"), read(2, 3, 2, "b"), wrote(4, 5, 2, "b")}, disorder},
		"lost update":                           {[]op{wrote(0, 1, 1, "a"), wrote(2, 8, 2, "b"), wrote(3, 9, 2, "c")}, "version 2 was acknowledged for b and for c"},
		"a lost update that nobody sees":        {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), wrote(4, 5, 3, "c"), read(6, 7, 2, "b")}, disorder},
		"an acknowledged version is taken back": {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), wrote(10, 11, 2, "c")}, disorder},
		"mixed fields":                          {[]op{wrote(0, 1, 1, "a"), wrote(2, 9, 2, "b"), with(read(3, 4, 2, "b"), func(o *op) { o.Parts = []string{"b", "a"} })}, "the parts of version 2 belong to b and to a"},
		"a version is two credentials":          {[]op{wrote(0, 1, 1, "a"), read(2, 3, 1, "b")}, "version 1 is a and b"},
		"a version that was never acknowledged, of a write that nobody sent": {[]op{wrote(0, 1, 1, "a"), read(2, 3, 2, "x")}, "version 2 is x, which nobody wrote"},
		"a version that no rotation can have made, for it began later":       {[]op{wrote(0, 1, 1, "a"), read(2, 3, 2, "x"), did(histories.Rotate, 4, 20, 3, "c")}, "version 2 is x, which nobody wrote"},
		"a version of a write that was refused":                              {[]op{wrote(0, 1, 1, "a"), with(unanswered(2, "b"), func(o *op) { o.Outcome = histories.Refused }), read(20, 21, 2, "b")}, "version 2 is b, whose write was refused"},
		"an unacknowledged version that goes away again":                     {[]op{wrote(0, 1, 1, "a"), unanswered(2, "b"), read(10, 11, 2, "b"), read(20, 21, 1, "a")}, disorder},
		"a version that nobody can have written":                             {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 3, "b")}, "version 2 is between others, and nobody wrote it"},
		"a write without an answer before it was sent":                       {[]op{wrote(0, 1, 1, "a"), read(2, 3, 2, "b"), unanswered(10, "b")}, disorder},
		"served after it was forgotten":                                      {[]op{wrote(0, 1, 1, "a"), did(histories.Forget, 2, 3, 0, ""), read(4, 5, 1, "a")}, disorder},
		"not served, and never forgotten":                                    {[]op{wrote(0, 1, 1, "a"), read(4, 5, 0, "")}, disorder},
		"gone back to another one":                                           {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), wrote(4, 5, 3, "c"), did(histories.Rollback, 6, 7, 4, "a")}, disorder},
		"gone back to what was forgotten":                                    {[]op{wrote(0, 1, 1, "a"), did(histories.Forget, 2, 3, 0, ""), wrote(4, 5, 2, "b"), did(histories.Rollback, 6, 7, 3, "a")}, disorder},
		"nothing to go back to, and there was":                               {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), did(histories.Rollback, 6, 7, 0, "")}, disorder},
		"a link that was used, and nothing came of it":                       {[]op{wrote(0, 1, 1, "a"), wrote(2, 3, 0, "b"), read(4, 5, 1, "a")}, disorder},
		"an access token that was renewed comes back":                        {[]op{with(wrote(0, 1, 1, "a"), token("t1")), with(read(2, 3, 1, "a"), token("t2")), with(read(4, 5, 1, "a"), token("t1"))}, disorder},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			result := check(t, folder, c.all...)
			assert.True(t, result.Failed())
			assert.Contains(t, result.Violations, c.says)
			if c.says == disorder {
				assert.NotEmpty(t, pictured(t, result))
			}
		})
	}
}

func pictured(t *testing.T, result histories.Result) string {
	t.Helper()
	picture, err := os.ReadFile(result.Picture)
	require.NoError(t, err)
	return string(picture)
}

// The picture of a long history shows where it fails, and not all of it.
func TestPictureOfALongHistory(t *testing.T) {
	var all []op
	at := int64(0)
	for version := 1; version <= 2000; version++ {
		all = append(all, wrote(at, at+1, version, "n"+strings.Repeat("i", version%7)), read(at+2, at+3, version, "n"+strings.Repeat("i", version%7)))
		at += 4
	}
	good := check(t, t.TempDir(), all...)
	require.Empty(t, good.Violations)
	require.Empty(t, good.Picture)
	stale := with(read(all[2000].Begin+2, all[2000].Begin+3, 900, all[1798].Credential), func(*op) {})
	bad := check(t, t.TempDir(), append(all, stale)...)
	require.True(t, bad.Failed())
	picture := pictured(t, bad)
	assert.Contains(t, picture, "read 900=")
	assert.NotContains(t, picture, "write 3=")
	assert.NotContains(t, picture, "write 1900=")
}

// A search that takes too long is neither good nor bad, and fails.
func TestTheCheckRunsOutOfTime(t *testing.T) {
	var all []op
	for n := range 40 { // that overlap, and leave everything open
		all = append(all, op{Record: "jira", Kind: histories.Forget, Begin: int64(n), Outcome: histories.Unknown})
	}
	all = append(all, op{Record: "jira", Kind: histories.Read, Begin: 50, End: 60, Outcome: histories.Done, Version: 1, Credential: "x"})
	results, err := histories.Check(all, time.Nanosecond, "")
	require.NoError(t, err)
	require.Len(t, results, 1)
	assert.True(t, results[0].Undecided)
	assert.True(t, results[0].Failed())
}

// Records are checked by themselves.
func TestRecordsAreCheckedApart(t *testing.T) {
	bad := []op{wrote(0, 1, 1, "a"), wrote(2, 3, 2, "b"), read(4, 5, 1, "a")}
	var all []op
	for _, o := range bad {
		o.Record = "two"
		all = append(all, o)
	}
	all = append(all, op{Record: "one", Kind: histories.Write, Outcome: histories.Done, Version: 1, Credential: "a"})
	results, err := histories.Check(all, time.Second, "")
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.Equal(t, "one", results[0].Record)
	assert.False(t, results[0].Failed())
	assert.True(t, results[1].Failed())
}

// A recorder gives each operation its time, and a client that does one thing at a time.
func TestRecorder(t *testing.T) {
	r := histories.NewRecorder()
	first := r.Begin("jira", "one", histories.Write)
	second := r.Begin("jira", "two", histories.Read)
	second(op{Outcome: histories.Done, Version: 1, Credential: "a"})
	first(op{Outcome: histories.Unknown, Credential: "a"})
	r.Begin("jira", "one", histories.Read)(op{Outcome: histories.Done})
	r.Begin("jira", "one", histories.Forget) // goes on
	all := r.Operations()
	require.Len(t, all, 3)
	assert.Equal(t, []histories.Kind{histories.Read, histories.Write, histories.Read}, []histories.Kind{all[0].Kind, all[1].Kind, all[2].Kind})
	assert.Equal(t, []int{1, 0, 1}, []int{all[0].Client, all[1].Client, all[2].Client}, "who has no answer is not asked again")
	assert.Less(t, all[1].Begin, all[0].Begin)
	assert.LessOrEqual(t, all[0].End, all[1].End)
	assert.Equal(t, "two", all[0].Node)
	var together sync.WaitGroup
	for range 50 {
		together.Go(func() { r.Begin("x", "one", histories.Read)(op{Outcome: histories.Done}) })
	}
	together.Wait()
	ended, unknown := r.Counts()
	assert.Equal(t, []int{53, 1}, []int{ended, unknown})
	assert.Len(t, r.Operations(), 53)
}
