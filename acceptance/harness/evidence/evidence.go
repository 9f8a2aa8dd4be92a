package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/canary"
)

// envEvidence is the variable with the folder of the process's evidence.
const envEvidence = "SEI_EVIDENCE"

// challengeKind is no secret: it tells a verifier.
const challengeKind = "code_challenge"

// Run is what the servers of a run left behind, and the secrets that were used,
// kept until all tests have ended. A secret leaves through creds/ only: then none of
// them may be in any of it.
type Run struct{ dir string }

// New begins the evidence of this process, which all its tests find by Of.
func New() (Run, error) {
	dir, err := os.MkdirTemp("", "sei-evidence-")
	if err != nil {
		return Run{}, err
	}
	e := Run{dir}
	return e, errors.Join(os.Mkdir(e.servers(), 0o700), os.Setenv(envEvidence, dir))
}

// Of is the evidence of the process; without one the test fails.
func Of(t testing.TB) Run {
	t.Helper()
	dir := os.Getenv(envEvidence)
	require.NotEmpty(t, dir)
	return Run{dir}
}

func (e Run) servers() string { return filepath.Join(e.dir, "servers") }

func (e Run) secrets() string { return filepath.Join(e.dir, "secrets") }

// note is a line of the file of secrets.
type note struct{ Kind, Value string }

// Canary notes a secret. A line is one write, so that tests can do it side by side.
func (e Run) Canary(kind, value string) {
	line, err := json.Marshal(note{kind, value})
	if err != nil {
		return
	}
	file, err := os.OpenFile(e.secrets(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		panic(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(append(line, '\n')); err != nil {
		panic(err)
	}
}

// Keep takes a folder that a server wrote, under the name of its test.
func (e Run) Keep(t testing.TB, dir string) {
	t.Helper()
	name := strings.NewReplacer("/", "-", " ", "_").Replace(t.Name()) + "-" + filepath.Base(dir)
	require.NoError(t, os.Rename(dir, filepath.Join(e.servers(), name)))
}

// Known returns the secrets so far, and the challenges.
func (e Run) Known() (set *canary.Set, challenges []string, err error) {
	set = &canary.Set{}
	data, err := os.ReadFile(e.secrets())
	if err != nil && !os.IsNotExist(err) {
		return nil, nil, err
	}
	for line := range bytes.Lines(data) {
		var n note
		if err := json.Unmarshal(line, &n); err != nil {
			return nil, nil, err
		}
		if n.Kind == challengeKind {
			challenges = append(challenges, n.Value)
		} else {
			set.Add(n.Kind, n.Value)
		}
	}
	return set, challenges, nil
}

// verdict is what a search came to.
type verdict struct {
	secrets, short, kinds, patterns, files int
	bytes                                  int64
	took                                   time.Duration
	// allowed are the finds that are an exception, leaks the others, with their files.
	allowed int
	leaks   []string
}

func (v verdict) String() string {
	return fmt.Sprintf("secrecy: %d secrets of %d kinds, written in %d ways, searched for in %d files, %.1f MB, in %s: %d leaks, %d known exceptions, %d secrets too short to look for",
		v.secrets, v.kinds, v.patterns, v.files, float64(v.bytes)/1e6, v.took.Round(time.Millisecond), len(v.leaks), v.allowed, v.short)
}

// search looks for every secret in every file.
func (e Run) search() (verdict, error) {
	begun := time.Now()
	set, challenges, err := e.Known()
	if err != nil {
		return verdict{}, err
	}
	needles := set.Needles()
	v := verdict{secrets: set.Len(), short: set.Short(), kinds: len(set.Kinds()), patterns: needles.Len()}
	err = filepath.WalkDir(e.servers(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return mapped(path, func(text []byte) {
			v.files++
			v.bytes += int64(len(text))
			place, _ := filepath.Rel(e.servers(), path)
			judge := func(f canary.Find) { v.judge(place, text, f) }
			needles.Search(text, judge)
			canary.Verifiers(challenges, text, judge)
		})
	})
	v.took = time.Since(begun)
	return v, err
}

// judge counts a find. Each kind of leak in a file is told once.
func (v *verdict) judge(place string, text []byte, f canary.Find) {
	if excepted(filepath.Base(place), text, f) {
		v.allowed++
		return
	}
	if leak := place + " holds " + f.String(); !slices.Contains(v.leaks, leak) {
		v.leaks = append(v.leaks, leak)
	}
}

// excepted are the places where a secret may stand. creds/ is one, too: what it answers
// is not kept, see recorder.
func excepted(file string, text []byte, f canary.Find) bool {
	switch file {
	case "audit.log":
		// Vault writes the address at which a browser came back, with a code and a state
		// that are used up, and hashes no numbers. SECURITY.md says both.
		return strings.HasSuffix(f.Kind, NumberKind) || (isCode(f.Kind) || f.Kind == "state") && inCallback(text, f.At)
	case authorizationsFile:
		// The address at which a person consents has the state in it.
		return f.Kind == "state"
	default:
		return false
	}
}

func isCode(kind string) bool {
	return strings.HasSuffix(kind, " code") || strings.HasPrefix(kind, "code sent to ")
}

// inCallback reports whether a place is in the query of a request at oauth/callback.
func inCallback(text []byte, at int) bool {
	line := text[bytes.LastIndexByte(text[:at], '\n')+1 : at]
	begin := bytes.LastIndex(line, []byte(`"request_uri":"`))
	if begin < 0 {
		return false
	}
	uri := line[begin+len(`"request_uri":"`):]
	return !bytes.ContainsRune(uri, '"') && bytes.Contains(uri, []byte("/oauth/callback?"))
}

// mapped gives the bytes of a file without reading it into memory at once.
func mapped(path string, use func(text []byte)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	text, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("map %s: %w", path, err)
	}
	defer func() { _ = syscall.Munmap(text) }()
	use(text)
	return nil
}

// Close searches, tells what came of it, and removes everything. It returns the exit
// code of the run whose tests ended with code.
func (e Run) Close(code int) int {
	defer func() { _ = os.RemoveAll(e.dir) }()
	v, err := e.search()
	if err != nil {
		fmt.Println("secrecy:", err)
		return 1
	}
	if v.files == 0 {
		return code // no server ran
	}
	fmt.Println(v)
	for _, leak := range v.leaks {
		fmt.Println("secrecy: " + leak)
	}
	compared, err := e.compared()
	if err != nil {
		fmt.Println("openapi:", err)
		return 1
	}
	fmt.Println(compared)
	for difference := range compared.Differences {
		fmt.Println("openapi: " + difference)
	}
	if code == 0 && len(v.leaks)+len(compared.Differences) > 0 {
		return 1
	}
	return code
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
