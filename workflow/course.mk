# The jobs of every course that organize listed, and aggregate behind them. Called by `make cohort`.
# Each job checks by content whether there is anything to do, so all of them are started each time.

OUTPUT ?= out
CONFIG ?=
BIN    ?= target/release

config_args := $(if $(CONFIG),--config $(CONFIG))
# One active course a line, `<patient>/<course>` in folder names (letters, digits, `.`, `_` and `-` only).
courses := $(shell cat $(OUTPUT)/_COHORT/courses.txt 2>/dev/null)
stages  := segment structures dvh radiomics qc

.PHONY: aggregate $(foreach s,$(stages),$(courses:%=$(s)/%))

aggregate: $(courses:%=qc/%)
	$(BIN)/rt-aggregate $(OUTPUT) $(config_args) --partial-ok

# stage,stages before it
define stage_rule
$(courses:%=$(1)/%): $(1)/%: $(foreach before,$(2),$(before)/%)
	$(BIN)/rt-$(1) $(OUTPUT)/$$* $(config_args) --partial-ok
endef

$(eval $(call stage_rule,segment,))
$(eval $(call stage_rule,structures,segment))
$(eval $(call stage_rule,dvh,structures))
$(eval $(call stage_rule,radiomics,structures))
$(eval $(call stage_rule,qc,dvh radiomics))
