# The two commands of the README, and the graph of the pipeline for plain make.
#
#   make run [INPUT=dir] [OUTPUT=dir] [CONFIG=file] [JOBS=n]     everything in one process; names the report
#   make test                                                    build and run every test
#   make -jN cohort [INPUT=dir] [OUTPUT=dir] [CONFIG=file]       the same result, one make job per course and stage
#   make organize, then make -n                                  list those jobs
#
# Without INPUT three synthetic courses are made in ./demo. INPUT is only read; everything goes to OUTPUT [out].
# PRESET=workstation|server|hpc sets resources, SET="dvh.bin_width_gy=0.05 qc.html=false" single values, THREADS=n the threads of a job.

INPUT   ?=
OUTPUT  ?= out
CONFIG  ?=
PRESET  ?=
SET     ?=
JOBS    ?=
THREADS ?=
DEMO    ?= demo
CARGO   ?= cargo
# Folder of the binaries; those that are named here by hand are used as they are, the default ones are built first.
ifeq ($(origin BIN),undefined)
BIN   := $(or $(CARGO_TARGET_DIR),target)/release
ready := build
endif
ready += $(if $(INPUT),,demo)

# Text as one word of the shell.
quote  = '$(subst ','\'',$(1))'
input  := $(call quote,$(or $(INPUT),$(DEMO)/dicom))
output := $(call quote,$(OUTPUT))
flags  := $(strip $(if $(CONFIG),--config $(call quote,$(CONFIG))) $(if $(PRESET),--preset $(PRESET)) \
	$(foreach value,$(SET),--set $(call quote,$(value))) $(if $(THREADS),--threads $(THREADS)))
export OUTPUT CONFIG PRESET SET THREADS BIN

.DEFAULT_GOAL := cohort
.PHONY: help run test build demo cohort organize clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

build:
	$(CARGO) build --release --locked

# Two plans to sum, a course without dose, one with an MR. Made once; the same bytes each time.
demo:
	@test -e $(call quote,$(DEMO)/dicom/truth.json) || $(CARGO) run --release --locked --package xtask -- cohort demo --output $(call quote,$(DEMO)/dicom)

run: $(ready)
	$(BIN)/rtpipeline run --input $(input) --output $(output) $(flags) $(if $(JOBS),--jobs $(JOBS))

test:
	$(CARGO) xtask test

# organize decides which courses there are, so the jobs of the courses are known only after it: a second make reads its list.
# A course that fails stops nothing but itself; aggregate tables what there is and names what is missing, and make ends with an error.
cohort: organize
	+@code=0; \
	$(MAKE) --no-print-directory -f workflow/course.mk --keep-going stages || code=$$?; \
	$(MAKE) --no-print-directory -f workflow/course.mk aggregate || code=$$?; \
	exit $$code

organize: $(ready)
	$(BIN)/rt-organize --input $(input) --output $(output) $(flags) --partial-ok

clean:
	rm -rf $(call quote,$(DEMO)) out
