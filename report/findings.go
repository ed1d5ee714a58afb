package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"upi/metric"
	"upi/results"
)

// A finding is what came out on one model through one explanation, in sentences.
type finding struct {
	Subject   string
	Sentences []string
}

// findings put the summary into words: how right the model is, what the strongest budget of each method under study does to the maps and
// the predictions, beside what noise of that size does, and how sure that is. Every number is one of the tables.
func (r *run) findings() []finding {
	t, there := r.records(results.SummaryTable)
	if !there || len(t.Metrics) == 0 {
		return nil
	}
	var all []finding
	for _, rows := range t.byTarget() {
		f := finding{Subject: printable(t.Labels.of(rows[0].Target) + ", " + r.adjective(rows[0].Explanation) + " maps")}
		f.Sentences = append(f.Sentences, r.accuracySentence(rows[0])...)
		told := t.strongest(rows)
		for _, row := range told {
			f.Sentences = append(f.Sentences, strings.Join(r.changeSentences(t, rows, row), " "))
		}
		f.Sentences = append(f.Sentences, seedSentence(t, told)...)
		if len(told) == 0 {
			f.Sentences = append(f.Sentences, "No method under study has a number here.")
		}
		if lost := missing(rows, t.Metrics); lost > 0 {
			f.Sentences = append(f.Sentences, fmt.Sprintf("%d of the %d numbers of the table could not be computed; it says which.", lost, len(rows)*len(t.Metrics)))
		}
		for i := range f.Sentences {
			f.Sentences[i] = printable(f.Sentences[i])
		}
		all = append(all, f)
	}
	return all
}

// accuracySentence says how right the model is on the clean test images.
func (r *run) accuracySentence(row record) []string {
	if r.models == nil {
		return nil
	}
	i := slices.IndexFunc(r.models.Rows, func(m results.Model) bool {
		return m.Model == row.Target && m.Split == results.TestSplit && m.Explanation == row.Explanation
	})
	if i < 0 || r.models.Rows[i].Accuracy == nil {
		return nil
	}
	m := r.models.Rows[i]
	text := fmt.Sprintf("Clean, %s answers %s of %d test images right", r.labels().of(m.Model), shareWithin(m.Accuracy, m.StdError, m.Images), m.Images)
	if m.Commonest != nil {
		text += fmt.Sprintf(" (one answer to all would get %s)", share(*m.Commonest))
	}
	return []string{text + "."}
}

// strongest lists, for each method under study and upper reference, its row of the largest budget that has a number of what it is after:
// within a role first those that are after the first metric, the strongest change first.
func (r records) strongest(rows []record) []record {
	type of struct{ method, source, norm string }
	best := map[of]record{}
	var order []of
	for _, row := range rows {
		if c, known := row.Cells[r.metricOf(row)]; !known || c.Mean == nil || math.IsNaN(*c.Mean) || row.Role != results.RoleMethod && row.Role != results.RoleUpper {
			continue
		}
		key := of{row.Method, row.Source, row.Norm}
		if known, there := best[key]; !there {
			order = append(order, key)
			best[key] = row
		} else if row.Eps > known.Eps {
			best[key] = row
		}
	}
	var told []record
	for _, key := range order {
		told = append(told, best[key])
	}
	metrics := rank(r.Metrics)
	slices.SortStableFunc(told, func(a, b record) int {
		order := cmp.Compare(metrics[r.metricOf(a)], metrics[r.metricOf(b)])
		if name := r.metricOf(a); order == 0 {
			order = cmp.Compare(*b.Cells[name].Mean, *a.Cells[name].Mean)
			if !risesWith(name) {
				order = -order
			}
		}
		return cmp.Or(cmp.Compare(roleRank(a.Role), roleRank(b.Role)), order)
	})
	return told
}

func risesWith(name string) bool {
	m, err := metric.Lookup(name)
	return err != nil || m.Rises
}

// changeSentences say what one perturbation does.
func (r *run) changeSentences(t records, rows []record, row record) []string {
	name := t.metricOf(row)
	c := row.Cells[name]
	who := t.Labels.of(row.Method)
	if row.Source != row.Target {
		who += ", fitted on " + t.Labels.of(row.Source) + ","
	}
	text := fmt.Sprintf("%s at %s %s ", who, row.Norm, budget(row.Eps))
	if name == "normalized_l2" {
		text += fmt.Sprintf("moves the maps by %s of their L2 norm", within(c.Mean, c.StdError))
	} else {
		text += fmt.Sprintf("brings %s of the maps to %s", t.Labels.of(name), within(c.Mean, c.StdError))
	}
	text += fmt.Sprintf(", on %d held-out images", c.Images)
	if row.Role == results.RoleUpper {
		text += ", each with a pattern of its own"
	}
	random, there := randomBeside(rows, row)
	if there && random.Cells[name].Mean != nil {
		other := random.Cells[name]
		text += fmt.Sprintf("; %s of the same size by %s", t.Labels.of(random.Method), within(other.Mean, other.StdError))
		if name != "normalized_l2" {
			text = strings.Replace(text, " of the same size by ", " of the same size to ", 1)
		}
	}
	text += "."
	sentences := []string{text}
	if c.Difference != nil && c.Low != nil && c.High != nil {
		sentences = append(sentences, fmt.Sprintf("The difference to random, image by image, is %s [%s, %s]%s.", signed(*c.Difference), signed(*c.Low), signed(*c.High),
			verdict(*c.Low, *c.High, risesWith(name))))
	} else if c.Difference != nil {
		sentences = append(sentences, fmt.Sprintf("The difference to random, image by image, is %s, of too few images for an interval.",
			signed(*c.Difference)))
	} else if there && row.Role == results.RoleMethod {
		sentences = append(sentences, "Its difference to random could not be computed.")
	}
	if changed, known := row.Cells["prediction_changed"]; known && changed.Mean != nil {
		text := fmt.Sprintf("The prediction changes on %s of the images", shareWithin(changed.Mean, changed.StdError, changed.Images))
		if other := random.Cells["prediction_changed"]; there && other.Mean != nil {
			text += fmt.Sprintf(", under %s on %s", t.Labels.of(random.Method), share(*other.Mean))
		}
		sentences = append(sentences, text+".")
	}
	if c.SeedStdDev != nil && row.Role == results.RoleMethod {
		sentences = append(sentences, fmt.Sprintf("Over %d seeds the mean has a standard deviation of %s.", c.Perturbations, number(*c.SeedStdDev)))
	}
	return sentences
}

// seedSentence says which methods have been run once, so that nothing is known of other seeds.
func seedSentence(t records, told []record) []string {
	var once []string
	for _, row := range told {
		if row.Role == results.RoleMethod && row.Cells[t.metricOf(row)].SeedStdDev == nil {
			once = append(once, t.Labels.of(row.Method))
		}
	}
	if len(once) == 0 {
		return nil
	}
	return []string{strings.Join(distinct(once), " and ") + " ran with one seed: how far another would move the numbers is not known."}
}

// verdict says in words what an interval of a difference means.
func verdict(low, high float64, rises bool) string {
	if !rises {
		low, high = -high, -low
	}
	switch {
	case low > 0:
		return ": more than noise does"
	case high < 0:
		return ": less than noise does"
	}
	return ": not told apart from noise"
}

// randomBeside is the row of the random attack of the same budget: of the same sources or, beside several sources, of the target alone.
func randomBeside(rows []record, row record) (record, bool) {
	for _, source := range []string{row.Source, row.Target} {
		for _, other := range rows {
			if other.Role == results.RoleRandom && other.Norm == row.Norm && other.Eps == row.Eps && other.Source == source {
				return other, true
			}
		}
	}
	return record{}, false
}

// missing counts the numbers that the run was asked for and does not have.
func missing(rows []record, metrics []string) int {
	n := 0
	for _, row := range rows {
		for _, m := range metrics {
			if c, known := row.Cells[m]; known && c.Mean == nil {
				n++
			}
		}
	}
	return n
}

// within is a mean with its 95 % interval, 1.96 standard errors to either side.
func within(mean, stdError *float64) string {
	if stdError == nil {
		return number(*mean)
	}
	return fmt.Sprintf("%s [%s, %s]", number(*mean), number(*mean-normal95**stdError), number(*mean+normal95**stdError))
}

// shareWithin is the same of a share of so many images, kept within 0 to 100 %. The standard error of none or all of them is 0, which
// says nothing of other images: the interval is then the exact one of the binomial distribution (Clopper and Pearson 1934).
func shareWithin(mean, stdError *float64, images int64) string {
	if stdError == nil {
		return share(*mean)
	}
	low, high := max(0, *mean-normal95**stdError), min(1, *mean+normal95**stdError)
	if exact := math.Pow(0.025, 1/float64(images)); *mean <= 0 {
		high = 1 - exact
	} else if *mean >= 1 {
		low = exact
	}
	return fmt.Sprintf("%s [%.1f, %.1f]", share(*mean), 100*low, 100*high)
}

const sureLegend = "In brackets: 95 % intervals over the images, of means 1.96 standard errors to either side (of shares of 0 and 100 % the exact binomial one), of differences a paired bootstrap. They say how far " +
	"other images of the kind would move a number, not how far another training of the network would."
