package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"upi/report"
	"upi/results"
)

// wrapper shows the page in a frame of each width, and writes what the browser made of it where --dump-dom finds it.
const wrapper = `<!DOCTYPE html><body><pre id="out"></pre><script>
const widths = [390, 1280], out = [];
// printedWidth is how far the tables of the page reach to the right where it is set as it is printed, on the 703 pixels that A4 leaves between
// its margins.
function printedWidth(d) {
  const style = d.createElement("style");
  for (const sheet of d.styleSheets) for (const rule of sheet.cssRules)
    if (rule instanceof d.defaultView.CSSMediaRule && rule.media.mediaText === "print") for (const inner of rule.cssRules) style.textContent += inner.cssText;
  style.textContent += "body { width: 703px !important; margin: 0 !important; }";
  d.head.append(style);
  for (const details of d.querySelectorAll("details")) details.open = true;
  const right = Math.max(...[...d.querySelectorAll("table, img, p, li")].map(e => e.getBoundingClientRect().right));
  style.remove();
  return right;
}
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = "border:0;height:2000px;width:" + width + "px";
  frame.src = "report.html";
  frame.onload = () => {
    const d = frame.contentDocument, w = frame.contentWindow, images = [...d.images];
    out.push({
      Width: width, Scroll: d.documentElement.scrollWidth, Images: images.length,
      Broken: images.filter(i => !i.complete || i.naturalWidth === 0).length,
      Wide: images.filter(i => i.getBoundingClientRect().width > width && !i.closest(".scroll")).length,
      Fetched: w.performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
      Sections: [...d.querySelectorAll("main > section > h2")].map(h => h.textContent),
      Printed: printedWidth(d),
      Smallest: Math.min(...[...d.querySelectorAll("td, p, figcaption, a")].map(e => parseFloat(w.getComputedStyle(e).fontSize))),
    });
    if (out.length === widths.length) document.getElementById("out").textContent = JSON.stringify(out);
  };
  document.body.append(frame);
}
</script></body>`

var dumped = regexp.MustCompile(`(?s)<pre id="out">(.*?)</pre>`)

func TestPageInABrowser(t *testing.T) {
	browser := findBrowser(t)
	for name, dir := range map[string]string{"full": fullRun(t), "wide": wideFull(t), "hostile": hostileRun(t)} {
		t.Run(name, func(t *testing.T) {
			if err := report.Build(dir); err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(dir, "wrapper.html"), wrapper)
			arguments := []string{"--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--user-data-dir=" + t.TempDir(),
				"--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom", "file://" + filepath.Join(dir, "wrapper.html")}
			if os.Geteuid() == 0 {
				arguments = append([]string{"--no-sandbox"}, arguments...)
			}
			var problems bytes.Buffer
			c := exec.CommandContext(t.Context(), browser, arguments...)
			c.Stderr = &problems
			dom, err := c.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, problems.String())
			}
			m := dumped.FindSubmatch(dom)
			if m == nil {
				t.Fatalf("the browser gave\n%s", dom)
			}
			var seen []struct {
				Width, Scroll, Images, Broken, Wide int
				Printed                             float64
				Fetched, Sections                   []string
				Smallest                            float64
			}
			if err := json.Unmarshal([]byte(html.UnescapeString(string(m[1]))), &seen); err != nil {
				t.Fatalf("%v: the browser gave %s", err, m[1])
			}
			files, _ := filepath.Glob(filepath.Join(dir, results.FiguresDir, "*.png"))
			for _, s := range seen {
				if s.Scroll > s.Width {
					t.Errorf("at %d pixels the page is %d wide", s.Width, s.Scroll)
				}
				if s.Images != len(files) || s.Broken > 0 || s.Wide > 0 {
					t.Errorf("at %d pixels: %d images of %d, %d broken, %d too wide", s.Width, s.Images, len(files), s.Broken, s.Wide)
				}
				if s.Printed > 704 {
					t.Errorf("printed on A4 the page reaches to %g pixels of 703", s.Printed)
				}
				if len(s.Fetched) > 0 {
					t.Errorf("the page fetched %v", s.Fetched)
				}
				if s.Smallest < 12 {
					t.Errorf("at %d pixels there is text of %g pixels", s.Width, s.Smallest)
				}
				if want := "[What came out What was done Results Figures Transfer"; len(s.Sections) < 7 || fmt.Sprint(s.Sections)[:len(want)] != want {
					t.Errorf("sections %v", s.Sections)
				}
			}
		})
	}
}

// wideFull is a run of nine metrics, with all that a report draws.
func wideFull(t *testing.T) string {
	dir := wideRun(t)
	writeRows(t, filepath.Join(dir, results.FiguresDir, results.ExamplesFile), examples())
	return dir
}

func findBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no browser: install chromium to have the page checked in one")
	return ""
}
