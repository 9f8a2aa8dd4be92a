package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// envCosign is the variable with the path of cosign, which make signing sets.
const envCosign = "COSIGN_BIN"

// desk is a folder that looks like the repository to who signs a release in it, and the
// environment of who does, in which only loopback can be reached.
type desk struct {
	dir, release string
	environ      []string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	dir := t.TempDir()
	scripts, err := filepath.Abs("../../scripts")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(scripts, filepath.Join(dir, "scripts")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "build"), 0o700))
	d := desk{dir: dir, release: filepath.Join(dir, "build", "release")}
	require.NoError(t, os.Rename(release(t), d.release))
	d.environ = append(os.Environ(), "COSIGN_PASSWORD=of-a-test", "TUF_ROOT="+filepath.Join(dir, "tuf"),
		"HTTPS_PROXY=http://127.0.0.1:9", "HTTP_PROXY=http://127.0.0.1:9")
	return d
}

// sh runs a command in the folder.
func (d *desk) sh(t *testing.T, command string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", command)
	cmd.Dir, cmd.Env = d.dir, d.environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// pushed starts a registry that has the release's image, and returns its name with the digest.
func (d *desk) pushed(t *testing.T, referrers bool) name.Digest {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	tag, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/team/" + plugin + ":" + version)
	require.NoError(t, err)
	_, digests := makeImage(t, d.release, "-push", tag.String())
	return tag.Digest(digests["image "+version])
}

// A release and its image are signed with a key of one's own by the commands of the page,
// without the Internet, and verified by them. What is not what was signed is refused, and so
// is what somebody else signed.
func TestSigning(t *testing.T) {
	cosign := os.Getenv(envCosign)
	if cosign == "" {
		t.Skip("needs cosign, whose first build takes minutes: make signing")
	}
	t.Parallel()
	for _, referrers := range []bool{true, false} {
		d := newDesk(t)
		image := d.pushed(t, referrers)
		d.environ = append(d.environ, "PATH="+filepath.Dir(cosign)+":"+os.Getenv("PATH"), "IMAGE="+image.String())
		for _, step := range signingSteps(t) {
			out, err := d.sh(t, step.command)
			require.NoError(t, err, "%s\n%s", step.command, out)
			assert.Contains(t, out, step.output, step.command)
			assert.NotContains(t, out, "TUF", "Sigstore was asked")
		}
		testVerification(t, d, image)
	}
}

const (
	verifySums  = "cosign verify-blob --key cosign.pub --insecure-ignore-tlog --bundle build/release/SHA256SUMS.sigstore.json build/release/SHA256SUMS"
	verifyImage = "cosign verify --key cosign.pub --insecure-ignore-tlog "
)

// testVerification looks at what was signed, and at what was not.
func testVerification(t *testing.T, d desk, image name.Digest) {
	t.Helper()
	refused := func(command, why string) {
		out, err := d.sh(t, command)
		require.Error(t, err, command)
		assert.Contains(t, out, why)
	}
	index, err := remote.Index(image)
	require.NoError(t, err)
	platforms, err := index.IndexManifest()
	require.NoError(t, err)
	for _, platform := range platforms.Manifests {
		out, err := d.sh(t, verifyImage+image.Digest(platform.Digest.String()).String())
		require.NoError(t, err, out)
	}
	refused(verifyImage+image.Digest(notSigned(t, image).String()).String(), "no signatures found")

	sums := filepath.Join(d.release, "SHA256SUMS")
	signed, err := os.ReadFile(sums)
	require.NoError(t, err)
	put(t, sums, strings.Replace(string(signed), "linux_arm64", "linux_amd64", 1))
	refused(verifySums, "invalid signature")
	put(t, sums, string(signed))
	out, err := d.sh(t, verifySums)
	require.NoError(t, err, out)

	out, err = d.sh(t, "rm cosign.pub && cosign generate-key-pair --output-key-prefix=theirs && mv theirs.pub cosign.pub")
	require.NoError(t, err, out)
	refused(verifySums, "invalid signature")
	refused(verifyImage+image.String(), "failed to verify signature")
}

// notSigned pushes another image to the same repository.
func notSigned(t *testing.T, beside name.Digest) v1.Hash {
	t.Helper()
	folder := release(t)
	put(t, filepath.Join(folder, plugin+"_"+version+"_linux_amd64"), "another program")
	sumUp(t, folder)
	_, digests := makeImage(t, folder, "-push", beside.Tag("other").String())
	digest, err := v1.NewHash(digests["image "+version])
	require.NoError(t, err)
	return digest
}

// signingStep is a command of the page, and what it shows of the output.
type signingStep struct{ command, output string }

var signingBlock = regexp.MustCompile("(?ms)^```console signing\n(.*?)^```$")

func signingSteps(t *testing.T) []signingStep {
	t.Helper()
	page, err := os.ReadFile("../../docs/install.md")
	require.NoError(t, err)
	block := signingBlock.FindSubmatch(page)
	require.NotNil(t, block)
	var all []signingStep
	for line := range strings.Lines(string(block[1])) {
		command, is := strings.CutPrefix(line, "$ ")
		switch {
		case is:
			all = append(all, signingStep{command: command})
		case strings.HasSuffix(all[len(all)-1].command, "\\\n"):
			all[len(all)-1].command += line
		default:
			all[len(all)-1].output += strings.TrimSpace(line)
		}
	}
	return all
}

// What is no release is not signed, and neither is an image that could become another one.
func TestSigningRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.environ = append(d.environ, envCosign+"=false", "COSIGN_KEY=none")
	image := "registry.example.com/plugin"
	for command, why := range map[string]string{
		"scripts/sign.sh": "A release, such as build/release",
		"scripts/sign.sh build/release " + image + ":v0.9.0":      "neither a release nor an image with its digest",
		"scripts/sign.sh build/release " + image + "@sha256:0123": "no image with its digest",
		"scripts/sign.sh build/release build":                     "neither a release nor an image with its digest",
		"cp -r build/release altered && echo >>altered/" + plugin + "_" + version + "_linux_amd64 && scripts/sign.sh build/release altered": "altered is not what its SHA256SUMS says",
	} {
		out, err := d.sh(t, command)
		require.Error(t, err, command)
		assert.Contains(t, out, why, command)
	}
	signed, err := filepath.Glob(filepath.Join(d.dir, "*", "*.sigstore.json"))
	require.NoError(t, err)
	assert.Empty(t, signed)
}
