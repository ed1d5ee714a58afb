package results

import "encoding/json"

// ColumnsKey is the key in the footer of a run's Parquet files under which the meanings of their columns lie: a JSON object of sentences
// by the columns' names.
const ColumnsKey = "upi.columns"

// A Column is a column of a file and its meaning.
type Column struct{ Name, Doc string }

// A File is a Parquet file of a run's directory: where it lies, what a row of it is, and its columns in order.
type File struct {
	Path, Row string
	Columns   []Column
}

// Dictionary describes the Parquet files of a run. Scores have a column for each metric too.
var Dictionary = []File{
	{"perturbations.parquet", "a perturbation", PerturbationColumns},
	{"scores/*.parquet", "an image of the evaluation set under a perturbation on a target model", ScoreColumns},
	{"tables/models.parquet", "a model on the clean images of a split, through one explanation", ModelColumns},
	{"tables/*.parquet (all others)", "a cell: one metric of a method at a budget", CellColumns},
	{"maps/*.parquet (with evaluation.maps: true)", "the maps of one image under one perturbation on one target model", MapColumns},
	{"figures/examples.parquet", "a test image with its maps, for figures", ExampleColumns},
}

// Metadata is the entry of a file's footer that tells the columns' meanings: of a file of the dictionary and the metrics that it has.
func Metadata(columns, metrics []Column) map[string]string {
	docs := map[string]string{}
	for _, list := range [][]Column{columns, metrics} {
		for _, c := range list {
			docs[c.Name] = c.Doc
		}
	}
	text, err := json.Marshal(docs)
	if err != nil { // texts can always be encoded
		panic(err)
	}
	return map[string]string{ColumnsKey: string(text)}
}

// PerturbationColumns are those of Perturbation.
var PerturbationColumns = []Column{
	{"id", "names the perturbation: model, explanation, method, norm and eps, seed, and the draw after the first"},
	{"method", "the attack's name in the configuration"},
	{"kind", "the attack's kind"},
	{"role", "what the attack is in a comparison: nothing, random, baseline, method or upper"},
	{"model", "the source model, on which the perturbation was fitted; several are joined by +"},
	{"source", "the same, under the name that scores and tables have for it"},
	{"explanation", "the explanation that the perturbation was fitted for, by its name in the configuration"},
	{"score", "what the explanation differentiates: probability or logit"},
	{"norm", "the norm of the budget: l2 or linf"},
	{"eps", "the budget in pixel units, 0..255"},
	{"seed", "the seed of the random streams"},
	{"draw", "numbers the perturbations that an attack draws for one seed"},
	{"smoothing_sigma", "standard deviation of the noise that the attack climbed through, in pixel units; NULL where it is given by its radius, or there is none"},
	{"smoothing_radius", "L2 norm of that noise, in pixel units; NULL where it is given by sigma, or there is none"},
	{"smoothing_draws", "how often noise was drawn for each image and gradient; 0 for attacks that look at no image"},
	{"precision", "the floats in which the attack computed gradients: float32 or bfloat16; scores are computed in float32"},
	{"sign", "+1 or -1: the sign under which delta is scored; 0 where it should have been decided and was not, as a task has failed"},
	{"fit_plus", "mean normalised L2 of +delta over the fit images that decide the sign; NULL where not measured"},
	{"fit_minus", "mean normalised L2 of -delta over the same images"},
	{"fit_images", "the number of these images"},
	{"explained_share", "UPI-PCA: share of the first direction in the spectrum of the gradients, of all that were taken if it was refined; NULL for other attacks"},
	{"singular_ratio", "UPI-PCA: second singular value over the first"},
	{"singular", "UPI-PCA: the leading singular values; empty for other attacks"},
	{"trace_step", "iterative attacks: the steps at which the objective was looked at; UPI-PCA that was refined: how many times"},
	{"trace_value", "iterative attacks: the objective at these steps, on fit images that were held back; UPI-PCA: mean normalised L2 of the fit images that decide the sign"},
	{"shape", "height, width and channels of delta"},
	{"delta", "the perturbation before its sign, flat and row by row, in pixel units"},
}

// ScoreColumns are those of ScoreOf, ahead of the metrics.
var ScoreColumns = []Column{
	{"perturbation", "the id of the perturbation; those of per_image are in no other file"},
	{"method", "the attack's name in the configuration"},
	{"kind", "the attack's kind"},
	{"role", "what the attack is in a comparison: nothing, random, baseline, method or upper"},
	{"source", "the model that the perturbation was fitted on; several are joined by +"},
	{"norm", "the norm of the budget: l2 or linf"},
	{"eps", "the budget in pixel units, 0..255"},
	{"seed", "the seed of the random streams"},
	{"draw", "numbers the perturbations that an attack draws for one seed"},
	{"model", "the target model, on which the perturbation was scored"},
	{"target", "the same, under the name that tables have for it"},
	{"explanation", "the explanation that was scored, by its name in the configuration"},
	{"fitted_for", "the explanation that the perturbation was fitted for; another one only with evaluation.cross_explanations"},
	{"image_id", "the shards' id of the image: an integer, or a text where the ids are texts"},
	{"label", "the image's label"},
	{"sign", "+1 or -1: the sign under which delta was added"},
	{"clip", "none, or pixels where x + delta was kept in 0..255"},
	{"clean_class", "the class that the target model answers on the image"},
	{"perturbed_class", "the class that it answers on the perturbed image"},
	{"clean_probability", "probability, on the image, of the class that the map explains: the label, or the clean answer where class: predicted"},
	{"perturbed_probability", "probability of the same class on the perturbed image"},
}

// ModelColumns are those of Model.
var ModelColumns = []Column{
	{"model", "the network"},
	{"split", "fit or test; with fit_images the fit split is as long as the longest of them"},
	{"explanation", "through which explanation"},
	{"classes", "the number of classes of the network"},
	{"images", "the images that were looked at"},
	{"missing", "the images of tasks that have failed; they are in no other column"},
	{"right", "images whose label the network answers"},
	{"accuracy", "their share; NULL without images"},
	{"std_error", "its standard error; NULL below two images"},
	{"chance_commonest", "the share of the commonest label, which one answer to all images gets"},
	{"chance_uniform", "1 / classes"},
	{"saturated", "images whose probability of the explained class, computed from the logits in float64, is exactly 0 or 1 when rounded to float32"},
	{"no_map", "images whose explanation is zero"},
	{"not_finite", "images whose explanation is infinite or not a number"},
}

// CellColumns are those of Cell.
var CellColumns = []Column{
	{"method", "the attack's name in the configuration"},
	{"kind", "the attack's kind"},
	{"role", "what the attack is in a comparison: nothing, random, baseline, method or upper"},
	{"source", "the model that the perturbation was fitted on; several are joined by +"},
	{"target", "the model that it was scored on"},
	{"diagonal", "whether the target is one of the sources"},
	{"explanation", "the explanation that was scored, by its name in the configuration"},
	{"fitted_for", "the explanation that the perturbation was fitted for; another one in tables/cross alone"},
	{"other", "in tables/explanations, the explanation whose value is taken off; empty elsewhere"},
	{"norm", "the norm of the budget: l2 or linf"},
	{"eps", "the budget in pixel units, 0..255"},
	{"metric", "which metric the numbers are of"},
	{"images", "the images in the mean"},
	{"left_out", "the images of the split that are not: classified wrong, without a map or this metric, or of a task that has failed"},
	{"perturbations", "over how many seeds and draws each image's value was averaged first"},
	{"mean", "mean over the images; NULL where there is none"},
	{"std_error", "its standard error, over the images"},
	{"seed_std_dev", "standard deviation of the mean over seeds and draws; NULL for a single one"},
	{"difference", "mean difference, over the same images, to random of the same norm and eps or, in against_NAME, to that attack; NULL where there is none"},
	{"low", "lower end of its paired bootstrap 95 % interval"},
	{"high", "upper end of that interval"},
}

// MapColumns are those of MapsOf.
var MapColumns = []Column{
	{"image_id", "the shards' id of the image"},
	{"clean_scale", "the largest value of the clean map"},
	{"clean", "the clean map divided by clean_scale: height x width float16, little-endian, row by row; the footer has [height, width] under upi.shape"},
	{"perturbed_scale", "the largest value of the perturbed map"},
	{"perturbed", "the perturbed map divided by perturbed_scale, stored as clean is"},
}

// ExampleColumns are those of Example.
var ExampleColumns = []Column{
	{"id", "the image's id, or its place where ids are texts"},
	{"name", "the id where that is a text, else empty"},
	{"title", "the perturbation, its model and the explanation"},
	{"label", "the image's label"},
	{"label_name", "its name; may be empty"},
	{"clean_prediction", "the class that the model answers on the image"},
	{"clean_name", "its name; may be empty"},
	{"perturbed_prediction", "the class that it answers on the perturbed image"},
	{"perturbed_name", "its name; may be empty"},
	{"shape", "height, width and channels"},
	{"image", "the image, flat and row by row, in pixel units"},
	{"perturbed", "the perturbed image; its values may lie outside 0..255"},
	{"clean_map", "the saliency map of the image, height x width"},
	{"perturbed_map", "that of the perturbed image"},
	{"region", "the box that the perturbation is to bring the map to: top, left, height and width in pixels; empty where it is after something else"},
	{"target", "the map that the perturbation is to bring about, height x width; empty where it is after something else"},
}
