// Package planner turns a configuration into the tasks of a run.
package planner

import (
	"fmt"
	goruntime "runtime"
	"strconv"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/pipeline"
	"upi/pipeline/config"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/stages"
)

// A Planner plans the run of a configuration, and holds the engine and the stages that its tasks run on.
type Planner struct {
	config  *config.Config
	engine  *engine.Engine
	stages  *stages.Table
	devices []runtime.Device
	// flat are the attacks of which every gradient is zero.
	flat []error
}

// New finds the devices that a configuration asks for. A GPU that is not there is an error; a precision that the device does not have
// is a [*config.Error].
func New(c *config.Config) (*Planner, error) { return NewOf(c, 0) }

// NewOf is New for a machine that is to have so many calls to TensorFlow at once on its CPU, and not one for each of the workers; 0 is
// as many as workers.
func NewOf(c *config.Config, atOnce int) (*Planner, error) {
	devices, err := runtime.Select(c.Device)
	if err != nil {
		return nil, err
	}
	if err := CheckPrecision(c, devices[0]); err != nil {
		return nil, err
	}
	workers := c.Workers
	if workers <= 0 {
		workers = goruntime.GOMAXPROCS(0)
	}
	options := engine.Options{Devices: devices, Workers: workers, AtOnce: atOnce, Memory: int64(c.Memory), FixedBatch: c.Deterministic}
	if devices[0].GPU {
		if options.DeviceMemory, err = runtime.Memory(devices); err != nil {
			return nil, err
		}
	}
	e := engine.New(options)
	return &Planner{config: c, engine: e, stages: stages.New(e), devices: devices}, nil
}

// Stages are those that its tasks run on, of this process.
func (p *Planner) Stages() pipeline.Stages { return p.stages.All() }

// Environment is what changes bits beside the tasks themselves.
func (p *Planner) Environment() pipeline.Environment {
	return pipeline.Environment{
		"tensorflow":    tf.Version(),
		"device":        p.devices[0].Kind(),
		"deterministic": strconv.FormatBool(p.config.Deterministic),
	}
}

// Device names the devices, for a run's manifest.
func (p *Planner) Device() string {
	var names []string
	for _, d := range p.devices {
		names = append(names, d.String())
	}
	return strings.Join(names, ", ")
}

// Plan adds all tasks of the configuration to a plan. It opens the models and datasets: what does not fit together is an error.
func (p *Planner) Plan(plan *pipeline.Plan) error {
	d := &draft{Planner: p, plan: plan, datasets: map[split]*dataset{}, references: map[string][]stages.Shard{}, orders: map[order][]int{},
		diagnoses: map[string]pipeline.Artefact{}}
	for _, m := range p.config.Models {
		opened, err := d.model(m)
		if err != nil {
			return err
		}
		d.models = append(d.models, opened)
	}
	all, err := d.perturbations()
	if err != nil {
		return err
	}
	tables := d.newTables()
	if tables.Notes, err = d.smoothAlready(all); err != nil {
		return err
	}
	for _, x := range all {
		planned, err := d.perturbation(x)
		if err == nil {
			err = d.checkSecondOrder(x)
		}
		if err == nil {
			err = addTo(&tables, planned)
		}
		if err != nil {
			return fmt.Errorf("plan %s: %w", x.id(), err)
		}
	}
	tables.Models = d.plannedModels()
	if tables.Diagnoses, err = d.plannedDiagnoses(); err != nil {
		return fmt.Errorf("plan diagnoses: %w", err)
	}
	_, err = plan.Add(p.stages.Tables, p.config.Name, tables, pipeline.Published())
	return err
}

// A draft is a plan in the making.
type draft struct {
	*Planner
	plan       *pipeline.Plan
	models     []model
	datasets   map[split]*dataset
	references map[string][]stages.Shard
	// clean are the references that are planned of the networks as they are, without a surrogate.
	clean []seen
	// diagnoses are by the names of the models.
	diagnoses map[string]pipeline.Artefact
	orders    map[order][]int
}

func label(parts ...string) string { return strings.Join(parts, "/") }
