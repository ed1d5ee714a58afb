package beam

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// An object is one of Kubernetes, as its YAML has it.
type object map[string]any

// at is the value at a path of keys and of positions in lists; nil if there is none.
func (o object) at(path ...any) any {
	var v any = map[string]any(o)
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func objects(t *testing.T, path string) map[string]object {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, d := map[string]object{}, yaml.NewDecoder(bytes.NewReader(text))
	for {
		o := map[string]any{}
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all[fmt.Sprint(o["kind"])] = o
	}
}

// flagOf is the value of a flag on a command line, which stands behind = or is the next argument.
func flagOf(command any, name string) string {
	words, _ := command.([]any)
	for i, word := range words {
		if value, found := strings.CutPrefix(fmt.Sprint(word), "--"+name+"="); found {
			return value
		}
		if word == "--"+name && i+1 < len(words) {
			return fmt.Sprint(words[i+1])
		}
	}
	return ""
}

// TestKubernetes: what the objects of the worked example say of one another is so.
func TestKubernetes(t *testing.T) {
	all, run := objects(t, "kubernetes/flink.yaml"), objects(t, "kubernetes/run.yaml")
	flink, server, service, policy, job := all["FlinkDeployment"], all["Deployment"], all["Service"], all["NetworkPolicy"], run["Job"]
	serves := server.at("spec", "template", "spec", "containers", 0, "command")
	drives := job.at("spec", "template", "spec", "containers", 0, "command")
	volume := []any{"spec", "volumes", 0, "persistentVolumeClaim", "claimName"}
	mount := []any{"spec", "containers", 0, "volumeMounts", 0, "mountPath"}
	in := func(path []any, first ...any) []any { return append(slices.Clone(first), path...) }
	cache := fmt.Sprint(drives)
	for what, pair := range map[string][2]any{
		"the job server's master":        {flagOf(serves, "flink-master"), fmt.Sprint(flink.at("metadata", "name"), "-rest:8081")},
		"the job server's name":          {flagOf(serves, "job-host"), service.at("metadata", "name")},
		"the service's first port":       {fmt.Sprint(service.at("spec", "ports", 0, "port")), flagOf(serves, "job-port")},
		"the service's second port":      {fmt.Sprint(service.at("spec", "ports", 1, "port")), flagOf(serves, "artifact-port")},
		"the service's pods":             {fmt.Sprint(service.at("spec", "selector")), fmt.Sprint(server.at("spec", "template", "metadata", "labels"))},
		"the policy's pods":              {fmt.Sprint(policy.at("spec", "podSelector", "matchLabels")), fmt.Sprint(service.at("spec", "selector"))},
		"who is let in":                  {fmt.Sprint(policy.at("spec", "ingress", 0, "from", 0, "podSelector", "matchLabels")), fmt.Sprint(job.at("spec", "template", "metadata", "labels"))},
		"the driver's endpoint":          {flagOf(drives, "endpoint"), fmt.Sprint(service.at("metadata", "name"), ":", flagOf(serves, "job-port"))},
		"the driver's parallelism":       {flagOf(drives, "parallelism"), fmt.Sprint(flink.at("spec", "taskManager", "replicas"))},
		"the cluster's parallelism":      {flink.at("spec", "flinkConfiguration", "parallelism.default"), fmt.Sprint(flink.at("spec", "taskManager", "replicas"))},
		"slots":                          {flink.at("spec", "flinkConfiguration", "taskmanager.numberOfTaskSlots"), "1"},
		"the driver's claim":             {job.at(in(volume, "spec", "template")...), flink.at(in(volume, "spec", "podTemplate")...)},
		"where it is mounted":            {job.at(in(mount, "spec", "template")...), flink.at(in(mount, "spec", "podTemplate")...)},
		"the driver's image":             {job.at("spec", "template", "spec", "containers", 0, "image"), flink.at("spec", "image")},
		"the job server's image":         {server.at("spec", "template", "spec", "containers", 0, "image"), flink.at("spec", "image")},
		"the cores":                      {strings.Contains(cache, fmt.Sprint("workers=", flink.at("spec", "taskManager", "resource", "cpu"))), true},
		"that the cache is on the claim": {strings.Contains(cache, fmt.Sprint("cache=", flink.at(in(mount, "spec", "podTemplate")...))), true},
	} {
		if pair[0] != pair[1] || pair[0] == nil || pair[0] == "" {
			t.Errorf("%s: %v, want %v", what, pair[0], pair[1])
		}
	}
	pom, err := os.ReadFile("flink/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`beam-runners-flink-([0-9.]+)`).FindSubmatch(pom)
	docker, err := os.ReadFile("kubernetes/Dockerfile")
	if err != nil || version == nil {
		t.Fatal(err)
	}
	if want := "v" + strings.ReplaceAll(string(version[1]), ".", "_"); flink.at("spec", "flinkVersion") != want {
		t.Errorf("Flink's version is %v, want %s", flink.at("spec", "flinkVersion"), want)
	}
	if want := "FROM flink:" + string(version[1]); !strings.Contains(string(docker), want) {
		t.Errorf("the image is not %s", want)
	}
}
