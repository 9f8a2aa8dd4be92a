package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The media types of what refers to an image. The empty configuration is what OCI has
// for a manifest that is no image:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor
const (
	emptyConfig = "application/vnd.oci.empty.v1+json"
	cycloneDX   = "application/vnd.cyclonedx+json"
	inToto      = "application/vnd.in-toto+json"
)

// artifact is a document that refers to an image: an OCI manifest whose subject is the
// image and whose one layer is the document. It can be read by many at once.
type artifact struct {
	manifest []byte
	content  []byte
}

// newArtifact makes one. The annotations say more of what it is, in lists of referrers too.
func newArtifact(subject v1.Descriptor, kind string, content []byte, annotations map[string]string) (v1.Image, error) {
	config := []byte("{}")
	configSum, _, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	contentSum, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: kind,
		Config:      v1.Descriptor{MediaType: emptyConfig, Size: int64(len(config)), Digest: configSum},
		Layers:      []v1.Descriptor{{MediaType: types.MediaType(kind), Size: size, Digest: contentSum}},
		Subject:     &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest},
		Annotations: annotations,
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(artifact{manifest, content})
}

// RawConfigFile is the empty configuration.
func (artifact) RawConfigFile() ([]byte, error) { return []byte("{}"), nil }

// MediaType is that of a manifest.
func (artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// RawManifest is the manifest as it is stored.
func (a artifact) RawManifest() ([]byte, error) { return a.manifest, nil }

// LayerByDigest finds the document, or the configuration.
func (a artifact) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(a.manifest))
	if err != nil {
		return nil, err
	}
	switch digest {
	case manifest.Layers[0].Digest:
		return blob{manifest.Layers[0], a.content}, nil
	case manifest.Config.Digest:
		return blob{manifest.Config, []byte("{}")}, nil
	}
	return nil, fmt.Errorf("no layer %s", digest)
}

// blob is content as it stands, with what describes it.
type blob struct {
	is      v1.Descriptor
	content []byte
}

// Digest is the content's SHA-256.
func (b blob) Digest() (v1.Hash, error) { return b.is.Digest, nil }

// Compressed is the content, which nobody compressed.
func (b blob) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

// Size is in bytes.
func (b blob) Size() (int64, error) { return b.is.Size, nil }

// MediaType is the content's.
func (b blob) MediaType() (types.MediaType, error) { return b.is.MediaType, nil }
