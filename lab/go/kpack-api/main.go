// Command kpack-api is kpack's own API package as a program: what its webhook and its controller
// make of objects, without a cluster.
//
// It reads JSON objects from standard input, one after the other: Secrets first, and then a Build
// or an Image that a ServiceAccount with those Secrets builds. For each Build and Image it writes a
// line of JSON: what is wrong with it; the object with kpack's defaults; the Build that kpack's
// controller creates for an Image, and the pod of the Build.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	build "github.com/pivotal/kpack/pkg/apis/build/v1alpha2"
	core "github.com/pivotal/kpack/pkg/apis/core/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The builder: what kpack's controller reads from the labels of the builder's image.
const (
	builderImage = "registry.invalid/builder@sha256:0000000000000000000000000000000000000000000000000000000000000001"
	runImage     = "registry.invalid/run@sha256:0000000000000000000000000000000000000000000000000000000000000002"
	platformAPI  = "0.8"
	userID       = 1001
)

// What kpack's controller asks of a Builder or ClusterBuilder for the first Build of an Image.
type readyBuilder struct {
	build.BuilderResource
	name, kind string
}

func (b readyBuilder) GetName() string  { return b.name }
func (b readyBuilder) GetKind() string  { return b.kind }
func (b readyBuilder) RunImage() string { return runImage }
func (b readyBuilder) BuildBuilderSpec() core.BuildBuilderSpec {
	return core.BuildBuilderSpec{Image: builderImage}
}

type answer struct {
	Error     string       `json:"error"`
	Defaulted any          `json:"defaulted,omitempty"`
	Build     *build.Build `json:"build,omitempty"`
	Pod       *corev1.Pod  `json:"pod,omitempty"`
}

func main() {
	decoder := json.NewDecoder(os.Stdin)
	var secrets []corev1.Secret
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fail(err)
		}
		var meta metav1.TypeMeta
		if err := json.Unmarshal(raw, &meta); err != nil {
			fail(err)
		}
		switch meta.Kind {
		case "Secret":
			var secret corev1.Secret
			if err := strictly(raw, &secret); err != nil {
				fail(err)
			}
			secrets = append(secrets, secret)
		case build.BuildKind:
			say(ofBuild(raw, secrets))
		case build.ImageKind:
			say(ofImage(raw, secrets))
		default:
			fail(fmt.Errorf("kind %q is neither Secret, Build nor Image", meta.Kind))
		}
	}
}

// A webhook of a cluster that has a default StorageClass: there kpack's defaults do the most.
func webhook() context.Context {
	return context.WithValue(context.Background(), build.HasDefaultStorageClass, true)
}

func ofBuild(raw []byte, secrets []corev1.Secret) answer {
	var object build.Build
	if err := strictly(raw, &object); err != nil {
		return answer{Error: err.Error()}
	}
	object.SetDefaults(webhook())
	if err := object.Validate(webhook()); err != nil {
		return answer{Error: err.Error(), Defaulted: object}
	}
	pod, err := podOf(&object, secrets)
	return answer{Error: text(err), Defaulted: object, Pod: pod}
}

func ofImage(raw []byte, secrets []corev1.Secret) answer {
	var object build.Image
	if err := strictly(raw, &object); err != nil {
		return answer{Error: err.Error()}
	}
	object.SetDefaults(webhook())
	if err := object.Validate(webhook()); err != nil {
		return answer{Error: err.Error(), Defaulted: object}
	}
	source := object.SourceResolver()
	source.ResolvedSource(core.ResolvedSourceConfig{Git: &core.ResolvedGitSource{
		URL:      object.Spec.Source.Git.URL,
		Revision: object.Spec.Source.Git.Revision,
		SubPath:  object.Spec.Source.SubPath,
		Type:     core.Commit,
	}})
	builder := readyBuilder{name: object.Spec.Builder.Name, kind: object.Spec.Builder.Kind}
	first := object.Build(source, builder, nil, build.BuildReasonConfig, "", 1, "")
	first.TypeMeta = metav1.TypeMeta{APIVersion: object.APIVersion, Kind: build.BuildKind}
	pod, err := podOf(first, secrets)
	return answer{Error: text(err), Defaulted: object, Build: first, Pod: pod}
}

func podOf(object *build.Build, secrets []corev1.Secret) (*corev1.Pod, error) {
	images := build.BuildPodImages{
		BuildInitImage:  "registry.invalid/build-init",
		CompletionImage: "registry.invalid/completion",
		RebaseImage:     "registry.invalid/rebase",
	}
	pod, err := object.BuildPod(images, build.BuildContext{
		Secrets: secrets,
		BuildPodBuilderConfig: build.BuildPodBuilderConfig{
			StackID:      "io.buildpacks.stacks.jammy",
			RunImage:     runImage,
			Uid:          userID,
			Gid:          userID,
			PlatformAPIs: []string{platformAPI},
			OS:           "linux",
		},
	})
	if pod != nil {
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	}
	return pod, err
}

// The CRDs of kpack take any field: so a misspelt one is only found here.
func strictly(raw []byte, object any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(object)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func say(it answer) {
	if err := json.NewEncoder(os.Stdout).Encode(it); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "kpack-api:", err)
	os.Exit(1)
}
