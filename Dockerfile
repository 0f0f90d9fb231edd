# All commands, with the bundled networks, on a CPU.
#
#   docker build -t sr-keras .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" sr-keras upscale photo.jpg
#   docker run --rm -p 127.0.0.1:8000:8000 sr-keras web --host=0.0.0.0

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/sr_keras
ENV PATH=/opt/sr_keras/bin:$PATH
COPY . .
# TensorFlow's build for CPUs alone is the same to who imports it. With it, and without headers, the environment is 1.4 GB, not 2.3.
RUN pip install --no-cache-dir --constraint constraints.txt '.[video,web]' \
    && version="$(python -c 'import importlib.metadata as m; print(m.version("tensorflow"))')" \
    && pip uninstall --yes tensorflow \
    && pip install --no-cache-dir --no-deps "tensorflow-cpu==$version" \
    && pip uninstall --yes pip \
    && rm -r /opt/sr_keras/lib/python3.13/site-packages/tensorflow/include

FROM python:3.13-slim
COPY --from=build /opt/sr_keras /opt/sr_keras
# Libraries keep settings in a home; a user that --user names has none.
ENV PATH=/opt/sr_keras/bin:$PATH HOME=/tmp
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["sr-keras"]
CMD ["--help"]
