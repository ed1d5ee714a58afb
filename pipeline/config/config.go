// Package config reads the YAML file that describes a run.
//
// A configuration is built in layers: the defaults, the files of the extends
// chain from the outermost parent to the file named, environment variables
// that begin with UPI_, and --set expressions. Every layer is checked as
// strictly as the last, and all problems are reported at once in an [Error].
//
// Explanations and attacks are open sets: the package knows their names and
// kinds, and the caller's [Kinds] says what settings a kind has.
package config

import (
	"cmp"
	"errors"
)

// Config is a run's configuration with every default in place.
type Config struct {
	// Name is the run's directory below Output; the file's base name if absent.
	Name string `yaml:"name"`
	// Output is the directory of all runs, relative to the working directory.
	Output string `yaml:"output"`
	// Cache is the directory of the artefact cache.
	Cache string `yaml:"cache"`
	// Seed is the short form of Seeds with one element; nil once loaded.
	Seed *uint64 `yaml:"seed,omitempty"`
	// Seeds are the seeds of the random streams, at least one once loaded.
	Seeds []uint64 `yaml:"seeds"`
	// Device is auto, cpu, gpu or gpu:N.
	Device string `yaml:"device"`
	// Memory bounds what the whole process may hold.
	Memory Bytes `yaml:"memory"`
	// KeepGradients keeps the rows of gradients in the cache when the directions are found in them.
	KeepGradients bool `yaml:"keep_gradients"`
	// Workers is the number of tasks that run at once; 0 is one per core.
	Workers int `yaml:"workers"`
	// Precision is that of the gradients that attacks look at, float32 or bfloat16; an attack may name its own.
	Precision string `yaml:"precision"`
	// Deterministic asks for results that are equal to the bit for every batch size.
	Deterministic bool       `yaml:"deterministic"`
	Data          Data       `yaml:"data,omitempty"`
	Models        []Model    `yaml:"models"`
	Explanations  []Item     `yaml:"explanations"`
	Attacks       []Item     `yaml:"attacks"`
	Evaluation    Evaluation `yaml:"evaluation"`
	// Goal is where maps are to be, for the objectives and metrics that look at it.
	Goal Goal `yaml:"goal,omitempty"`
	// Labels are what tables and figures write in place of the names of attacks, models, explanations and metrics.
	Labels map[string]string `yaml:"labels,omitempty"`
	// Expect are conditions on the results.
	Expect []Expectation `yaml:"expect,omitempty"`
	Report Report        `yaml:"report,omitempty"`
}

// Report says what the report shows.
type Report struct {
	// Examples are the ids of the test images that are shown with their maps; by default the first that are scored.
	Examples []ImageID `yaml:"examples,omitempty"`
}

// An ImageID is an image's id as text, whether the shards' ids are numbers or texts.
type ImageID string

// UnmarshalText takes any text but an empty one.
func (id *ImageID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return errors.New("want an id")
	}
	*id = ImageID(text)
	return nil
}

// Goal is where maps are to be: in a box, or like a given map.
type Goal struct {
	// Region is a box in pixels of the map.
	Region *Region `yaml:"region,omitempty"`
	// Target is the path of a grey PNG of the map's size.
	Target string `yaml:"target,omitempty"`
}

// Region is a box: its first row and column, counted from 0, and its size in pixels.
type Region struct {
	Top    int `yaml:"top"`
	Left   int `yaml:"left"`
	Height int `yaml:"height"`
	Width  int `yaml:"width"`
}

// Data names the shards that perturbations are fitted and evaluated on.
type Data struct {
	// Columns are those of both splits; a split may name others.
	Columns `yaml:",inline" mapstructure:",squash"`
	// Pictures says which pixels the pictures of both stand for.
	Pictures Pictures `yaml:",inline"`
	Fit      Split    `yaml:"fit"`
	Test     Split    `yaml:"test"`
}

// Columns names the columns of shards; empty names stand for the usual ones.
type Columns struct {
	// Image holds the pictures: image, img or pixels.
	Image string `yaml:"image,omitempty"`
	// Label holds the classes, as numbers or texts: label.
	Label string `yaml:"label,omitempty"`
	// ID holds the ids, as numbers or texts: id, if there is such a column. none numbers images by their place.
	ID string `yaml:"id,omitempty"`
}

// Pictures says which pixels pictures stand for. Its zero value takes them as they are, turned as their EXIF orientation asks for.
type Pictures struct {
	Resize Resize `yaml:"resize,omitempty"`
	// OnAlpha is drop (transparency, whatever colour it hides; the default) or white (lay what is transparent on white).
	OnAlpha string `yaml:"on_alpha,omitempty"`
	// Orientation is exif (turn pictures as they ask for; the default) or stored (leave them as they lie in their files).
	Orientation string `yaml:"orientation,omitempty"`
}

// Resize brings pictures to one size when they are read. Its zero value keeps theirs.
type Resize struct {
	// Like is a library whose preparation of pictures is taken; then Mode, Shorter and Filter are not given.
	Like string `yaml:"like,omitempty"`
	// Mode is crop, squash or pad.
	Mode string `yaml:"mode,omitempty"`
	// Size is the height and width of the result.
	Size int `yaml:"size,omitempty"`
	// Shorter is what the shorter side is scaled to before a square is cut out of the middle; 0 is Size.
	Shorter int `yaml:"shorter,omitempty"`
	// Filter is bilinear (the default), bicubic, lanczos or nearest.
	Filter string `yaml:"filter,omitempty"`
}

// Split is a set of image shards.
type Split struct {
	// Path is a file, a directory or a glob pattern.
	Path string `yaml:"path"`
	// Limit takes the first images only; 0 takes all.
	Limit int `yaml:"limit"`
	// Columns of this split, those of the data once loaded where it names none.
	Columns `yaml:",inline" mapstructure:",squash"`
}

// inherit gives the splits the columns that are named for both.
func (d *Data) inherit() {
	for _, s := range []*Split{&d.Fit, &d.Test} {
		s.Image, s.Label, s.ID = cmp.Or(s.Image, d.Image), cmp.Or(s.Label, d.Label), cmp.Or(s.ID, d.ID)
	}
}

// Model is a SavedModel directory and how to call it.
type Model struct {
	Name string `yaml:"name"`
	Path string `yaml:"path"`
	// Data replaces the run's data for a model of another data set.
	Data *Data `yaml:"data,omitempty"`
	// Goal replaces the run's for a model whose maps are of another size.
	Goal *Goal `yaml:"goal,omitempty"`
	// Signature is the SavedModel's signature to call.
	Signature string      `yaml:"signature"`
	Input     ModelInput  `yaml:"input"`
	Output    ModelOutput `yaml:"output"`
	// CustomGradients is refuse, or ignore: differentiate the ops where Python gives them a gradient of their own.
	CustomGradients string `yaml:"custom_gradients"`
	// Layer names the layer that explanations by grad_cam look at which name none themselves.
	Layer string `yaml:"layer,omitempty"`
}

// SetDefaults implements [Defaulter].
func (m *Model) SetDefaults() {
	m.Signature = "serving_default"
	m.CustomGradients = "refuse"
	m.Input.SetDefaults()
	m.Output.SetDefaults()
}

// ModelInput says what becomes of an image in pixel units before the model's own
// first op: Scale*x + Offset, in the given order of channels and layout.
type ModelInput struct {
	// Name is the signature's input; empty where it has only one.
	Name string `yaml:"name"`
	// Preprocess is one of Keras' conventions (caffe, tf, torch), in place of Scale, Offset and Channels.
	Preprocess string `yaml:"preprocess,omitempty"`
	// Scale and Offset are a number, or one per channel in the model's order.
	Scale  PerChannel `yaml:"scale"`
	Offset PerChannel `yaml:"offset"`
	// Channels is their order in the model, rgb or bgr; rgb if empty.
	Channels string `yaml:"channels,omitempty"`
	// Layout is NHWC or NCHW.
	Layout string `yaml:"layout"`
	// Shape is height, width, channels for a model that leaves them open; by default those of its data.
	Shape []int `yaml:"shape,omitempty"`
}

// SetDefaults implements [Defaulter].
func (in *ModelInput) SetDefaults() {
	in.Scale = PerChannel{1}
	in.Offset = PerChannel{0}
	in.Layout = "NHWC"
}

// ModelOutput names the tensor of class scores.
type ModelOutput struct {
	// Name is the signature's output; empty where it has only one.
	Name string `yaml:"name"`
	// Head is auto, logits, softmax, log_softmax, sigmoid or binary.
	Head string `yaml:"head"`
}

// SetDefaults implements [Defaulter].
func (out *ModelOutput) SetDefaults() { out.Head = "auto" }

// Item is an explanation or an attack: a name, a kind, and the kind's settings,
// which stand beside name and kind in the file.
type Item struct {
	Name     string
	Kind     string
	Settings Settings
}

// Settings are what one kind of explanation or attack can be told. The type is
// a pointer to a struct with yaml tags; a nested struct may be a [Defaulter].
type Settings interface {
	// Validate returns what is impossible, each preferably a [setting.Error].
	Validate() []error
}

// Defaulter is implemented by structs in lists and optional structs, whose
// defaults cannot be set before it is known that they are there.
type Defaulter interface {
	SetDefaults()
}

// Kinds is what the caller knows and this package does not.
type Kinds struct {
	// Explanations and Attacks give for each kind a constructor of its
	// settings with their defaults.
	Explanations map[string]func() Settings
	Attacks      map[string]func() Settings
	// Metrics are the names that evaluation.metrics may hold; nil allows any.
	Metrics []string
	// Check, if set, looks at a configuration that is sound so far as a whole.
	// Its errors are [setting.Error] with keys from the root.
	Check func(*Config) []error
}

// Evaluation says what the perturbations are scored on, and how.
type Evaluation struct {
	// Sign is fit (the better one on the fit split), test or plus.
	Sign string `yaml:"sign"`
	// SignImages is how many images of the fit split decide the sign.
	SignImages Count `yaml:"sign_images"`
	// Clip is none or pixels (keep x + delta in 0..255).
	Clip string `yaml:"clip"`
	// Filter is correct (images that the target classifies right) or all.
	Filter  string   `yaml:"filter"`
	Metrics []string `yaml:"metrics"`
	// TopK is the fraction of the pixels that the metric top_k looks at.
	TopK float64 `yaml:"top_k"`
	// Transfer scores each perturbation on every model, not only on its own.
	Transfer bool `yaml:"transfer"`
	// Maps keeps the maps of all images, clean and perturbed.
	Maps bool `yaml:"maps,omitempty"`
	// CrossExplanations scores each perturbation through the other explanations too.
	CrossExplanations bool `yaml:"cross_explanations,omitempty"`
	// Bootstrap is the number of resamples of the paired intervals.
	Bootstrap int `yaml:"bootstrap"`
}

// Default returns the configuration before any layer.
func Default() *Config {
	return &Config{
		Output:    "runs",
		Cache:     ".upi-cache",
		Device:    "auto",
		Memory:    4 << 30,
		Precision: "float32",
		Evaluation: Evaluation{
			Sign:       "fit",
			SignImages: 256,
			Clip:       "none",
			Filter:     "correct",
			Metrics:    []string{"normalized_l2", "cosine", "prediction_changed"},
			TopK:       0.1,
			Bootstrap:  1000,
		},
	}
}
