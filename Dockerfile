# The first stage has pip and builds, the last has the interpreter and what was built. Between them scikit-learn comes in,
# or does not: `--build-arg TRAINING=with` makes the image 260 MB larger, and training work in a container.
ARG PYTHON_IMAGE=python:3.13.9-slim-trixie
ARG TRAINING=without

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes rarely comes first: an edit of the code does not download the dependencies again.
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /tools \
 && /tools/bin/pip install --require-hashes --requirement requirements/build.txt
# Without pip: this folder is what the last stage gets.
RUN python -m venv --without-pip /opt/brownout \
 && pip --python /opt/brownout/bin/python install --no-compile --require-hashes --requirement requirements/run.txt

COPY LICENSE README.md pyproject.toml ./
COPY operator operator
RUN /tools/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/brownout/bin/python install --no-compile --no-deps --no-index /wheels/*.whl
# Compiled once, here: the root file system of the container is read-only. Unchecked: nothing there changes any more, so
# no start has to compare times.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/brownout/lib

FROM builder AS without-training

FROM builder AS with-training
COPY requirements/training.txt requirements/
RUN pip --python /opt/brownout/bin/python install --no-compile --require-hashes --requirement requirements/training.txt \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/brownout/lib

FROM ${TRAINING}-training AS built

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Brownout" \
      org.opencontainers.image.description="Lowers the least important integrations before memory runs out, brings them back when they fit, and says why" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.vendor="The Brownout authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# What installs software has no place where nothing is to be installed.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
 && rm -rf /usr/local/lib/python3*/ensurepip /root/.cache
COPY --from=built /opt/brownout /opt/brownout

# PYTHONSAFEPATH: the working directory is not searched for modules, so no file of a volume becomes ours.
# XDG_STATE_HOME: the state is in /var/lib/brownout, the one folder (besides /tmp) that needs a writable volume.
ENV PATH=/opt/brownout/bin:$PATH \
    HOME=/var/lib/brownout \
    XDG_STATE_HOME=/var/lib \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/brownout
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /var/lib/brownout
ENTRYPOINT ["brownout"]
CMD ["run"]
