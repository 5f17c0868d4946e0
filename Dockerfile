# An image that is worker, server and command line in one: docs/operations.md, Containers.
#
#   docker build -t flowhand .
#   docker run --rm -v flowhand:/var/lib/flowhand -e FLOWHAND_API_URL=http://server:4200/api flowhand worker start --pool my-pool --with-healthcheck

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Not /opt/flowhand: that is where projects are in images that `deploy` makes from this one
RUN python -m venv /opt/venv
COPY requirements-run.lock /src/
RUN /opt/venv/bin/pip install --require-hashes --prefer-binary -r /src/requirements-run.lock
COPY pyproject.toml README.md LICENSE /src/
COPY runner /src/runner
COPY storage /src/storage
COPY server /src/server
# --no-deps: whatever is not in the lock does not come in; only the build backend is fetched beside it, and stays behind
RUN python -m pip wheel --no-deps --wheel-dir /wheels /src \
    && /opt/venv/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

FROM python:${PYTHON}-slim
# tini: PID 1 that reaps and forwards signals; git: flows that are fetched from repositories
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/flowhand --shell /usr/sbin/nologin flowhand
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH FLOWHAND_HOME=/var/lib/flowhand/home FLOWHAND_LOG_FORMAT=json PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/flowhand
VOLUME /var/lib/flowhand
# A worker answers on 8080 when started --with-healthcheck, a server on its own port: one of them must.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import sys, urllib.request as r\nfor url in ('http://127.0.0.1:8080/readyz', 'http://127.0.0.1:4200/api/health'):\n    try:\n        sys.exit(r.urlopen(url, timeout=4).status != 200)\n    except OSError:\n        pass\nsys.exit(1)"]
# -s: it reaps also where it is not PID 1, as below `docker run --init`
ENTRYPOINT ["tini", "-s", "--"]
CMD ["flowhand", "--help"]
