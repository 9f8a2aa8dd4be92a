package main

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Where Go's crypto/x509 looks for certificate authorities on Linux first, and the user
// and group who run the program: numbers, as there is no /etc/passwd.
const (
	rootsFile = "etc/ssl/certs/ca-certificates.crt"
	user      = "65532:65532"
)

// epoch is the time of all that has one in an image, so that it does not change with it.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// platformImage has two layers, the certificate authorities and the program, and nothing
// else: no shell and no libraries.
func platformImage(p part, authorities v1.Layer, labels map[string]string) (v1.Image, error) {
	program, err := layerOf(plugin, 0o755, p.program)
	if err != nil {
		return nil, err
	}
	base := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	base = mutate.ConfigMediaType(base, types.OCIConfigJSON)
	config := &v1.ConfigFile{
		OS: p.platform.OS, Architecture: p.platform.Architecture, Created: v1.Time{Time: epoch()},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{User: user, Entrypoint: []string{"/" + plugin}, Labels: labels},
	}
	base, err = mutate.ConfigFile(base, config)
	if err != nil {
		return nil, err
	}
	return mutate.Append(base,
		mutate.Addendum{Layer: authorities, History: v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "make image: /" + rootsFile}},
		mutate.Addendum{Layer: program, History: v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "make image: /" + plugin}})
}

// layerOf is a layer with one file, of root, and the folders that it is in.
func layerOf(name string, mode int64, content []byte) (v1.Layer, error) {
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, dir := range parents(name) {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch(), Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), ModTime: epoch(), Format: tar.FormatUSTAR}
	if err := archive.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := archive.Write(content); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// parents are the folders that a path is in, the outermost first.
func parents(name string) []string {
	var all []string
	for at, letter := range name {
		if letter == '/' {
			all = append(all, path.Clean(name[:at]))
		}
	}
	return all
}

// labelsOf are OCI's own labels and annotations, those whose facts are known:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
func labelsOf(f facts) map[string]string {
	const prefix = "org.opencontainers.image."
	labels := map[string]string{
		prefix + "title":       plugin,
		prefix + "description": "Secrets engine for Vault and OpenBao that keeps the credentials of integrations with engineering tools",
		prefix + "version":     f.version,
		prefix + "licenses":    "MPL-2.0",
	}
	for name, value := range map[string]string{"source": f.source, "revision": f.revision} {
		if value != "" {
			labels[prefix+name] = value
		}
	}
	return labels
}
