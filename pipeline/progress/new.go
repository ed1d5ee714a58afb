package progress

import (
	"log/slog"
	"os"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// New returns the reporter that suits a file, which is standard error: bars on
// a terminal, log lines elsewhere. Whatever else is to be said goes to the
// logger, so that lines and bars do not mix; its lines carry the run's name.
func New(f *os.File, run string) (Reporter, *slog.Logger) {
	if cwriter.IsTerminal(int(f.Fd())) {
		bars := NewBars(f)
		return bars, slog.New(slog.NewTextHandler(bars, nil)).With("run", run)
	}
	log := slog.New(slog.NewTextHandler(f, nil)).With("run", run)
	return NewLog(log), log
}
