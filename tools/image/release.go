package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// plugin is the program's name in the image's root, and how its files in a release begin.
const plugin = "vault-plugin-secrets-sei"

// part is what a release has for one platform.
type part struct {
	platform v1.Platform
	name     string // of the program in the release
	sum      string // its SHA-256 in hex
	program  []byte
	sbom     []byte // CycloneDX, as JSON
}

// readRelease reads the parts for some platforms, such as linux/amd64. It fails if a
// file is missing, or is not the one whose sum the release has.
func readRelease(folder, version string, platforms []string) ([]part, error) {
	sums, err := readSums(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var parts []part
	for _, written := range platforms {
		platform, err := v1.ParsePlatform(written)
		if err != nil || platform.OS != "linux" || platform.Architecture == "" || platform.String() != written {
			return nil, fmt.Errorf("%q is no platform of an image: linux/amd64, or linux/arm64", written)
		}
		if seen[written] {
			return nil, fmt.Errorf("%s is asked for twice", written)
		}
		seen[written] = true
		p := part{platform: *platform, name: plugin + "_" + version + "_" + platform.OS + "_" + platform.Architecture}
		p.sum = sums[p.name]
		if p.program, err = verified(folder, p.name, sums); err != nil {
			return nil, err
		}
		if p.sbom, err = verified(folder, p.name+".cdx.json", sums); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// readSums reads what sha256sum writes: a sum, two spaces or a space and a star, a name.
func readSums(path string) (map[string]string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the release that was asked for
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(data)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		raw, err := hex.DecodeString(sum)
		if !ok || err != nil || len(raw) != sha256.Size || len(name) < 2 {
			return nil, fmt.Errorf("%s has a line that is no sum", path)
		}
		sums[name[1:]] = sum
	}
	if len(sums) == 0 {
		return nil, errors.New(path + " has no sum")
	}
	return sums, nil
}

func verified(folder, name string, sums map[string]string) ([]byte, error) {
	want, ok := sums[name]
	if !ok {
		return nil, fmt.Errorf("the release has no %s", name)
	}
	data, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // the release that was asked for
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		return nil, fmt.Errorf("%s is not what SHA256SUMS says", name)
	}
	return data, nil
}
