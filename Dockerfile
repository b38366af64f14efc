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
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER transcriber
VOLUME ["/data"]
ENTRYPOINT ["python", "userbot.py"]
