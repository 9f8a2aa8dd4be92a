package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// comparison is what came of comparing answers with the OpenAPI document.
type comparison struct {
	// Answers are how many each operation gave, Differences how often each was seen.
	Answers, Differences map[string]int
	// Early are answers before any document was known.
	Early int
}

func newComparison() comparison {
	return comparison{Answers: map[string]int{}, Differences: map[string]int{}}
}

func (c comparison) String() string {
	answers := 0
	for _, n := range c.Answers {
		answers += n
	}
	return fmt.Sprintf("openapi: %d answers of %d operations compared with the document: %d differences; %d came before there was one",
		answers, len(c.Answers), len(c.Differences), c.Early)
}

// judge compares the answers of a server. They are gone when it has.
type judge struct {
	evidence Run
	mu       sync.Mutex // guards what follows
	contract *Contract
	found    comparison
}

func newJudge(e Run) *judge { return &judge{evidence: e, found: newComparison()} }

func (j *judge) compare(answer *http.Response, body []byte) {
	e, ours := Exchanged(answer, body)
	if !ours {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.contract == nil {
		document, err := os.ReadFile(j.evidence.document())
		if err == nil {
			j.contract, err = NewContract(document)
		}
		if err != nil {
			j.found.Early++
			return
		}
	}
	operation, err := j.contract.Check(e)
	if operation != "" {
		j.found.Answers[operation]++
	}
	if err != nil {
		j.found.Differences[err.Error()]++
	}
}

// close hands over what was found.
func (j *judge) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	line, err := json.Marshal(j.found)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(j.evidence.comparisons(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = file.Write(append(line, '\n'))
	return err
}

func (e Run) document() string { return filepath.Join(e.dir, "openapi.json") }

func (e Run) comparisons() string { return filepath.Join(e.dir, "comparisons") }

// compared adds up what the servers of the run came to.
func (e Run) compared() (comparison, error) {
	all := newComparison()
	data, err := os.ReadFile(e.comparisons())
	if err != nil {
		return all, err
	}
	for line := range bytes.Lines(data) {
		one := newComparison()
		if err := json.Unmarshal(line, &one); err != nil {
			return all, err
		}
		for _, sum := range []struct{ all, one map[string]int }{{all.Answers, one.Answers}, {all.Differences, one.Differences}} {
			for what, n := range sum.one {
				sum.all[what] += n
			}
		}
		all.Early += one.Early
	}
	return all, nil
}

// CompareWith keeps the document that all answers of the run are compared with: of the first
// mount, because all run the same plugin. Once there is one it asks for no other.
func (e Run) CompareWith(t testing.TB, mount string, openAPI func(testing.TB) []byte) {
	t.Helper()
	if _, err := os.Stat(e.document()); err == nil {
		return
	}
	document, err := CutMount(openAPI(t), mount)
	require.NoError(t, err)
	part, err := os.CreateTemp(e.dir, "openapi-")
	require.NoError(t, err)
	_, err = part.Write(document)
	require.NoError(t, err)
	require.NoError(t, part.Close())
	require.NoError(t, os.Rename(part.Name(), e.document()))
}
