package providertest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//nolint:gochecknoglobals // flags of go test are
var update = flag.Bool("update", false, "format the files of recorded answers")

func TestReadAnswers(t *testing.T) {
	files := fstest.MapFS{"answers.json": {Data: []byte(`{
		"json": {"source": "made up", "status": 200, "body": {"b": "<a & b>", "a": [1, 2.50], "c": "\u003c\n"}},
		"list": {"source": "made up", "status": 200, "body": [ ]},
		"text": {"source": "made up", "status": 429, "header": {"Content-Type": ""}, "body": "\ufeff{ \"a\": 1 }\r\n"},
		"none": {"source": "made up", "status": 401}
	}`)}}
	assert.Equal(t, map[string]Answer{
		"json": {Source: "made up", Status: 200, Body: `{"b":"<a & b>","a":[1,2.50],"c":"\u003c\n"}`},
		"list": {Source: "made up", Status: 200, Body: "[]"},
		"text": {Source: "made up", Status: 429, Header: map[string]string{"Content-Type": ""}, Body: "\ufeff{ \"a\": 1 }\r\n"},
		"none": {Source: "made up", Status: 401},
	}, ReadAnswers(files, "answers.json"))
}

func TestReadAnswersRefuses(t *testing.T) {
	for what, c := range map[string]struct{ data, says string }{
		"an empty file":     {``, "EOF"},
		"half a file":       {`{"a":{"source":"s",`, "unexpected EOF"},
		"a list":            {`[]`, "cannot unmarshal array"},
		"an unknown field":  {`{"a":{"source":"s","status":200,"reason":"OK"}}`, `unknown field "reason"`},
		"a second object":   {`{"a":{"source":"s","status":200}} {}`, "after the object"},
		"a rest":            {`{"a":{"source":"s","status":200}}}`, "after the object"},
		"a status in words": {`{"a":{"source":"s","status":"200"}}`, "cannot unmarshal string"},
		"a list of headers": {`{"a":{"source":"s","status":200,"header":{"B":["c"]}}}`, "cannot unmarshal array"},
		"no source":         {`{"a":{"status":200}}`, `"a" has no source`},
		"no status":         {`{"a":{"source":"s"}}`, "no status"},
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				said, ok := recover().(string)
				require.True(t, ok, "a panic with words")
				assert.Contains(t, said, "fixtures/a.json")
				assert.Contains(t, said, c.says)
			}()
			ReadAnswers(fstest.MapFS{"fixtures/a.json": {Data: []byte(c.data)}}, "fixtures/a.json")
		})
	}
	assert.PanicsWithValue(t, "providertest: open none.json: file does not exist", func() { ReadAnswers(fstest.MapFS{}, "none.json") })
}

// TestRecordedFilesAreFormatted demands one form: sorted by name, indented, nothing escaped
// that a person could read. With it, a name that stands twice, of which the decoder would
// take the last, is found as well.
func TestRecordedFilesAreFormatted(t *testing.T) {
	names, err := filepath.Glob("../*/*test/fixtures/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(names), 13, "the files are found")
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		file, err := decodeRecorded(data)
		require.NoError(t, err, name)
		if *update {
			require.NoError(t, os.WriteFile(name, formatted(t, file), 0o644))
			continue
		}
		assert.Equal(t, string(formatted(t, file)), string(data), "%s: format it by go test ./providers/providertest -update", name)
	}
}

func formatted(t *testing.T, file map[string]recorded) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(file))
	return bytes.ReplaceAll(out.Bytes(), []byte("\ufeff"), []byte(`\ufeff`)) // nobody sees it otherwise
}
