// Package results names what a run leaves in its directory for people and programs to read: the rows of its Parquet files.
package results

import "strconv"

// Files of a run's directory.
const (
	PerturbationsFile = "perturbations.parquet" // Perturbation
	ScoresDir         = "scores"                // *.parquet of Score, one file per target model and explanation
	MapsDir           = "maps"                  // *.parquet of MapsOf, one file per perturbation and target model, if they are kept
	TablesDir         = "tables"                // *.parquet of Cell, one file per table; that of ModelsTable is of Model
	FiguresDir        = "figures"
	ExamplesFile      = "examples.parquet" // in FiguresDir: Example
	ReportFile        = "report.html"
	ReadmeFile        = "README.md" // what lies in the directory, for people
)

// Tables of a run.
const (
	// ModelsTable says how right each model is on its clean images, and how many of them have a map.
	ModelsTable = "models"
	// SummaryTable scores each perturbation on the models that it was fitted on.
	SummaryTable = "summary"
	// TransferTable scores each perturbation on every model of the same images.
	TransferTable = "transfer"
	// CrossTable scores perturbations that were fitted for one explanation through the others too.
	CrossTable = "cross"
	// ExplanationsTable compares each two explanations under each method, image by image.
	ExplanationsTable = "explanations"
	// SignTable holds the normalised L2 of +delta and -delta on images of the fit split, and the difference of the two: metrics
	// fit_plus, fit_minus and fit_difference.
	SignTable = "sign"
	// AgainstTable and the name of an attack of RoleBaseline or RoleUpper name the table that compares the other methods with it
	// on the models that they were fitted on, image by image.
	AgainstTable = "against_"
)

// WarningsKey is the key in the footer of a table's Parquet file under which the warnings about the table lie: a JSON list of
// sentences, absent where there are none.
const WarningsKey = "upi.warnings"

// A Role is what an attack is in a comparison.
type Role string

// The roles, in the order in which tables list them.
const (
	// RoleNothing is no perturbation at all.
	RoleNothing Role = "nothing"
	// RoleRandom is a perturbation by chance: what all others are compared to in the summary.
	RoleRandom Role = "random"
	// RoleBaseline is a method of another aim; the others are compared to it in an AgainstTable.
	RoleBaseline Role = "baseline"
	// RoleMethod is a method under study.
	RoleMethod Role = "method"
	// RoleUpper is the upper reference, which no single pattern is bound to reach; the others are compared to it in an AgainstTable.
	RoleUpper Role = "upper"
)

// Roles lists all roles in the order of the tables.
var Roles = []Role{RoleNothing, RoleRandom, RoleBaseline, RoleMethod, RoleUpper}

// Splits of a dataset.
const (
	FitSplit  = "fit"
	TestSplit = "test"
)

// A Model is what one model says of the clean images of one split, through one explanation.
type Model struct {
	Model string `parquet:"model"`
	// Split is FitSplit or TestSplit; the fit split ends where the attacks' fit_images do.
	Split       string `parquet:"split"`
	Explanation string `parquet:"explanation"`
	Classes     int64  `parquet:"classes"`
	// Images is the number of images that were looked at, Missing that of those whose task has failed.
	Images  int64 `parquet:"images"`
	Missing int64 `parquet:"missing"`
	// Right is how many images have the label that the model answers, Accuracy their share, and StdError its standard error; NULL
	// without images, the error also for a single one.
	Right    int64    `parquet:"right"`
	Accuracy *float64 `parquet:"accuracy"`
	StdError *float64 `parquet:"std_error"`
	// Commonest is the share of the commonest label among the images, which one answer to all of them gets; NULL without images.
	// Uniform is 1 / Classes.
	Commonest *float64 `parquet:"chance_commonest"`
	Uniform   float64  `parquet:"chance_uniform"`
	// Saturated is how many images have a probability of the explained class that is exactly 0 or 1 in float32.
	Saturated int64 `parquet:"saturated"`
	// NoMap is how many images have an explanation of only zeros, and NotFinite one that is infinite or not a number.
	NoMap     int64 `parquet:"no_map"`
	NotFinite int64 `parquet:"not_finite"`
}

// A Perturbation is one pattern for all images, in pixel units.
type Perturbation struct {
	ID string `parquet:"id"`
	// Method is the attack's name in the config, Kind its kind, and Role what it is in a comparison.
	Method string `parquet:"method"`
	Kind   string `parquet:"kind"`
	Role   Role   `parquet:"role"`
	// Model is the source model's name; several are joined by "+". Source is the same, under the name that scores and tables have for it;
	// files of earlier versions lack it.
	Model  string `parquet:"model"`
	Source string `parquet:"source,optional"`
	// Explanation is its name in the config, and Score "probability" or "logit".
	Explanation string  `parquet:"explanation"`
	Score       string  `parquet:"score"`
	Norm        string  `parquet:"norm"`
	Eps         float64 `parquet:"eps"`
	Seed        int64   `parquet:"seed"`
	// Draw numbers the perturbations that an attack draws for one seed.
	Draw int64 `parquet:"draw"`
	// SmoothingSigma or SmoothingRadius is the noise that the attack climbed through, in pixel units, and SmoothingDraws how often
	// it was drawn for each image and gradient; NULL and 0 for attacks that look at no image.
	SmoothingSigma  *float64 `parquet:"smoothing_sigma"`
	SmoothingRadius *float64 `parquet:"smoothing_radius"`
	SmoothingDraws  int64    `parquet:"smoothing_draws"`
	// Precision is that of the gradients that the attack looked at: float32, also of attacks that look at none, or bfloat16. Whatever
	// else is in a run's directory was computed in float32.
	Precision string `parquet:"precision,optional"`
	// Sign is +1 or -1: the sign under which Delta is scored; 0 where it should have been decided and was not, as a task has failed.
	Sign int32 `parquet:"sign"`
	// FitPlus and FitMinus are the mean normalised L2 of +Delta and -Delta over FitImages fit images; NULL where they were not
	// measured.
	FitPlus   *float64 `parquet:"fit_plus"`
	FitMinus  *float64 `parquet:"fit_minus"`
	FitImages int64    `parquet:"fit_images"`
	// ExplainedShare and SingularRatio are UPI-PCA's share of the spectrum and sigma_2 / sigma_1, Singular the leading singular
	// values; NULL and empty for other attacks.
	ExplainedShare *float64  `parquet:"explained_share"`
	SingularRatio  *float64  `parquet:"singular_ratio"`
	Singular       []float32 `parquet:"singular"`
	// TraceStep and TraceValue are the objective on held-back fit images while an iterative attack climbed, or how far fit images'
	// maps moved each time that a direction was refined; empty for others.
	TraceStep  []int32   `parquet:"trace_step"`
	TraceValue []float32 `parquet:"trace_value"`
	Shape      []int32   `parquet:"shape"`
	Delta      []float32 `parquet:"delta"`
}

// A Score is one image under one perturbation.
type Score = ScoreOf[int64]

// A NamedScore is that of an image whose id is a text.
type NamedScore = ScoreOf[string]

// A ScoreOf is one image, with an id of this type, under one perturbation.
type ScoreOf[ID int64 | string] struct {
	Perturbation string `parquet:"perturbation"`
	// Method to Draw are the perturbation's, so that a table's cell is a query over the scores alone: those of an attack per image,
	// which has a perturbation for each row, are in no other file.
	Method string  `parquet:"method"`
	Kind   string  `parquet:"kind"`
	Role   Role    `parquet:"role"`
	Source string  `parquet:"source"`
	Norm   string  `parquet:"norm"`
	Eps    float64 `parquet:"eps"`
	Seed   int64   `parquet:"seed"`
	Draw   int64   `parquet:"draw"`
	// Model is the target model's name. Target is the same, under the name that tables have for it; files of earlier versions lack it.
	Model       string `parquet:"model"`
	Target      string `parquet:"target,optional"`
	Explanation string `parquet:"explanation"`
	// FittedFor is the explanation that the perturbation was fitted for. Files of earlier versions lack it.
	FittedFor string `parquet:"fitted_for,optional"`
	ImageID   ID     `parquet:"image_id"`
	Label     int64  `parquet:"label"`
	Sign      int32  `parquet:"sign"`
	Clip      string `parquet:"clip"`
	// CleanClass and PerturbedClass are what the model answers, CleanProbability and PerturbedProbability the probabilities of the class that
	// the map explains. Files of earlier versions lack them.
	CleanClass           int64   `parquet:"clean_class,optional"`
	PerturbedClass       int64   `parquet:"perturbed_class,optional"`
	CleanProbability     float64 `parquet:"clean_probability,optional"`
	PerturbedProbability float64 `parquet:"perturbed_probability,optional"`
	// Metrics are a column each, in the order of the config; NaN, NULL in the file, where a metric is not defined on the image.
	Metrics []float64 `parquet:",columns"`
}

// A Cell is one number of a table. What the run was asked for and could not compute is a cell too, of no images and NULL.
type Cell struct {
	Method string `parquet:"method"`
	Kind   string `parquet:"kind"`
	Role   Role   `parquet:"role"`
	// Source is the model that the perturbation was fitted on, Target the one that it was scored on. Diagonal says that
	// Target is one of the sources.
	Source   string `parquet:"source"`
	Target   string `parquet:"target"`
	Diagonal bool   `parquet:"diagonal"`
	// Explanation is the one that is scored, FittedFor the one that the perturbation was fitted for: the same but in the CrossTable. Other, in
	// the ExplanationsTable, is the one that Explanation is compared with; empty elsewhere. Files of earlier versions lack these two.
	Explanation string  `parquet:"explanation"`
	FittedFor   string  `parquet:"fitted_for,optional"`
	Other       string  `parquet:"other,optional"`
	Norm        string  `parquet:"norm"`
	Eps         float64 `parquet:"eps"`
	Metric      string  `parquet:"metric"`
	// Images is the number of images in the mean; LeftOut those of the split that are not: misclassified, without a map, or
	// without this metric. In the SignTable they add up to the fit images that the sign was to be decided on; where the
	// perturbations of a cell have more images than that between them, LeftOut is added up over them.
	Images  int64 `parquet:"images"`
	LeftOut int64 `parquet:"left_out"`
	// Perturbations is over how many seeds and draws each image's value was averaged first.
	Perturbations int64 `parquet:"perturbations"`
	// Mean over the images, with its standard error; NULL where there is no image.
	Mean     *float64 `parquet:"mean"`
	StdError *float64 `parquet:"std_error"`
	// SeedStdDev is the standard deviation of the mean over seeds and draws; NULL for a single one.
	SeedStdDev *float64 `parquet:"seed_std_dev"`
	// Difference to the random perturbation of the same norm, eps, source, target and explanation, over the same images, with a
	// paired bootstrap 95 % interval; NULL for random itself and where there is none. In an AgainstTable it is the difference to
	// the attack of the table, Images are those that both have, and Mean and what belongs to it are NULL.
	Difference *float64 `parquet:"difference"`
	Low        *float64 `parquet:"low"`
	High       *float64 `parquet:"high"`
}

// ShapeKey is the key in the footer of a file of maps under which their shape lies: [height, width] as JSON.
const ShapeKey = "upi.shape"

// A MapsOf is the saliency maps of one image, with an id of this type, clean and perturbed. Images without either map have no row.
type MapsOf[ID int64 | string] struct {
	ImageID ID `parquet:"image_id"`
	// Clean and Perturbed are the maps as float16, flat and row by row, each divided by its largest value, which the scale is.
	CleanScale     float64   `parquet:"clean_scale"`
	Clean          []float32 `parquet:"clean,half"`
	PerturbedScale float64   `parquet:"perturbed_scale"`
	Perturbed      []float32 `parquet:"perturbed,half"`
}

// An Example is one test image and its map, clean and perturbed.
type Example struct {
	ID int64 `parquet:"id"`
	// Name is the id where that is a text, else empty.
	Name string `parquet:"name"`
	// Title says which perturbation and which model, such as "upi_grad, l2 510, mnist_cnn, sg".
	Title string `parquet:"title"`
	// The classes are numbers; their names may be empty.
	Label               int64  `parquet:"label"`
	LabelName           string `parquet:"label_name"`
	CleanPrediction     int64  `parquet:"clean_prediction"`
	CleanName           string `parquet:"clean_name"`
	PerturbedPrediction int64  `parquet:"perturbed_prediction"`
	PerturbedName       string `parquet:"perturbed_name"`
	// Shape is height, width, channels (1 or 3).
	Shape []int32 `parquet:"shape"`
	// Image and Perturbed hold H x W x C values in pixel units; those of Perturbed may lie outside 0..255.
	Image     []float32 `parquet:"image"`
	Perturbed []float32 `parquet:"perturbed"`
	// CleanMap and PerturbedMap hold H x W values.
	CleanMap     []float32 `parquet:"clean_map"`
	PerturbedMap []float32 `parquet:"perturbed_map"`
	// Region is the box that the perturbation is to bring the map to, [top, left, height, width] in pixels, and Target the map that it is
	// to become, H x W values; empty where it is after something else. Files of earlier versions lack them.
	Region []int32   `parquet:"region,optional"`
	Target []float32 `parquet:"target,optional"`
}

// ImageID is the image's id as text.
func (e Example) ImageID() string {
	if e.Name != "" {
		return e.Name
	}
	return strconv.FormatInt(e.ID, 10)
}
