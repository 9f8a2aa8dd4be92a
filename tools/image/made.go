package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// made is an image for all its platforms, and what refers to it.
type made struct {
	version   string
	index     v1.ImageIndex
	digest    v1.Hash
	referrers []referrer
}

// referrer is an artifact with its digest, and what it is in words.
type referrer struct {
	image  v1.Image
	digest v1.Hash
	what   string
}

// assemble makes the image of a release: an image for each platform, with its SBOM, and
// one statement of provenance for them all.
func assemble(o order) (*made, error) {
	parts, err := readRelease(o.release, o.facts.version, o.platforms)
	if err != nil {
		return nil, err
	}
	authorities, err := roots()
	if err != nil {
		return nil, err
	}
	layer, err := layerOf(rootsFile, 0o644, authorities)
	if err != nil {
		return nil, err
	}
	labels := labelsOf(o.facts)
	all := &made{version: o.facts.version}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range parts {
		image, err := platformImage(p, layer, labels)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &p.platform}})
		if err := all.refer(image, cycloneDX, "SBOM "+p.platform.String(), p.sbom, nil); err != nil {
			return nil, err
		}
	}
	annotated, ok := mutate.Annotations(index, labels).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("an index that takes no annotations")
	}
	all.index = annotated
	if all.digest, err = annotated.Digest(); err != nil {
		return nil, err
	}
	said, err := provenanceStatement(all.digest, o.facts, parts, authorities)
	if err != nil {
		return nil, err
	}
	return all, all.refer(annotated, inToto, "provenance", said, map[string]string{"in-toto.io/predicate-type": provenanceOf})
}

// refer adds a document that refers to an image, or to an index.
func (m *made) refer(subject partial.Describable, kind, what string, content []byte, annotations map[string]string) error {
	described, err := partial.Descriptor(subject)
	if err != nil {
		return err
	}
	image, err := newArtifact(*described, kind, content, annotations)
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	m.referrers = append(m.referrers, referrer{image, digest, what})
	return nil
}

// summary is a line for each thing that was made, the image first.
func (m *made) summary() string {
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s image %s\n", m.digest, m.version)
	for _, r := range m.referrers {
		fmt.Fprintf(&lines, "%s %s\n", r.digest, r.what)
	}
	return lines.String()
}

// write makes a folder in OCI's image layout. One that is there is replaced, if it is
// such a layout or empty; it is whole or as it was.
func (m *made) write(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "oci-layout")); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s holds something else than an image", folder)
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil { //nolint:gosec // what is made is for all to read
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(folder), "image-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := m.fill(filepath.Join(temp, "layout")); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.Rename(filepath.Join(temp, "layout"), folder)
}

func (m *made) fill(folder string) error {
	to, err := layout.Write(folder, mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	if err != nil {
		return err
	}
	err = to.AppendIndex(m.index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": m.version}))
	if err != nil {
		return err
	}
	for _, r := range m.referrers {
		if err := to.AppendImage(r.image); err != nil {
			return err
		}
	}
	return nil
}

// push sends everything to a registry, and names it by the tag at last: whoever finds the
// tag finds the rest.
func (m *made) push(ctx context.Context, reference string) error {
	tag, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return err
	}
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if err := remote.WriteIndex(tag.Digest(m.digest.String()), m.index, opts...); err != nil {
		return err
	}
	for _, r := range m.referrers {
		if err := remote.Write(tag.Digest(r.digest.String()), r.image, opts...); err != nil {
			return err
		}
	}
	return remote.Tag(tag, m.index, opts...)
}
