package pipeline

import "strconv"

// Difference is what differs between two runs, results apart.
type Difference struct {
	// Settings are those of the configuration.
	Settings []Change
	// Versions are those of the programs, the device and the environment.
	Versions []Change
	// Inputs are files by their role and path; Old and New are hashes.
	Inputs []Change
	// Stages are stage versions.
	Stages []Change
}

// Empty reports whether nothing differs.
func (d Difference) Empty() bool {
	return len(d.Settings)+len(d.Versions)+len(d.Inputs)+len(d.Stages) == 0
}

// Diff compares what two runs were made of.
func Diff(a, b *Manifest) Difference {
	return Difference{
		Settings: changes(flatten(a.Config), flatten(b.Config)),
		Versions: changes(versionsOf(a), versionsOf(b)),
		Inputs:   changes(inputsOf(a), inputsOf(b)),
		Stages:   changes(stageVersionsOf(a), stageVersionsOf(b)),
	}
}

func versionsOf(m *Manifest) map[string]string {
	all := map[string]string{"device": m.Device}
	for name, v := range m.Versions {
		all[name] = v
	}
	for name, v := range m.Environment {
		all["environment."+name] = v
	}
	return all
}

func inputsOf(m *Manifest) map[string]string {
	all := map[string]string{}
	for _, in := range m.Inputs {
		all[in.Role+" "+in.Path] = in.SHA256
	}
	return all
}

func stageVersionsOf(m *Manifest) map[string]string {
	all := map[string]string{}
	for _, s := range m.Stages {
		all[s.Stage] = strconv.Itoa(s.Version)
	}
	return all
}
