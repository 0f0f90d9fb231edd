# All commands, with the bundled networks, on a CPU.
#
#   docker build -t sr-keras .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" sr-keras upscale photo.jpg

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/sr_keras
ENV PATH=/opt/sr_keras/bin:$PATH
COPY . .
# TensorFlow's build for CPUs alone takes half of the room, and is the same to who imports it.
RUN pip install --no-cache-dir --constraint constraints.txt . \
    && version="$(python -c 'import importlib.metadata as m; print(m.version("tensorflow"))')" \
    && pip uninstall --yes tensorflow \
    && pip install --no-cache-dir --no-deps "tensorflow-cpu==$version" \
    && pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /opt/sr_keras /opt/sr_keras
# Libraries keep settings in a home; a user that --user names has none.
ENV PATH=/opt/sr_keras/bin:$PATH HOME=/tmp
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["sr-keras"]
CMD ["--help"]
