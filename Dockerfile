# Two stages: packages are installed where pip is, and only the result is kept.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
COPY requirements.txt /
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes -r /requirements.txt

FROM ${PYTHON_IMAGE}
# A fixed number, so that volumes keep their owner from image to image.
RUN groupadd --gid 10001 transcriber \
    && useradd --uid 10001 --gid transcriber --no-create-home --home-dir /data --shell /usr/sbin/nologin transcriber \
    && install -d -o transcriber -g transcriber -m 700 /data /data/models
COPY --from=packages /venv /venv
COPY userbot.py wiring.py /app/
COPY config /app/config
COPY transcriber /app/transcriber
RUN python -m compileall -q /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data LOGIN_COMMAND="docker-compose run --rm userbot login"
USER transcriber
# Where files may be written: kurigram notes errors that it does not know in the current folder, and fails if it cannot.
WORKDIR /data
VOLUME ["/data"]
HEALTHCHECK --interval=60s --timeout=20s --start-period=60s --retries=5 CMD ["python", "/app/userbot.py", "health"]
ENTRYPOINT ["python", "/app/userbot.py"]
