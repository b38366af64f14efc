# make demo    see it work, without a Telegram account
# make run     the daemon (needs .env, see .env.example)
# make test    every test
# make check   lint, types, tests
# make chaos   200 voices while everything goes wrong (N=… SEED=… for others)
# make drill   the containers cut off, stopped, killed and updated (needs Docker)
# make bench   how fast, beside faster-whisper as it comes

# The first Python that is new enough; uv, where there is one, only makes the set-up faster.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
UV := $(shell command -v uv)
RUN := .venv/bin/python

N ?= 200
SEED ?= 1

.PHONY: demo run test check chaos drill bench setup lock

demo: setup
	@$(RUN) -m demo

run: setup
	@exec $(RUN) userbot.py

test: setup
	$(RUN) -m pytest -n 4 --dist loadfile

check: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n 4 --dist loadfile

bench: setup
	@$(RUN) -m benchmarks.bench

chaos: setup
	$(RUN) -m tests.chaos --voices $(N) --seed $(SEED)

drill: setup
	$(RUN) -m tests.drills

setup: .venv/ready

.venv/ready: requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say where it is: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up .venv with $(PYTHON): a few hundred megabytes, once"
ifneq ($(UV),)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv
	@$(UV) pip install --quiet --compile-bytecode --python $(RUN) --require-hashes -r requirements-dev.txt
else
	@"$(PYTHON)" -m venv --clear .venv || { rm -rf .venv; echo "This Python cannot make virtual environments: apt install python3-venv, or install uv"; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
endif
	@$(RUN) -m tests.weights
	@touch $@

lock: # needs uv
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt

# With extras named: pip 23 takes the newest of an extra that is not pinned itself, which has no hash here
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-strip-extras --custom-compile-command "make lock"
