# Trains nano from nothing: the world, the towers, the language model, the bridges, the shipped folder.
# Every target is a folder or file of runs/nano; a stage that was killed goes on where it was, one that is done is skipped.
# `bubo data world` is always asked: it keeps what is there, and refuses data of other settings or another version.
# With -j2 two stages that do not need each other run side by side, each on one core.

PY ?= python
RUN := runs/nano
WORLD := $(RUN)/world
DATA := $(PY) -m bubo data world
TRAIN := $(PY) -m bubo train
WORKERS ?= 2

.PHONY: nano always
nano: $(RUN)/shipped.json

$(WORLD)/pictures/complete.json: always
	$(DATA) $(WORLD)/pictures --count 24000 --seed 2 --split train --parts picture --workers $(WORKERS)

$(WORLD)/validation/complete.json: always | $(WORLD)/pictures/complete.json
	$(DATA) $(WORLD)/validation --count 1000 --seed 9 --split validation --workers $(WORKERS)

$(WORLD)/train/complete.json: always | $(WORLD)/validation/complete.json
	$(DATA) $(WORLD)/train --count 20000 --seed 1 --split train --workers $(WORKERS)

$(RUN)/eyes/done.json: configs/train/nano/eyes.yaml | $(WORLD)/train/complete.json
	$(TRAIN) $<

$(RUN)/language/done.json: configs/train/nano/language.yaml | $(WORLD)/train/complete.json
	$(TRAIN) $<

$(RUN)/ears/done.json: configs/train/nano/ears.yaml | $(WORLD)/train/complete.json $(RUN)/eyes/done.json
	$(TRAIN) $<

$(RUN)/align/done.json: configs/train/nano/align.yaml $(RUN)/eyes/done.json $(RUN)/ears/done.json $(RUN)/language/done.json
	$(TRAIN) $<

$(RUN)/instruct/done.json: configs/train/nano/instruct.yaml $(RUN)/align/done.json
	$(TRAIN) $<

$(RUN)/shipped.json: $(RUN)/instruct/done.json
	$(PY) -m bubo.train.ship $(RUN) bubo/nano
