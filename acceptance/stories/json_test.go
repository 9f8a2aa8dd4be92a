package stories_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

func runJSON(ts *testscript.TestScript, neg bool, args []string) {
	storyWith(ts, args, 1, 2)
	got, found := lookUp(ts, args[0])
	matches := found && (len(args) == 1 || matchesText(ts, got, args[1]))
	if matches == neg {
		ts.Fatalf("%s is %s", args[0], or(got, "absent"))
	}
}

func runCapture(ts *testscript.TestScript, neg bool, args []string) {
	storyOf(ts, neg, args, 1, 2)
	value := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) == 2 {
		text, found := lookUp(ts, args[1])
		if !found {
			ts.Fatalf("%s is absent", args[1])
		}
		value = text
	}
	ts.Setenv(args[0], value)
}

// lookUp finds a.b.0.c in the JSON on stdout and returns its text: a string as it
// is, anything else as compact JSON.
func lookUp(ts *testscript.TestScript, path string) (string, bool) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	decoder.UseNumber()
	ts.Check(decoder.Decode(&value))
	for key := range strings.SplitSeq(path, ".") {
		next, found := child(value, key)
		if !found {
			return "", false
		}
		value = next
	}
	if text, isText := value.(string); isText {
		return text, true
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	ts.Check(encoder.Encode(value))
	return strings.TrimSpace(text.String()), true
}

func child(value any, key string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		next, found := v[key]
		return next, found
	case []any:
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	default:
		return nil, false
	}
}

func matchesText(ts *testscript.TestScript, got, want string) bool {
	pattern, isPattern := strings.CutPrefix(want, "~")
	if !isPattern {
		return got == want
	}
	matched, err := regexp.MatchString(pattern, got)
	ts.Check(err)
	return matched
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
