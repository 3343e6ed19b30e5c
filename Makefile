# The two commands of the README, and the graph of the pipeline for plain make.
#
#   make run  [INPUT=dir] [OUTPUT=dir] [CONFIG=file] [JOBS=n]   everything in one process; without INPUT on a demo cohort
#   make test                                                   every test
#   make -jN cohort INPUT=dir OUTPUT=dir [CONFIG=file]          one job per course and stage, made by make

INPUT  ?=
OUTPUT ?= out
CONFIG ?=
JOBS   ?=
# Folder of the binaries; `cohort` uses what is there, `run` and `build` make it.
BIN    ?= $(or $(CARGO_TARGET_DIR),target)/release
CARGO  ?= cargo
DEMO   ?= demo

config_args := $(if $(CONFIG),--config $(CONFIG))
demo_input  := $(DEMO)/dicom

.PHONY: help run test build demo cohort organize courses clean

help:
	@sed -n 's/^#  *\(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

build:
	$(CARGO) build --release --locked

ifeq ($(INPUT),)
run: build demo
	$(BIN)/rtpipeline run --input $(demo_input) --output $(OUTPUT) $(config_args) $(if $(JOBS),--jobs $(JOBS))
else
run: build
	$(BIN)/rtpipeline run --input $(INPUT) --output $(OUTPUT) $(config_args) $(if $(JOBS),--jobs $(JOBS))
endif

# Three synthetic courses: two plans to sum, no dose, an MR beside the CT. Made once; the same bytes each time.
demo:
	@test -e $(demo_input)/truth.json || $(CARGO) xtask cohort demo --output $(demo_input)

test:
	$(CARGO) xtask test

# organize decides which courses there are, so the jobs of the courses are known only after it: a second make reads its list.
cohort: organize
	$(MAKE) --no-print-directory -f workflow/course.mk OUTPUT=$(OUTPUT) BIN=$(BIN) CONFIG=$(CONFIG)

organize:
	$(if $(INPUT),,$(error cohort needs INPUT=folder of DICOM files))
	$(BIN)/rt-organize --input $(INPUT) --output $(OUTPUT) $(config_args) --partial-ok

clean:
	rm -rf $(DEMO) out
