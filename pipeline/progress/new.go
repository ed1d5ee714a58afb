package progress

import (
	"io"
	"log/slog"
	"os"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// A Format is that of log lines.
type Format string

// The formats.
const (
	Text Format = "text" // key=value; on a terminal bars instead of lines on progress
	JSON Format = "json" // an object a line, on a terminal too
)

// Formats lists the formats.
var Formats = []Format{Text, JSON}

// New returns the reporter that suits a file, which is standard error: bars on a terminal, log lines elsewhere and wherever they are to
// be JSON. Whatever else is to be said goes to the logger, so that lines and bars do not mix; its lines carry the run's name.
func New(f *os.File, run string, format Format) (Reporter, *slog.Logger) {
	if format != JSON && cwriter.IsTerminal(int(f.Fd())) {
		bars := NewBars(f)
		return bars, NewLogger(bars, format).With("run", run)
	}
	log := NewLogger(f, format).With("run", run)
	return NewLog(log), log
}

// NewLogger returns a logger that writes lines of a format.
func NewLogger(w io.Writer, format Format) *slog.Logger {
	if format == JSON {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
