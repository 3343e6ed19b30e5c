# The jobs of every course that organize listed, and aggregate to come after them. Called by `make cohort`.
# Each job decides by content whether there is anything to do (milliseconds when not), so all of them are started each time.

OUTPUT  ?= out
CONFIG  ?=
PRESET  ?=
SET     ?=
THREADS ?=
BIN     ?= target/release

# Text as one word of the shell.
quote  = '$(subst ','\'',$(1))'
output := $(call quote,$(OUTPUT))
flags  := $(strip $(if $(CONFIG),--config $(call quote,$(CONFIG))) $(if $(PRESET),--preset $(PRESET)) \
	$(foreach value,$(SET),--set $(call quote,$(value))) $(if $(THREADS),--threads $(THREADS)) --partial-ok)
# One active course a line, `<patient>/<course>` in folder names (letters, digits, `.`, `_` and `-` only).
courses := $(shell cat $(output)/_COHORT/courses.txt)
names   := segment structures dvh radiomics robustness qc

.PHONY: stages aggregate $(foreach s,$(names),$(courses:%=$(s)/%))

stages: $(foreach s,$(names),$(courses:%=$(s)/%))

aggregate:
	$(BIN)/rt-aggregate $(output) $(flags)
	@echo report: $(output)/_RESULTS/report.html

# stage,stages before it
define stage_rule
$(courses:%=$(1)/%): $(1)/%: $(foreach before,$(2),$(before)/%)
	$(BIN)/rt-$(1) $$(call quote,$$(OUTPUT)/$$*) $(flags)
endef

ifneq (,$(courses))
$(eval $(call stage_rule,segment,))
$(eval $(call stage_rule,structures,segment))
$(eval $(call stage_rule,dvh,structures))
$(eval $(call stage_rule,radiomics,structures))
$(eval $(call stage_rule,robustness,structures))
$(eval $(call stage_rule,qc,dvh radiomics))
endif
