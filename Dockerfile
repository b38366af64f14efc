# Two images: `redis`, and the program (the last stage, built when no target is named). Built where pip and a
# toolchain are; only the result is kept.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
ARG REDIS_IMAGE=redis:7-alpine

FROM ${REDIS_IMAGE} AS redis
COPY config/redis.conf config/redis.sh /etc/voice-transcriber/
RUN chmod -R a+rX /etc/voice-transcriber  # the checkout's own modes may be private
# The group is the program's: it may read the address and use the socket.
USER redis:10001
ENTRYPOINT ["sh", "/etc/voice-transcriber/redis.sh"]

FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update && apt-get install -y --no-install-recommends binutils
COPY requirements.txt /
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --require-hashes -r /requirements.txt
# What nothing here uses: 60 MB of debugging symbols, tests, and a downloader that transcriber/models.py switches off.
RUN cd /venv/lib/python3*/site-packages \
    && strip --strip-debug ctranslate2/_ext*.so \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && rm -r hf_xet*
COPY userbot.py wiring.py /app/
COPY config /app/config
COPY transcriber /app/transcriber
# Bytecode only of what is imported: the rest would be another 40 MB.
RUN chmod -R a+rX /app && cd /app && /venv/bin/python -c "import importlib, pathlib; \
    [importlib.import_module(f'transcriber.{file.stem}') for file in pathlib.Path('transcriber').glob('*.py')]; \
    import userbot, wiring, faster_whisper"
# A model for an image that needs no network: docker build --build-arg MODEL=small
ARG MODEL=""
RUN mkdir /models && if [ -n "$MODEL" ]; then cd /app && /venv/bin/python -c \
    "import sys, pathlib; from transcriber.models import obtain; obtain(sys.argv[1], pathlib.Path('/models'))" "$MODEL" \
    && chmod -R a+rX /models; fi

FROM ${PYTHON_IMAGE}
# A fixed number, so that volumes keep their owner from image to image.
RUN groupadd --gid 10001 transcriber \
    && useradd --uid 10001 --gid transcriber --no-create-home --home-dir /data --shell /usr/sbin/nologin transcriber \
    && install -d -o transcriber -g transcriber -m 700 /data /data/models
COPY --from=packages /venv /venv
COPY --from=packages /models /models
COPY --from=packages /app /app
ARG MODEL=""
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data WHISPER_MODEL=${MODEL} \
    LOGIN_COMMAND="docker-compose run --rm userbot login"
USER transcriber
WORKDIR /app
VOLUME ["/data"]
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=5 CMD ["python", "/app/userbot.py", "health"]
ENTRYPOINT ["python", "/app/userbot.py"]
# Instead of ending, and being started again for ever, it waits for what only a person can do.
CMD ["--wait"]
